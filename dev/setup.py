"""Installs packages for a make target: `python -m dev.setup FOLDER LOCK [--node] [--this-python]`.

It creates the virtual environment FOLDER and installs the packages of the lock file LOCK there,
with uv if it is on the PATH; `--node` also installs the CDK's command line. It does nothing if all
of these are installed, and rebuilds an unusable environment. It runs before anything is installed,
so it needs only the standard library.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess  # nosec B404  # Python, pip, uv, node and npm, without a shell
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.packaging.pip_environment import pip_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

OLDEST_PYTHON: Final = (3, 11)

_STAMP: Final = "installed.json"
_CDK: Final = Path("node_modules/.bin/cdk")
_CDK_PACKAGE: Final = "node_modules/aws-cdk"
_NPM_STAMP: Final = Path("node_modules/.installed")
_NPM_LOCK: Final = Path("package-lock.json")
# Lines with an environment marker are ignored: they may not apply to this Python.
_PIN: Final = re.compile(r"^([\w.-]+==\S++)(?! *;)", re.MULTILINE | re.ASCII)
_LAST_LINES: Final = 25


class SetupError(Exception):
    """Set-up cannot continue; the message says why and what to do."""


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Install missing packages; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dev.setup", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("lock", type=Path)
    parser.add_argument("--node", action="store_true", help="install the CDK's command line too")
    parser.add_argument(
        "--this-python",
        action="store_true",
        help="also rebuild the environment if another version of Python created it",
    )
    chosen = parser.parse_args(arguments)
    try:
        if chosen.node:
            check_node()
        venv = VirtualEnvironment(chosen.folder, environment)
        venv.repair(this_python=chosen.this_python)
        venv.install(chosen.lock)
        if chosen.node:
            install_cdk(environment)
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(
            f"Set-up cannot write {error.filename} ({error.strerror}): copy the project to a "
            "folder in which you may write, and run this there.\n"
        )
        return 1
    return 0


def check_node() -> None:
    """Raise `SetupError` unless npm and a Node.js that can run the CDK are installed."""
    engine = json.loads(_NPM_LOCK.read_text("utf-8"))["packages"][_CDK_PACKAGE]["engines"]["node"]
    oldest = int(engine.removeprefix(">= ").partition(".")[0])
    need = f"Node.js {oldest} or newer with npm is needed for the CDK"
    for command in ("node", "npm"):
        if shutil.which(command) is None:
            raise SetupError(f"{need}, and {command} is not installed.")
    version = _run(["node", "--version"], os.environ).stdout.strip()
    major = re.match(r"v(\d+)\.", version)
    if major is None or int(major[1]) < oldest:
        raise SetupError(f"{need}, and this is Node.js {version or '(unknown)'}: update it.")


class VirtualEnvironment:
    """A folder with its own Python, and a stamp that records what set-up installed.

    Methods raise `SetupError` if a step fails.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._python = folder / "bin" / "python"
        self._stamp = folder / _STAMP
        self._environment = pip_environment(environment)

    def repair(self, *, this_python: bool) -> None:
        """Create the folder, or rebuild it if it is unusable."""
        reason = self.defect(this_python=this_python)
        if reason is None:
            return
        if self._folder.is_symlink():
            raise SetupError(
                f"{self._folder} is a link to {self._folder.resolve()}, and set-up would clear "
                f"that environment ({reason}): remove the link."
            )
        action = "Creating" if not self._folder.exists() else f"Rebuilding ({reason})"
        self._folder.mkdir(parents=True, exist_ok=True)
        _print(f"{action} {self._folder} with Python {_dotted(sys.version_info[:3])} …")
        made = _run([sys.executable, "-m", "venv", "--clear", str(self._folder)], self._environment)
        if made.returncode != 0:
            raise SetupError(
                f"{sys.executable} cannot create a virtual environment:\n\n{_last_lines(made)}"
            )
        self._write_stamp({})

    def defect(self, *, this_python: bool) -> str | None:
        """Return why the folder is unusable, or None."""
        stamp = self._read_stamp()
        if stamp is None:
            return "set-up did not create or finish it"
        if stamp["folder"] != str(self._folder.absolute()):
            return "it was moved"
        checked = _run(
            [str(self._python), "-c", "import sys, pip; print(*sys.version_info[:2])"],
            self._environment,
        )
        if checked.returncode != 0:
            return "its Python or its pip is missing"
        version = tuple(int(part) for part in checked.stdout.split())
        if version < OLDEST_PYTHON:
            return f"its Python {_dotted(version)} is too old"
        if this_python and version != sys.version_info[:2]:
            return f"its Python is {_dotted(version)}"
        return None

    def install(self, lock: Path) -> None:
        """Install the packages of a lock file, unless the stamp records the same content."""
        digest = hashlib.sha256(lock.read_bytes()).hexdigest()
        stamp = self._read_stamp() or {}
        installed = dict(stamp.get("requirements", {}))
        if installed.get(lock.name) == digest:
            return
        _print(f"Installing {lock} (once, a few minutes) …")
        if not self._uv_installs(lock):
            pip = _run(
                [
                    str(self._python),
                    "-m",
                    "pip",
                    "install",
                    "--disable-pip-version-check",
                    *_options(lock),
                ],
                self._environment,
            )
            if pip.returncode != 0:
                raise SetupError(f"pip could not install the packages:\n\n{_last_lines(pip)}")
        if missing := self._missing(lock):
            raise SetupError(
                f"The installation succeeded, but {', '.join(missing)} is not in {self._folder}. "
                "Look for a pip configuration file that installs elsewhere: pip config debug"
            )
        self._write_stamp({**installed, lock.name: digest})

    def _uv_installs(self, lock: Path) -> bool:
        """Return whether uv installed the packages; uv may be absent, or not know pip's index."""
        uv = shutil.which("uv", path=self._environment.get("PATH"))
        if uv is None:
            return False
        command = [uv, "pip", "install", "--python", str(self._python), *_options(lock)]
        ended = _run(command, self._environment)
        if ended.returncode != 0:
            _print(f"uv could not install the packages; trying pip:\n\n{_last_lines(ended)}\n")
        return ended.returncode == 0

    def _missing(self, lock: Path) -> list[str]:
        """Return the pinned packages that this environment lacks, or has in another version."""
        pins = _PIN.findall(lock.read_text("utf-8"))
        freeze = _run([str(self._python), "-I", "-m", "pip", "freeze", "--all"], self._environment)
        installed = {_normalized(line) for line in freeze.stdout.split()}
        return [pin for pin in pins if _normalized(pin) not in installed]

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
    """Install the CDK's command line at the lock file's version, unless it is installed."""
    digest = hashlib.sha256(_NPM_LOCK.read_bytes()).hexdigest()
    if _CDK.exists() and _NPM_STAMP.exists() and _NPM_STAMP.read_text("utf-8") == digest:
        return
    _print("Installing the CDK command line (once) …")
    # Without --include=dev, npm would skip the CDK if NODE_ENV is production.
    npm = _run(["npm", "ci", "--include=dev", "--no-audit", "--no-fund"], environment)
    if npm.returncode != 0 or not _CDK.exists():
        raise SetupError(f"npm could not install the CDK:\n\n{_last_lines(npm)}")
    _NPM_STAMP.write_text(digest, "utf-8")


def _options(lock: Path) -> tuple[str, ...]:
    # A lock file lists every package, so dependencies need not be resolved.
    return ("--no-deps", "--require-hashes", "-r", str(lock))


def _run(
    command: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603  # nosec B603  # no shell, and fixed commands
            command, env=dict(environment), capture_output=True, text=True, check=False
        )
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def _last_lines(ended: subprocess.CompletedProcess[str]) -> str:
    lines = (ended.stdout + ended.stderr).strip().splitlines()
    return "\n".join(lines[-_LAST_LINES:])


def _normalized(pin: str) -> str:
    name, _, version = pin.partition("==")
    return f"{re.sub('[-_.]+', '-', name).lower()}=={version}"


def _dotted(version: Sequence[int]) -> str:
    return ".".join(str(part) for part in version)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
