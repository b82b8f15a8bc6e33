"""The one deployment that all checks here are about, and how they are told: a line for each."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from deployment.ministack import REPOSITORY, MiniStack
from deployment.run import PYTHON
from deployment.service import Service
from deployment.stand_in import StandIn

LOG = REPOSITORY / "build" / "e2e" / "ministack.log"
STARTED = time.monotonic()


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def service(stand_in: StandIn) -> Iterator[Service]:
    """An account with nothing in it; the first check deploys to it."""
    with MiniStack(python=PYTHON, log=LOG) as ministack:
        service = Service(
            ministack=ministack,
            apple_music_url=stand_in.url,
            inherited=os.environ,
            is_wanted=lambda: True,
        )
        yield service
        service.close()


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    if report.when != "call":
        return None
    outcome = "ok" if report.passed else report.outcome.upper()
    words, _, case = report.nodeid.rpartition("::test_")[2].partition("[")
    name = words.replace("_", " ") + (f": {case.removesuffix(']')}" if case else "")
    return report.outcome, f"{outcome:<8}{name} ({report.duration:.1f} s)\n", ""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    passed, failed = (len(terminalreporter.stats.get(each, ())) for each in ("passed", "failed"))
    seconds = time.monotonic() - STARTED
    terminalreporter.write_line(f"{passed} of {passed + failed} checks passed in {seconds:.0f} s.")
