"""The two deployments of all checks here, and a report with a line for each check."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from dev.apple_music.launcher import RunningAppleMusic, launch
from dev.emulator.deployment import Deployment
from dev.emulator.ministack import REPOSITORY, MiniStack, run_ministack
from dev.emulator.run import PYTHON
from infra.local_context import LOCAL_STAGE
from tests.api_client import ApiClient

LOG = REPOSITORY / "build" / "e2e" / "ministack.log"
STARTED = time.monotonic()


@pytest.fixture(scope="session")
def apple() -> Iterator[RunningAppleMusic]:
    with launch() as apple:
        yield apple


@pytest.fixture
def client(deployment: Deployment) -> ApiClient:
    return ApiClient(deployment.api_url, authority=deployment.authority, api_key=deployment.api_key)


@pytest.fixture(scope="session")
def ministack() -> Iterator[MiniStack]:
    """An empty account."""
    with run_ministack(python=PYTHON, log=LOG) as ministack:
        yield ministack


@pytest.fixture(scope="session")
def deployment(ministack: MiniStack, apple: RunningAppleMusic) -> Deployment:
    """The stage `local`; the first check deploys it."""
    return deployment_of(LOCAL_STAGE, ministack, apple)


@pytest.fixture(scope="session")
def prod(ministack: MiniStack, apple: RunningAppleMusic) -> Deployment:
    """The stage `prod`, in the account after the removal of the stage `local`."""
    return deployment_of("prod", ministack, apple)


def deployment_of(stage: str, ministack: MiniStack, apple: RunningAppleMusic) -> Deployment:
    return Deployment(
        ministack=ministack,
        apple_music_url=apple.url,
        inherited=os.environ,
        stop_requested=lambda: False,
        stage=stage,
    )


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
