from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.architecture import Architecture
from infra.bundling import BundlingError, PipBundling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REPOSITORY = Path(__file__).resolve().parents[2]
AARCH64 = 0xB7
X86_64 = 0x3E
IMPORTED = {
    "ratings": ("functions.ratings.settings", "boto3", "jwt", "urllib3"),
    "token_rotation": ("functions.token_rotation.settings", "boto3", "urllib3"),
}
"""What is imported to prove it, by the function's package; PyJWT brings in what cryptography has
compiled, if it is there, which is for another machine."""


def _machine(shared_object: Path) -> int:
    """The machine for which an ELF file is made."""
    header = shared_object.read_bytes()[:20]
    assert header[:4] == b"\x7fELF"
    return int.from_bytes(header[18:20], "little")


def _example(repository: Path, architecture: Architecture = Architecture.ARM_64) -> PipBundling:
    return PipBundling(package="example", architecture=architecture, repository=repository)


def _packages(bundle: Path) -> set[str]:
    return {
        each.name.removesuffix(".py")
        for each in bundle.iterdir()
        if not each.name.endswith(".dist-info")
    }


def _relative(paths: Iterable[Path], root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in paths}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The bundle of each function, by its package."""
    made = {package: tmp_path_factory.mktemp(package) for package in IMPORTED}
    for package, output in made.items():
        assert (
            PipBundling(package=package, architecture=Architecture.ARM_64).try_bundle(
                str(output), {}
            )
            is True
        )
    return made


@pytest.fixture(params=IMPORTED)
def package(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bundle(bundles: Mapping[str, Path], package: str) -> Path:
    return bundles[package]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one function, `example`, that needs a compiled package."""
    root = tmp_path / "repository"
    package = root / "functions" / "example"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "handler.py").write_text("ANSWER = 1\n")
    (package / "requirements.txt").write_text("cffi\n")
    shutil.copy(REPOSITORY / "constraints.txt", root)
    return root


def test_the_bundle_holds_the_functions_package_whole(bundle: Path, package: str) -> None:
    source = REPOSITORY / "functions" / package
    expected = {path for path in source.rglob("*") if path.is_file() and path.suffix != ".pyc"}

    bundled = [path for path in (bundle / "functions").rglob("*") if path.is_file()]

    assert _relative(bundled, bundle) == {
        "functions/__init__.py",
        *_relative(expected, REPOSITORY),
    }


def test_the_bundles_hold_the_functions_requirements_and_nothing_else(
    bundles: Mapping[str, Path],
) -> None:
    shared = {
        "functions",
        "aws_lambda_powertools",
        "boto3",
        "botocore",
        "dateutil",
        "jmespath",
        "jwt",
        "s3transfer",
        "six",
        "typing_extensions",
        "urllib3",
    }

    assert _packages(bundles["ratings"]) == shared
    signing = _packages(bundles["token_rotation"]) - shared
    assert {name.partition(".")[0] for name in signing} == {
        "cryptography",
        "cffi",
        "_cffi_backend",
        "pycparser",
    }
    assert shared <= _packages(bundles["token_rotation"])


def test_the_bundles_code_is_imported_from_the_bundle_alone(bundle: Path, package: str) -> None:
    command = (
        "import importlib, sys; sys.path.insert(0, sys.argv[1]); "
        "print(*(importlib.import_module(name).__file__ for name in sys.argv[2:]))"
    )

    result = subprocess.run(  # noqa: S603 - this interpreter, on the bundle made above
        [sys.executable, "-I", "-S", "-B", "-c", command, str(bundle), *IMPORTED[package]],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert all(file.startswith(str(bundle)) for file in result.stdout.split())


def test_every_shared_object_of_the_bundle_is_made_for_arm64(bundle: Path) -> None:
    assert {_machine(path) for path in bundle.rglob("*.so*")} <= {AARCH64}


def test_what_signs_is_made_for_arm64(bundles: Mapping[str, Path]) -> None:
    (signing,) = bundles["token_rotation"].glob("cryptography/hazmat/bindings/_rust*.so")

    assert _machine(signing) == AARCH64


def test_both_bundles_fit_into_lambda(bundle: Path) -> None:
    unzipped = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())

    assert unzipped < 250 * 1024 * 1024 / 2


@pytest.mark.parametrize(
    ("architecture", "machine"), [(Architecture.ARM_64, AARCH64), (Architecture.X86_64, X86_64)]
)
def test_a_compiled_requirement_comes_in_the_functions_architecture(
    repository: Path, tmp_path: Path, architecture: Architecture, machine: int
) -> None:
    output = tmp_path / "bundle"
    output.mkdir()

    _example(repository, architecture).try_bundle(str(output), {})

    shared_objects = list(output.rglob("*.so"))
    assert shared_objects
    assert {_machine(path) for path in shared_objects} == {machine}
    assert (output / "functions" / "example" / "handler.py").is_file()


def test_the_bundle_takes_no_compiled_caches_along(repository: Path, tmp_path: Path) -> None:
    package = repository / "functions" / "example"
    (package / "requirements.txt").write_text("")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "handler.cpython-313.pyc").write_bytes(b"compiled")
    output = tmp_path / "bundle"
    output.mkdir()

    _example(repository).try_bundle(str(output), {})

    assert _relative((output / "functions" / "example").iterdir(), output) == {
        "functions/example/__init__.py",
        "functions/example/handler.py",
        "functions/example/requirements.txt",
    }


def test_a_failing_pip_ends_the_program_with_what_to_do(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (repository / "functions" / "example" / "requirements.txt").write_text("cffi==0.0.1\n")

    with pytest.raises(BundlingError) as caught:
        _example(repository).try_bundle(str(tmp_path), {})

    message = str(caught.value)
    assert "pip could not bundle functions/example" in message
    assert "cffi==0.0.1" in message  # pip's own words
    assert "Check the network, then those two files." in message


def test_progress_is_told_on_stderr_alone(
    repository: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (repository / "functions" / "example" / "requirements.txt").write_text("")

    _example(repository).try_bundle(str(tmp_path), {})

    output = capfd.readouterr()
    assert output.out == ""
    assert "functions/example" in output.err


def test_the_hash_is_the_same_for_the_same_sources(repository: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(repository, copy)
    caches = copy / "functions" / "example" / "__pycache__"
    caches.mkdir()
    (caches / "handler.cpython-313.pyc").write_bytes(b"compiled")

    first, second = (_example(root).asset_hash() for root in (repository, copy))

    assert first == second


@pytest.mark.parametrize(
    "changed",
    [
        "functions/__init__.py",
        "functions/example/handler.py",
        "functions/example/new.py",
        "functions/example/requirements.txt",
        "constraints.txt",
    ],
)
def test_the_hash_changes_with_all_that_the_bundle_is_made_of(
    repository: Path, changed: str
) -> None:
    bundling = _example(repository)
    before = bundling.asset_hash()

    with (repository / changed).open("a") as file:
        file.write("# changed\n")

    assert bundling.asset_hash() != before


def test_the_hash_changes_with_the_architecture(repository: Path) -> None:
    hashes = {_example(repository, each).asset_hash() for each in Architecture}

    assert len(hashes) == len(Architecture)


def test_the_hash_leaves_other_functions_out(repository: Path) -> None:
    bundling = _example(repository)
    before = bundling.asset_hash()

    other = repository / "functions" / "other"
    other.mkdir()
    (other / "__init__.py").write_text("")

    assert bundling.asset_hash() == before
