"""A program is run to its end, or ended with all that it started."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from deployment.errors import StoppedError
from deployment.processes import Ending, run_to_its_end
from tests.patience import SAFETY_NET_SECONDS

FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open("child", "w").write(str(child.pid))
time.sleep(60)
"""


def python(code: str, folder: Path, given: str = "") -> Ending:
    return run_to_its_end(
        [sys.executable, "-c", code],
        folder=folder,
        environment=os.environ,
        is_wanted=lambda: True,
        given=given,
    )


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_is_said_on_either_stream_is_kept_and_the_status_given(tmp_path: Path) -> None:
    code = "import sys; sys.stderr.write(input() + '!'); sys.exit(3)"

    assert python(code, tmp_path, given="word\n") == Ending(exit_status=3, output="word!")


def test_it_may_take_longer_than_one_look(tmp_path: Path) -> None:
    assert python("import time; time.sleep(0.3); print(1)", tmp_path).output == "1\n"


def test_what_is_not_wanted_is_not_begun(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        run_to_its_end(
            [sys.executable, "-c", "open('begun', 'w')"],
            folder=tmp_path,
            environment=os.environ,
            is_wanted=lambda: False,
        )
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_wanted_any_more_ends_with_all_that_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"

    with pytest.raises(StoppedError):
        run_to_its_end(
            [sys.executable, "-c", FAMILY],
            folder=tmp_path,
            environment=os.environ,
            is_wanted=lambda: not (child.exists() and child.read_text()),
        )

    pid, end = int(child.read_text()), time.monotonic() + SAFETY_NET_SECONDS
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_running(pid)
