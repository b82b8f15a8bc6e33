"""`make deploy-local` shows the smoke test of its deployment, and stops all its processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.emulator.ministack import REPOSITORY
from dev.emulator.run import ENVIRONMENT

STOP_SECONDS = 20.0
"""The longest wait for a stop: the launcher deletes MiniStack's copies of the bundles."""


def processes(mark: str) -> set[int]:
    """Return every process whose environment contains the mark."""
    found = set()
    for each in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in each.read_bytes():
                found.add(int(each.parent.name))
        except OSError:
            continue  # the process has ended, or belongs to another user
    return found


@contextmanager
def launcher(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The launcher; the environment of all its processes contains the folder's name."""
    with subprocess.Popen(
        [sys.executable, "-m", "dev.emulator"],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(folder), "DEPLOY_LOCAL_FOLDER": str(folder / "files")},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process


def read_to(process: subprocess.Popen[str], start: str) -> list[str]:
    """Return the output up to the line with this start."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if line.startswith(start):
            break
    return lines


def assert_nothing_is_left(folder: Path) -> None:
    end = time.monotonic() + STOP_SECONDS
    while processes(str(folder)) and time.monotonic() < end:
        time.sleep(0.05)
    assert processes(str(folder)) == set()
    assert [each.name for each in folder.iterdir() if each.name.startswith("ministack")] == []
    assert not (folder / "files" / ENVIRONMENT).exists()


def test_the_passed_smoke_test_is_shown_and_ctrl_c_stops_every_process(tmp_path: Path) -> None:
    with launcher(tmp_path) as process:
        lines = read_to(process, "Ctrl-C ")
        assert (tmp_path / "files" / ENVIRONMENT).exists()

        process.send_signal(signal.SIGINT)

        assert process.wait(STOP_SECONDS) == 0
    assert "7 of 7 checks passed." in lines
    assert_nothing_is_left(tmp_path)


def test_sigterm_during_a_deployment_stops_every_process(tmp_path: Path) -> None:
    with launcher(tmp_path) as process:
        read_to(process, "Bootstrapping ")
        # The launcher, MiniStack, and the process of `cdk bootstrap`.
        end = time.monotonic() + STOP_SECONDS
        while len(processes(str(tmp_path))) < 3 and time.monotonic() < end:
            time.sleep(0.05)
        assert len(processes(str(tmp_path))) >= 3

        process.send_signal(signal.SIGTERM)

        assert process.wait(STOP_SECONDS) == 0
    assert_nothing_is_left(tmp_path)
