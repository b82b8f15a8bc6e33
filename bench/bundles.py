"""Makes each contestant's bundle, zips it as it is deployed, and unpacks it as Lambda does."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from infra.architecture import Architecture
from infra.bundling import PYTHON_VERSION, PipBundling

if TYPE_CHECKING:
    from bench.contestants import Contestant
    from bench.lambda_python import LambdaPython

_BENCH: Final = Path(__file__).parent.parent
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_DATE_IN_SECONDS: Final = 315_532_800
_CHALICE_RUNTIME: Final = frozenset({"__init__.py", "app.py"})
"""What `chalice package` takes of Chalice itself; the rest is its command line."""


class BundleError(SystemExit):
    """A peer could not be made; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Where a bundle is unpacked, and how large it is as the zip that is uploaded."""

    path: Path
    zip_bytes: int


def make_bundle(contestant: Contestant, python: LambdaPython, build: Path) -> Bundle:
    """Make a contestant's bundle, or take the one that a former run made of the same sources."""
    architecture = Architecture.of_machine(platform.machine())
    if contestant.peer is None:
        recipe: _Recipe = _OurRecipe(architecture, python)
    else:
        recipe = _PeersRecipe(contestant.peer, architecture, python, bytecode=contestant.bytecode)
    name = f"{contestant.name}-{recipe.hash()[:16]}"
    archive, path = build / f"{name}.zip", build / name
    if not archive.exists() or not path.exists():
        assembled = build / f"{name}.new"
        shutil.rmtree(assembled, ignore_errors=True)
        assembled.mkdir(parents=True)
        recipe.assemble(assembled)
        _zip(assembled, archive)
        shutil.rmtree(assembled)
        _unzip(archive, path)
    return Bundle(path=path, zip_bytes=archive.stat().st_size)


class _Recipe(Protocol):
    def hash(self) -> str: ...

    def assemble(self, target: Path) -> None: ...


class _OurRecipe:
    """What `cdk deploy` does, but for this machine's processor."""

    def __init__(self, architecture: Architecture, python: LambdaPython) -> None:
        self._bundling = PipBundling(
            package="ratings", architecture=architecture, python=python.path
        )

    def hash(self) -> str:
        return self._bundling.asset_hash()

    def assemble(self, target: Path) -> None:
        self._bundling.try_bundle(str(target), None)


class _PeersRecipe:
    def __init__(
        self, source: Path, architecture: Architecture, python: LambdaPython, *, bytecode: bool
    ) -> None:
        self._source = source
        self._architecture = architecture
        self._python = python
        self._bytecode = bytecode

    def hash(self) -> str:
        digest = hashlib.sha256(f"{self._python.version} {self._bytecode} 1".encode())
        for name in ("app.py", "requirements.txt"):
            digest.update((self._source / name).read_bytes())
        return digest.hexdigest()

    def assemble(self, target: Path) -> None:
        name = self._source.relative_to(_BENCH).as_posix()
        sys.stderr.write(f"Bundling {name}, with pip…\n")
        _run(
            f"pip could not install {name}/requirements.txt",
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps"),
            *("--disable-pip-version-check", "--only-binary=:all:", "--implementation=cp"),
            *(f"--python-version={PYTHON_VERSION}", f"--platform={self._architecture.wheels}"),
            *("--target", str(target), "--requirement", str(self._source / "requirements.txt")),
        )
        shutil.rmtree(target / "bin", ignore_errors=True)
        if self._source.name == "chalice":
            _leave_chalices_runtime(target / "chalice")
        shutil.copy2(self._source / "app.py", target)
        if self._bytecode:
            _run(
                f"{name} could not be compiled",
                *(self._python.path, "-I", "-S", "-m", "compileall", "-q"),
                *("--invalidation-mode", "unchecked-hash", str(target)),
            )


def _leave_chalices_runtime(package: Path) -> None:
    for entry in package.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name not in _CHALICE_RUNTIME:
            entry.unlink()


def _run(failure: str, *command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell, and nothing of it comes from outside
    if done.returncode != 0:
        raise BundleError(f"error: {failure}:\n\n{done.stdout}{done.stderr}".strip())


def _zip(source: Path, archive: Path) -> None:
    """Zip a folder as the CDK does: every entry dated 1980, so that equal bundles stay equal."""
    partial = archive.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as zipped:
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(source).as_posix(), _DATE)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(entry, file.read_bytes())
    partial.replace(archive)


def _unzip(archive: Path, target: Path) -> None:
    """Unpack with the dates in the zip, by which Python takes timestamped bytecode for stale."""
    shutil.rmtree(target, ignore_errors=True)
    with zipfile.ZipFile(archive) as zipped:
        for entry in zipped.infolist():
            os.utime(zipped.extract(entry, target), (_DATE_IN_SECONDS, _DATE_IN_SECONDS))
