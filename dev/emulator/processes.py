"""Runs a program to its end, or kills it and its children on a stop request."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess  # nosec B404  # for our own commands, see below
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

_POLL_SECONDS: Final = 0.1


class DeploymentError(Exception):
    """A step failed; the message says why."""


class StoppedError(Exception):
    """A stop was requested."""


def run_program(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    stop_requested: Callable[[], bool],
    standard_input: str = "",
) -> str:
    """Run a program to its end; return its output on both streams.

    Raises:
        DeploymentError: if its exit status is not 0; the message has command and output.
        StoppedError: if a stop was requested; its processes have then ended.
    """
    if stop_requested():
        raise StoppedError
    process = subprocess.Popen(  # noqa: S603  # nosec B603  # no shell, no external input
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that its children can be killed with it
    )
    unsent: str | None = standard_input
    while True:
        try:
            output, _ = process.communicate(unsent, timeout=_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            unsent = None
            if stop_requested():
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                raise StoppedError from None
            continue
        if process.returncode != 0:
            raise DeploymentError(f"{shlex.join(command)} failed:\n\n{output.strip()}\n")
        return output
