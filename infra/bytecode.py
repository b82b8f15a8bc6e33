"""Compiles a bundle's modules ahead, which Lambda would otherwise do again at every cold start.

What it unpacks cannot be written to, and a module's usual bytecode counts only while the module's
date is the one it was compiled from: in a bundle every date is 1980. Bytecode that goes by no date
at all (PEP 552) is taken as it is.
"""

from __future__ import annotations

import shutil
import subprocess  # nosec B404  # for Python alone, see below
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LAMBDA_ROOT: Final = "/var/task"
"""Where Lambda unpacks a bundle, and so what a trace back names."""


def interpreter(version: str) -> str | None:
    """Give a Python of that version (`3.13`), whose bytecode is Lambda's; None if there is none."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    # Some of that name only stand for a Python that may be missing.
    tried = subprocess.run([found, "-c", ""], capture_output=True, check=False)  # noqa: S603  # nosec B603  # no shell, and nothing of it comes from outside
    return found if tried.returncode == 0 else None


def compile_all(bundle: Path, python: str) -> None:
    """Put the bytecode of every module of a bundle beside it.

    Raises:
        CalledProcessError: where a module cannot be compiled.
    """
    command = [
        *(python, "-m", "compileall", "-q"),
        *("--invalidation-mode", "unchecked-hash"),
        *("-s", str(bundle), "-p", LAMBDA_ROOT),
        str(bundle),
    ]
    subprocess.run(command, check=True, stdout=sys.stderr)  # noqa: S603  # nosec B603  # as above
