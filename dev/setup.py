"""Installs what a make target needs: `python -m dev.setup FOLDER REQUIREMENTS [--node]`.

It makes the virtual environment FOLDER and installs the file REQUIREMENTS there; `--node` also
installs the CDK's command line. It does nothing if all of that is in place, and rebuilds what can
no longer be used. It runs before anything is installed: it imports only the standard library.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess  # nosec B404  # Python, pip, node and npm, without a shell
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.pip_environment import pip_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

OLDEST_PYTHON: Final = (3, 11)

_STAMP: Final = "installed.json"
_CDK: Final = Path("node_modules/.bin/cdk")
_CDK_PACKAGE: Final = "node_modules/aws-cdk"
_NPM_STAMP: Final = Path("node_modules/.installed")
_LOCK: Final = Path("package-lock.json")
_INCLUDED: Final = re.compile(r"^(?:-r|-c)\s+(\S+)", re.MULTILINE)
_PIN: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;]+)", re.MULTILINE)
_LAST_LINES: Final = 25


class SetupError(Exception):
    """Set-up cannot go on; the message says why and what to do."""


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Install what is missing, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dev.setup", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("requirements", type=Path)
    parser.add_argument("--node", action="store_true", help="install the CDK's command line too")
    parser.add_argument("--no-deps", action="store_true", help="install the named packages alone")
    parser.add_argument(
        "--this-python",
        action="store_true",
        help="also make the environment anew if another version of Python made it",
    )
    chosen = parser.parse_args(arguments)
    try:
        if chosen.node:
            check_node()
        venv = VirtualEnvironment(chosen.folder, environment)
        venv.repair(this_python=chosen.this_python)
        venv.install(chosen.requirements, no_deps=chosen.no_deps)
        if chosen.node:
            install_cdk(environment)
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def check_node() -> None:
    """Return if npm and a Node.js that can run the CDK are there.

    Raises:
        SetupError: if one is missing or too old.
    """
    engine = json.loads(_LOCK.read_text("utf-8"))["packages"][_CDK_PACKAGE]["engines"]["node"]
    oldest = int(engine.removeprefix(">= ").partition(".")[0])
    need = f"Node.js {oldest} or newer with npm is needed for the CDK"
    for command in ("node", "npm"):
        if shutil.which(command) is None:
            raise SetupError(f"{need}, and there is no {command} here: install it first.")
    version = _run(["node", "--version"], os.environ).stdout.strip()
    major = re.match(r"v(\d+)\.", version)
    if major is None or int(major[1]) < oldest:
        raise SetupError(f"{need}, and this is Node.js {version or 'of no version'}: update it.")


class VirtualEnvironment:
    """A folder with a Python of its own, and a stamp that says what set-up has put there."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._python = folder / "bin" / "python"
        self._stamp = folder / _STAMP
        self._environment = pip_environment(environment)

    def repair(self, *, this_python: bool) -> None:
        """Make the folder anew unless it can be used as it is.

        Raises:
            SetupError: if this Python cannot make one.
        """
        reason = self.defect(this_python=this_python)
        if reason is None:
            return
        action = "Making" if not self._folder.exists() else f"Rebuilding ({reason})"
        _say(f"{action} {self._folder} with Python {_dotted(sys.version_info[:3])} …")
        made = _run([sys.executable, "-m", "venv", "--clear", str(self._folder)], self._environment)
        if made.returncode != 0:
            raise SetupError(
                f"{sys.executable} cannot make a virtual environment:\n\n"
                f"{_end(made.stdout + made.stderr)}"
            )
        self._write_stamp({})

    def defect(self, *, this_python: bool) -> str | None:
        """Say why the folder cannot be used; None if it can."""
        stamp = self._read_stamp()
        if stamp is None:
            return "it is not set-up's own, or unfinished"
        if stamp["folder"] != str(self._folder.absolute()):
            return "it was moved"
        checked = _run(
            [str(self._python), "-c", "import sys, pip; print(*sys.version_info[:2])"],
            self._environment,
        )
        if checked.returncode != 0:
            return "its Python or its pip is gone"
        version = tuple(int(part) for part in checked.stdout.split())
        if version < OLDEST_PYTHON:
            return f"its Python {_dotted(version)} is too old"
        if this_python and version != sys.version_info[:2]:
            return f"its Python is {_dotted(version)}"
        return None

    def install(self, requirements: Path, *, no_deps: bool) -> None:
        """Install a file of requirements, unless this very content is installed.

        Raises:
            SetupError: if pip fails, or if a pinned package is not there afterwards.
        """
        digest = _digest(requirements)
        stamp = self._read_stamp() or {}
        installed = dict(stamp.get("requirements", {}))
        if installed.get(requirements.name) == digest:
            return
        _say(f"Installing {requirements} (once, up to some minutes) …")
        command = [str(self._python), "-m", "pip", "install", "--disable-pip-version-check"]
        command += ["--no-deps"] if no_deps else []
        _show_progress([*command, "-r", str(requirements)], self._environment)
        if missing := self._missing(requirements):
            raise SetupError(
                f"pip reported success, but {', '.join(missing)} is not in {self._folder}. "
                "Look for a pip configuration file that installs elsewhere: pip config debug"
            )
        self._write_stamp({**installed, requirements.name: digest})

    def _missing(self, requirements: Path) -> list[str]:
        """Return the pinned packages that this environment does not have at their versions."""
        script = (
            "import sys, importlib.metadata as m\n"
            "for pin in sys.argv[1:]:\n"
            "    name, wanted = pin.split('==')\n"
            "    try: found = m.version(name)\n"
            "    except m.PackageNotFoundError: found = None\n"
            "    if found != wanted: print(pin)\n"
        )
        # A line with a marker may be for another Python.
        lines = [line for line in requirements.read_text("utf-8").split("\n") if ";" not in line]
        pins = [f"{name}=={version}" for name, version in _PIN.findall("\n".join(lines))]
        command = [str(self._python), "-I", "-c", script, *pins]
        return _run(command, self._environment).stdout.split()

    def _read_stamp(self) -> dict[str, Any] | None:
        try:
            stamp = json.loads(self._stamp.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return stamp if isinstance(stamp, dict) and "folder" in stamp else None

    def _write_stamp(self, requirements: Mapping[str, str]) -> None:
        stamp = {"folder": str(self._folder.absolute()), "requirements": dict(requirements)}
        self._stamp.write_text(json.dumps(stamp, indent=1) + "\n", "utf-8")


def install_cdk(environment: Mapping[str, str]) -> None:
    """Install the CDK's command line that the lock file pins, unless it is there.

    Raises:
        SetupError: if npm fails.
    """
    digest = hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    if _CDK.exists() and _NPM_STAMP.exists() and _NPM_STAMP.read_text("utf-8") == digest:
        return
    _say("Installing the CDK command line (once) …")
    # NODE_ENV=production would leave it out.
    npm = _run(["npm", "ci", "--include=dev", "--no-audit", "--no-fund"], environment)
    if npm.returncode != 0 or not _CDK.exists():
        raise SetupError(f"npm could not install the CDK:\n\n{_end(npm.stdout + npm.stderr)}")
    _NPM_STAMP.write_text(digest, "utf-8")


def _digest(requirements: Path) -> str:
    """Return a hash of a requirements file and of all files that it includes."""
    digest = hashlib.sha256()
    text = requirements.read_text("utf-8")
    digest.update(text.encode())
    for included in _INCLUDED.findall(text):
        digest.update(_digest(requirements.parent / included).encode())
    return digest.hexdigest()


def _run(
    command: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603  # nosec B603  # no shell, and fixed commands
            command, env=dict(environment), capture_output=True, text=True, check=False
        )
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def _show_progress(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run pip; on a terminal show what it is at, and its last lines only if it fails.

    Raises:
        SetupError: if it fails.
    """
    is_terminal = sys.stdout.isatty()
    lines = []
    with subprocess.Popen(  # noqa: S603  # nosec B603  # no shell, and a fixed command
        command,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as pip:
        for line in pip.stdout or ():
            if line.startswith("WARNING: "):
                continue
            lines.append(line)
            if is_terminal:
                sys.stdout.write(f"\r\033[K  {line.strip()[:70]}")
                sys.stdout.flush()
    if is_terminal:
        sys.stdout.write("\r\033[K")
    if pip.returncode != 0:
        raise SetupError(f"pip could not install that:\n\n{_end(''.join(lines))}")


def _end(output: str) -> str:
    return "\n".join(output.strip().splitlines()[-_LAST_LINES:])


def _dotted(version: Sequence[int]) -> str:
    return ".".join(str(part) for part in version)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
