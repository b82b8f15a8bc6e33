"""Checks what the make targets need on this machine: `python -m dev.doctor [--aws]`.

It prints one line for each check, with what to do, and returns 1 if something needed is missing.
`--aws` checks only the AWS credentials, which are then needed. Other checks need no packages.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dev.setup import OLDEST_PYTHON, SetupError, VirtualEnvironment, check_node

_REPOSITORY: Final = Path(__file__).resolve().parents[1]
_LAMBDA_PYTHON: Final = "python3.13"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check; if it is not `ok`, `needed` says whether make targets fail."""

    subject: str
    text: str
    ok: bool = True
    needed: bool = False

    def __str__(self) -> str:
        mark = "ok" if self.ok else "MISSING" if self.needed else "--"
        return f"{mark:8} {self.subject:15} {self.text}"


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Print the findings, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dev.doctor", description=__doc__)
    parser.add_argument("--aws", action="store_true", help="check only the AWS credentials")
    if parser.parse_args(arguments).aws:
        finding = check_credentials(environment)
        (sys.stdout if finding.ok else sys.stderr).write(f"{finding.text}\n")
        return 0 if finding.ok else 1
    findings = [
        check_python(sys.version_info[:3]),
        check_lambda_python(),
        check_cdk_node(),
        *(check_venv(name, environment) for name in (".venv", ".venv-ministack")),
        check_credentials(environment),
        check_port(environment.get("PORT") or "8080"),
    ]
    sys.stdout.writelines(f"{finding}\n" for finding in findings)
    return int(any(finding.needed and not finding.ok for finding in findings))


def check_python(version: tuple[int, int, int]) -> Finding:
    """Check the Python that runs this."""
    found = ".".join(map(str, version))
    if version >= OLDEST_PYTHON:
        return Finding("Python", found)
    return Finding("Python", f"{found} is too old: install 3.11 or newer", ok=False, needed=True)


def check_lambda_python(which: Callable[[str], str | None] = shutil.which) -> Finding:
    """Check whether Lambda's Python is installed."""
    if which(_LAMBDA_PYTHON):
        return Finding("Python 3.13", "compiles the bundles, runs the emulator")
    text = "not installed: make deploy-local, e2e and bench need it, and bundles start slower"
    return Finding("Python 3.13", text, ok=False)


def check_cdk_node() -> Finding:
    """Check Node.js and npm."""
    try:
        check_node()
    except SetupError as error:
        return Finding("Node.js, npm", str(error), ok=False, needed=True)
    return Finding("Node.js, npm", "found")


def check_venv(name: str, environment: Mapping[str, str]) -> Finding:
    """Check one of the virtual environments that set-up creates."""
    folder = _REPOSITORY / name
    if not os.access(folder if folder.exists() else _REPOSITORY, os.W_OK):
        text = "cannot be written: copy the project to a folder in which you may write"
        return Finding(name, text, ok=False, needed=True)
    if not folder.exists():
        return Finding(
            name, "not there yet: the first make target that needs it creates it", ok=False
        )
    defect = VirtualEnvironment(folder, environment).defect(this_python=False)
    if defect is None:
        return Finding(name, "usable")
    return Finding(name, f"{defect}: the next make target rebuilds it", ok=False)


def check_credentials(environment: Mapping[str, str]) -> Finding:
    """Check the AWS credentials in use; only deployments and operators need them."""
    try:
        from ops.aws import caller  # noqa: PLC0415 - installed by set-up
        from ops.errors import OperatorError  # noqa: PLC0415 - installed by set-up
    except ImportError:
        return Finding("AWS", "not checked: `make ops` installs what the check needs", ok=False)
    try:
        return Finding("AWS", caller(environment.get("AWS_REGION") or None))
    except OperatorError as error:
        return Finding("AWS", str(error), ok=False)


def check_port(text: str) -> Finding:
    """Check whether `make run` can listen on its port."""
    try:
        with socket.create_server(("127.0.0.1", int(text))):
            return Finding("Port", f"{text} is free")
    except (OSError, ValueError, OverflowError):
        return Finding(
            "Port", f"{text} is not available: choose another for make run: PORT=…", ok=False
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
