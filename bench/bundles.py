"""Builds each variant's bundle, and zips it as for a deployment."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.variants import Variant
from infra.packaging.architecture import Architecture
from infra.packaging.bundling import PYTHON_VERSION, PipBundling
from infra.packaging.bytecode import compile_all

_BENCH: Final = Path(__file__).parent
_JOB: Final = _BENCH / "peers" / "job.py"
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_DATE_EPOCH_SECONDS: Final = 315_532_800

_DESCRIBE_PYTHON: Final = (
    "import sys, os; "
    "print(os.path.realpath(getattr(sys, '_base_executable', sys.executable))); "
    "print('.'.join(map(str, sys.version_info[:3])))"
)


class LambdaPythonMissingError(SystemExit):
    """Lambda's Python version is not installed; the message says how to fix that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaPython:
    """A Python of Lambda's version; its path is not the path of a version manager's shim."""

    path: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The folder of an unpacked bundle, and the size of its zip."""

    path: Path
    zip_bytes: int


def find_python(*commands: str) -> LambdaPython:
    """Return the first of `commands` that is a Python of Lambda's version.

    Raises:
        LambdaPythonMissingError: if no command is such a Python.
    """
    for command in filter(None, commands):
        try:
            described = subprocess.run(  # noqa: S603 - the caller names the command
                [command, "-c", _DESCRIBE_PYTHON], capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        path, version = described.stdout.split("\n")[:2]
        if version.startswith(f"{PYTHON_VERSION}."):
            return LambdaPython(path=path, version=version)
    raise LambdaPythonMissingError(
        f"error: Python {PYTHON_VERSION}, Lambda's version, is required: install it, or name it "
        "with MINISTACK_PYTHON=…"
    )


def make_bundle(variant: Variant, python: LambdaPython, build: Path) -> Bundle:
    """Build a variant's bundle in `build`, or reuse a bundle of the same sources."""
    key, assemble = _our_recipe(python) if variant.peer is None else _peer_recipe(variant, python)
    name = f"{variant.name}-{key[:16]}"
    archive, path = build / f"{name}.zip", build / name
    if not path.exists():
        assembled = build / f"{name}.new"
        shutil.rmtree(assembled, ignore_errors=True)
        assembled.mkdir(parents=True)
        assemble(assembled)
        _zip(assembled, archive)
        assembled.replace(path)
    return Bundle(path=path, zip_bytes=archive.stat().st_size)


_Recipe = tuple[str, Callable[[Path], object]]
"""A hash of a bundle's sources, and a function that builds the bundle in a folder."""


def _our_recipe(python: LambdaPython) -> _Recipe:
    """Return the recipe of `cdk deploy`'s bundle, with this machine's processor."""
    bundling = PipBundling(package="ratings", architecture=_architecture(), python=python.path)
    return bundling.asset_hash(), lambda target: bundling.try_bundle(str(target), None)


def _peer_recipe(variant: Variant, python: LambdaPython) -> _Recipe:
    source = variant.peer or _BENCH
    lock, app = source / "requirements.lock", source / "app.py"
    digest = hashlib.sha256(f"{python.version} {variant.bytecode}".encode())
    for file in (lock, app, _JOB):
        digest.update(file.read_bytes())

    def assemble(target: Path) -> None:
        sys.stderr.write(f"Bundling {source.relative_to(_BENCH)} with pip…\n")
        _install(lock, target)
        for file in (app, _JOB):
            shutil.copy2(file, target)
        if variant.bytecode:
            compile_all(target, python.path)

    return digest.hexdigest(), assemble


def _architecture() -> Architecture:
    return Architecture.of_machine(platform.machine())


def _install(lock: Path, target: Path) -> None:
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps"),
        "--require-hashes",
        *("--disable-pip-version-check", "--only-binary=:all:", "--implementation=cp"),
        *(f"--python-version={PYTHON_VERSION}", f"--platform={_architecture().wheels}"),
        *("--target", str(target), "--requirement", str(lock)),
    ]
    subprocess.run(command, check=True)  # noqa: S603 - this interpreter's pip
    shutil.rmtree(target / "bin", ignore_errors=True)


def _zip(source: Path, archive: Path) -> None:
    """Zip a folder like the CDK, and set its files' dates to 1980, as Lambda does on unpacking.

    The new date invalidates timestamp-based bytecode.
    """
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(source).as_posix(), _DATE)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(entry, file.read_bytes())
            os.utime(file, (_DATE_EPOCH_SECONDS, _DATE_EPOCH_SECONDS))
