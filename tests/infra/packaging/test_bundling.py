"""How a bundle is made from a repository with one small function."""

from __future__ import annotations

import os
import re
import shutil
import stat
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from itertools import chain
from typing import TYPE_CHECKING

import pytest

from infra.packaging.architecture import Architecture
from infra.packaging.botocore_data import keep_amazon_roots
from infra.packaging.bundling import BundlingError, PipBundling
from infra.packaging.bytecode import find_interpreter
from tests.infra.resources import REPOSITORY
from tests.lambda_python import lambda_python

if TYPE_CHECKING:
    from pathlib import Path


def _locked(*names: str) -> str:
    """Return the lines of packages in a lock file of the project."""
    text = (REPOSITORY / "requirements-local.lock").read_text()
    lines = [re.findall(rf"^{name}==.*\n(?:    .*\n)+", text, re.MULTILINE) for name in names]
    return "".join(chain.from_iterable(lines))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one function, `example`, that requires a compiled package."""
    root = tmp_path / "repository"
    for file, text in {
        "functions/__init__.py": "",
        "functions/example/__init__.py": "",
        "functions/example/handler.py": "from functions.shared import deadline\n",
        "functions/example/requirements.lock": _locked("cffi", "pycparser"),
        "functions/example/__pycache__/handler.cpython-313.pyc": "compiled",
        "functions/shared/__init__.py": "",
        "functions/shared/deadline.py": "from functions.shared.clocks import (\n  monotonic,\n)\n",
        "functions/shared/clocks/__init__.py": "",
        "functions/shared/clocks/monotonic.py": "class Clock: ...\n",
        "functions/shared/not_imported.py": "",
    }.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    return root


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    return folder


def _example(
    repository: Path,
    architecture: Architecture = Architecture.ARM_64,
    *,
    python: str | None = None,
    package: str = "example",
) -> PipBundling:
    return PipBundling(
        package=package, architecture=architecture, python=python, repository=repository
    )


@pytest.mark.parametrize(
    ("architecture", "machine"),
    [(Architecture.ARM_64, "aarch64"), (Architecture.X86_64, "x86_64")],
)
def test_a_compiled_requirement_fits_the_functions_architecture_despite_pips_settings(
    repository: Path,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    architecture: Architecture,
    machine: str,
) -> None:
    for name, value in {
        "PIP_USER": "1",
        "PIP_PREFIX": str(output / "prefix"),
        "PIP_NO_DEPS": "1",
        "PIP_NO_BINARY": ":all:",
    }.items():
        monkeypatch.setenv(name, value)

    _example(repository, architecture).try_bundle(str(output), {})

    assert list(output.glob(f"_cffi_backend.*-{machine}-linux-gnu.so"))
    assert (output / "functions" / "example" / "handler.py").is_file()


def test_without_lambdas_python_a_bundle_is_uncompiled_with_a_warning(
    repository: Path, output: Path
) -> None:
    (repository / "functions" / "example" / "requirements.lock").write_text("")
    out, err = StringIO(), StringIO()

    with redirect_stdout(out), redirect_stderr(err):
        _example(repository).try_bundle(str(output), {})

    assert "no Python 3.13 here to compile functions/example" in err.getvalue()
    assert out.getvalue() == ""
    assert list(output.rglob("*.pyc")) == [], "nothing is compiled"


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_every_user_can_read_a_bundle_despite_the_umask_and_the_sources_modes(
    repository: Path, output: Path, mask: int
) -> None:
    (repository / "functions" / "example" / "handler.py").chmod(0o600)
    before = os.umask(mask)
    try:
        _example(repository, python=lambda_python()).try_bundle(str(output), {})
    finally:
        os.umask(before)

    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in output.rglob("*")}
    assert modes == {(True, 0o755), (False, 0o644)}


def test_stray_files_are_neither_bundled_nor_hashed(repository: Path, output: Path) -> None:
    strays = (".env", "AuthKey_ABC123DEFG.p8", ".DS_Store", "notes.py.bak")
    (repository / "functions" / "example" / "requirements.lock").write_text("")
    before = _example(repository).asset_hash()
    for stray in strays:
        (repository / "functions" / "example" / stray).write_text("made up")

    _example(repository).try_bundle(str(output), {})

    assert _example(repository).asset_hash() == before
    assert [path for path in output.rglob("*") if path.name in strays] == []


def test_a_package_with_a_wrong_hash_is_not_bundled(repository: Path, output: Path) -> None:
    lock = repository / "functions" / "example" / "requirements.lock"
    lock.write_text(re.sub(r"sha256:\w{8}", f"sha256:{'0' * 8}", lock.read_text()))

    with pytest.raises(BundlingError, match="THESE PACKAGES DO NOT MATCH THE HASHES"):
        _example(repository).try_bundle(str(output), {})


def test_a_missing_python_or_a_shim_without_a_python_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_interpreter("3.99") is None

    shim = tmp_path / "python3.99"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    assert find_interpreter("3.99") is None


def test_a_missing_root_certificate_of_amazon_is_an_error(tmp_path: Path) -> None:
    certificates = tmp_path / "cacert.pem"
    certificates.write_text("")

    with pytest.raises(ValueError, match="lacks Amazon Root CA 1, Amazon Root CA 2"):
        keep_amazon_roots(certificates)


@pytest.mark.parametrize(
    ("package", "handler", "message"),
    [
        ("example", "def (\n", r"functions/example cannot be finished(.|\n)*pins"),
        ("token_rotation", "", "no model of secretsmanager"),
    ],
)
def test_a_bundle_that_cannot_be_finished_ends_the_process_with_a_message(
    repository: Path, output: Path, package: str, handler: str, message: str
) -> None:
    folder = (repository / "functions" / "example").rename(repository / "functions" / package)
    (folder / "requirements.lock").write_text("")
    (folder / "handler.py").write_text(handler)

    with pytest.raises(SystemExit, match=message):
        _example(repository, python=lambda_python(), package=package).try_bundle(str(output), {})


def test_the_hash_depends_only_on_sources_architecture_and_compilation(
    repository: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(repository, copy)
    (copy / "functions" / "example" / "__pycache__" / "new.cpython-313.pyc").write_bytes(b"")
    (copy / "functions" / "other").mkdir()
    (copy / "functions" / "other" / "__init__.py").write_text("")
    (copy / "functions" / "shared" / "not_imported.py").write_text("changed")

    bundlings = (
        _example(repository),
        _example(copy),
        _example(repository, Architecture.X86_64),
        _example(repository, python="x"),
    )

    same, copied, *others = (bundling.asset_hash() for bundling in bundlings)

    assert copied == same
    assert len({same, *others}) == 3


@pytest.mark.parametrize(
    "changed",
    [
        "functions/__init__.py",
        "functions/example/handler.py",
        "functions/example/new.py",
        "functions/example/requirements.lock",
        "functions/shared/deadline.py",
        "functions/shared/clocks/__init__.py",
        "functions/shared/clocks/monotonic.py",
    ],
)
def test_the_hash_changes_with_every_source(repository: Path, changed: str) -> None:
    before = _example(repository).asset_hash()

    with (repository / changed).open("a") as file:
        file.write("# changed\n")

    assert _example(repository).asset_hash() != before
