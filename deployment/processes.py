"""Runs a program to its end, or ends it with all that it started where nobody wants it any more."""

from __future__ import annotations

import os
import signal
import subprocess  # nosec B404  # for commands of our own, see below
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployment.errors import StoppedError

_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a program ended; `output` is what it said on both of its streams."""

    exit_status: int
    output: str


def run_to_its_end(
    command: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str],
    is_wanted: Callable[[], bool],
    given: str = "",
) -> Ending:
    """Run a program, `given` on its standard input.

    Raises:
        StoppedError: once it is not wanted; then nothing of it is left.
    """
    if not is_wanted():
        raise StoppedError
    process = subprocess.Popen(  # noqa: S603  # nosec B603  # no shell, and nothing of it comes from outside
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Of its own, so that what it started can be ended with it.
        start_new_session=True,
    )
    text: str | None = given
    while True:
        try:
            output, _ = process.communicate(text, timeout=_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            text = None
            if is_wanted():
                continue
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise StoppedError from None
        return Ending(exit_status=process.returncode, output=output)
