from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest
from moto.secretsmanager.models import SecretsManagerBackend

from ops.__main__ import main
from ops.rotation_log import RotationLog
from tests.fakes.clock import FakeClock
from tests.integration.ops.stage import FORMS, LOG_GROUP, Result, Run, Stage, start_rotation


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with a fake clock, and search its output for every secret."""

    def run(
        *arguments: str,
        stdin: str = "",
        on_sleep: Callable[[], object] = lambda: None,
        **environment: str,
    ) -> Result:
        clock = FakeClock()

        def sleep(seconds: float) -> None:
            clock.advance(seconds)
            on_sleep()

        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        status = main(arguments, environment, clock=clock, sleep=sleep)
        output = "".join(capsys.readouterr())
        for form in FORMS:
            assert form not in output
        return status, output

    return run


@pytest.fixture
def stage(aws: None, run: Run, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(SecretsManagerBackend, "rotate_secret", start_rotation)
    # Moto's Lambda would need a role and a bundle before it describes a function.
    monkeypatch.setattr(RotationLog, "_find_group", lambda _: LOG_GROUP)
    return Stage(run)
