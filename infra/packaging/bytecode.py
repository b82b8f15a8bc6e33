"""Compiles a bundle's modules, which Lambda would otherwise do at every cold start.

Lambda's file system is read-only, and ordinary bytecode is valid only for a module with the same
modification time: in a bundle every file is dated 1980. Unchecked hash-based bytecode (PEP 552) is
always valid.
"""

from __future__ import annotations

import shutil
import subprocess  # nosec B404  # only for Python, see below
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LAMBDA_ROOT: Final = "/var/task"
"""The folder into which Lambda unpacks a bundle; tracebacks name it."""


def find_interpreter(version: str) -> str | None:
    """Return a Python of that version (`3.13`), or None if there is none."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    # The command can be a shim of a version manager without that Python.
    tried = subprocess.run([found, "-c", ""], capture_output=True, check=False)  # noqa: S603  # nosec B603  # no shell, no external input
    return found if tried.returncode == 0 else None


def compile_all(bundle: Path, python: str) -> None:
    """Write the bytecode of every module of a bundle next to the module.

    Raises:
        CalledProcessError: if a module cannot be compiled.
    """
    command = [
        *(python, "-m", "compileall", "-q"),
        *("--invalidation-mode", "unchecked-hash"),
        *("-s", str(bundle), "-p", LAMBDA_ROOT),
        str(bundle),
    ]
    subprocess.run(command, check=True, stdout=sys.stderr)  # noqa: S603  # nosec B603  # as above
