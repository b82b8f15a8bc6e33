"""`make deploy-local` shows that what it deployed answers, and leaves nothing once stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployment.ministack import REPOSITORY
from deployment.run import ENVIRONMENT

STOP_SECONDS = 20.0
"""Most of it goes into deleting the copies of the functions' bundles that MiniStack makes."""


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


@contextmanager
def launcher(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The launcher, all of whose processes bear the folder's name."""
    with subprocess.Popen(
        [sys.executable, "-m", "deployment"],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(folder), "DEPLOY_LOCAL_FOLDER": str(folder / "told")},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process


def read_to(process: subprocess.Popen[str], start: str) -> list[str]:
    """What it says up to the line that begins so."""
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
    assert not (folder / "told" / ENVIRONMENT).exists()


def test_it_shows_a_miss_then_a_hit_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    with launcher(tmp_path) as process:
        lines = read_to(process, "Ctrl-C ")
        assert (tmp_path / "told" / ENVIRONMENT).exists()

        process.send_signal(signal.SIGINT)

        assert process.wait(STOP_SECONDS) == 0
    told = [line.removeprefix("cache-status: ") for line in lines if line.startswith("cache-")]
    assert told[0] == "apple-music-ratings; fwd=miss; stored"
    assert told[1].startswith("apple-music-ratings; hit; ttl=")
    assert lines.count("200") == 2
    assert_nothing_is_left(tmp_path)


def test_a_stop_amid_a_deployment_leaves_nothing(tmp_path: Path) -> None:
    with launcher(tmp_path) as process:
        read_to(process, "Bootstrapping ")
        # The launcher, MiniStack, and the command line that has begun to deploy.
        end = time.monotonic() + STOP_SECONDS
        while len(processes(str(tmp_path))) < 3 and time.monotonic() < end:
            time.sleep(0.05)
        assert len(processes(str(tmp_path))) >= 3

        process.send_signal(signal.SIGTERM)

        assert process.wait(STOP_SECONDS) == 0
    assert_nothing_is_left(tmp_path)
