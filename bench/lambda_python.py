"""Finds the Python that runs the contestants: of Lambda's version, whatever runs the bench."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Final

from infra.bundling import PYTHON_VERSION

_ASK: Final = (
    "import sys, os; "
    "print(os.path.realpath(getattr(sys, '_base_executable', sys.executable))); "
    "print('.'.join(map(str, sys.version_info[:3])))"
)


class LambdaPythonMissingError(SystemExit):
    """There is no such Python; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaPython:
    """An interpreter: the program itself, not what a version manager puts before it."""

    path: str
    version: str


def find(*commands: str) -> LambdaPython:
    """Give the first of `commands` that is a Python of Lambda's version.

    Raises:
        LambdaPythonMissingError: where none of them is.
    """
    for command in filter(None, commands):
        try:
            asked = subprocess.run(  # noqa: S603 - what the caller named
                [command, "-c", _ASK], capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        path, version = asked.stdout.split("\n")[:2]
        if version.startswith(f"{PYTHON_VERSION}."):
            return LambdaPython(path=path, version=version)
    raise LambdaPythonMissingError(
        f"error: Python {PYTHON_VERSION} is needed for this, Lambda's version: install it, or name "
        "it with MINISTACK_PYTHON=…"
    )
