"""A program runs to its end, or is killed together with its children."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.emulator.processes import DeploymentError, StoppedError, run_program
from tests.patience import SAFETY_NET_SECONDS

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open("child", "w").write(str(child.pid))
time.sleep(60)
"""


def python(
    code: str,
    folder: Path,
    *,
    standard_input: str = "",
    stop_requested: Callable[[], bool] = lambda: False,
) -> str:
    return run_program(
        [sys.executable, "-c", code],
        folder=folder,
        environment=os.environ,
        stop_requested=stop_requested,
        standard_input=standard_input,
    )


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_slow_program_reads_its_input_and_its_error_output_is_returned(tmp_path: Path) -> None:
    code = "import sys, time; time.sleep(0.3); sys.stderr.write(input() + '!')"

    assert python(code, tmp_path, standard_input="word\n") == "word!"


def test_a_failed_program_is_an_error_with_its_output(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="reason"):
        python("import sys; sys.exit('reason')", tmp_path)


def test_nothing_starts_after_a_stop_request(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        python("open('started', 'w')", tmp_path, stop_requested=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_a_stop_request_kills_a_program_and_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"

    with pytest.raises(StoppedError):
        python(PARENT, tmp_path, stop_requested=lambda: child.exists() and bool(child.read_text()))

    pid, end = int(child.read_text()), time.monotonic() + SAFETY_NET_SECONDS
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_running(pid)
