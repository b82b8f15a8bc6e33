"""Whoever stops `make deploy-local`, at whatever time, has nothing of it left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deployment.ministack import REPOSITORY

SECONDS = 10.0


def processes(mark: str) -> set[int]:
    """Every process whose environment bears the mark."""
    found = set()
    for each in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in each.read_bytes():
                found.add(int(each.parent.name))
        except OSError:
            continue  # it has just ended, or is another user's
    return found


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: str(number.name)
)
def test_a_stop_amid_a_deployment_leaves_no_process_and_no_file(
    tmp_path: Path, number: signal.Signals
) -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-m", "deployment"],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert launcher.stdout is not None
    with launcher.stdout:
        for line in launcher.stdout:
            if line.startswith("Bootstrapping"):
                break
        # The launcher, MiniStack, and the command line that has begun to deploy.
        end = time.monotonic() + SECONDS
        while len(processes(str(tmp_path))) < 3 and time.monotonic() < end:
            time.sleep(0.05)
        assert len(processes(str(tmp_path))) >= 3

        launcher.send_signal(number)

        assert launcher.wait(SECONDS) == 0
    end = time.monotonic() + SECONDS
    while processes(str(tmp_path)) and time.monotonic() < end:
        time.sleep(0.05)
    assert processes(str(tmp_path)) == set()
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("ministack")] == []
