from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from infra.architecture import Architecture
from infra.botocore_data import keep_amazons_roots, keep_services
from infra.bundling import BundlingError, PipBundling, function_bundling
from infra.bytecode import interpreter
from tests.lambda_python import lambda_python

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REPOSITORY = Path(__file__).resolve().parents[2]
AARCH64 = 0xB7
X86_64 = 0x3E
SETTINGS = {
    "CACHE_TABLE_NAME": "ratings",
    "DEVELOPER_TOKEN_SECRET_ID": "developer-token",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "apple-music-ratings",
}
IMPORTED = {
    "ratings": ("functions.ratings.handler",),
    "token_rotation": ("functions.token_rotation.settings", "boto3", "urllib3"),
}
"""What is imported to prove it, by the function's package; PyJWT brings in what cryptography has
compiled, if it is there, which is for another machine."""


def _machine(shared_object: Path) -> int:
    """The machine for which an ELF file is made."""
    header = shared_object.read_bytes()[:20]
    assert header[:4] == b"\x7fELF"
    return int.from_bytes(header[18:20], "little")


def _example(
    repository: Path,
    architecture: Architecture = Architecture.ARM_64,
    python: str | None = None,
) -> PipBundling:
    return PipBundling(
        package="example", architecture=architecture, python=python, repository=repository
    )


def _packages(bundle: Path) -> set[str]:
    return {
        each.name.removesuffix(".py")
        for each in bundle.iterdir()
        if not each.name.endswith(".dist-info") and each.name != "__pycache__"
    }


def _relative(paths: Iterable[Path], root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in paths}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The bundle of each function, by its package."""
    made = {package: tmp_path_factory.mktemp(package) for package in IMPORTED}
    for package, output in made.items():
        assert function_bundling(package, Architecture.ARM_64).try_bundle(str(output), {}) is True
    return made


@pytest.fixture(params=IMPORTED)
def package(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bundle(bundles: Mapping[str, Path], package: str) -> Path:
    return bundles[package]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return _repository(tmp_path)


def _repository(folder: Path) -> Path:
    """A repository with one function, `example`, that needs a compiled package."""
    root = folder / "repository"
    package = root / "functions" / "example"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package.parent / "shared").mkdir()
    (package.parent / "shared" / "transport.py").write_text("")
    (package / "handler.py").write_text("ANSWER = 1\n")
    (package / "requirements.txt").write_text("cffi\n")
    shutil.copy(REPOSITORY / "constraints.txt", root)
    return root


def test_the_bundle_holds_the_functions_package_whole(bundle: Path, package: str) -> None:
    expected = {
        path
        for source in (package, "shared")
        for path in (REPOSITORY / "functions" / source).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }

    bundled = [
        path
        for path in (bundle / "functions").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    ]

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
        "botocore",
        "dateutil",
        "jmespath",
        "jwt",
        "six",
        "typing_extensions",
        "urllib3",
    }

    assert _packages(bundles["ratings"]) == shared
    rotating = _packages(bundles["token_rotation"]) - shared
    assert {name.partition(".")[0] for name in rotating} == {
        "boto3",
        "s3transfer",
        "cryptography",
        "cffi",
        "_cffi_backend",
        "pycparser",
    }
    assert shared <= _packages(bundles["token_rotation"])


def test_the_bundles_code_is_imported_from_the_bundle_alone(bundle: Path, package: str) -> None:
    command = (
        "import importlib, sys; sys.path.insert(0, sys.argv[1]); "
        "[importlib.import_module(name) for name in sys.argv[2:]]; "
        "print(*(each.__file__ for each in list(sys.modules.values()) "
        "if 'site-packages' in str(getattr(each, '__file__', ''))))"
    )

    result = subprocess.run(  # noqa: S603 - this interpreter, on the bundle made above
        [sys.executable, "-I", "-S", "-B", "-c", command, str(bundle), *IMPORTED[package]],
        env=SETTINGS,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []


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


def test_pips_own_settings_change_no_bundle(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PIP_USER": "1",
        "PIP_PREFIX": str(tmp_path / "prefix"),
        "PIP_NO_DEPS": "1",
        "PIP_REQUIRE_HASHES": "1",
        "PIP_NO_BINARY": ":all:",
    }.items():
        monkeypatch.setenv(name, value)
    output = tmp_path / "bundle"
    output.mkdir()

    _example(repository).try_bundle(str(output), {})

    # cffi needs pycparser.
    assert {"cffi", "pycparser"} <= _packages(output)


@pytest.fixture
def python313() -> str:
    return lambda_python()


def test_every_module_of_the_bundle_is_compiled_by_whatever_date(
    python313: str, bundle: Path
) -> None:
    modules = list(bundle.rglob("*.py"))
    assert modules
    for module in modules:
        compiled = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
        header = compiled.read_bytes()[:16]
        # PEP 552: the lowest bit says that it goes by a hash, the next that nobody checks it.
        assert int.from_bytes(header[4:8], "little") == 0b01, module


def test_a_trace_back_names_the_place_in_lambda_and_not_where_it_was_compiled(
    python313: str, bundle: Path, package: str
) -> None:
    cache = bundle / "functions" / package / "__pycache__" / "handler.cpython-313.pyc"

    compiled = cache.read_bytes()

    assert f"/var/task/functions/{package}/handler.py".encode() in compiled
    assert str(bundle).encode() not in compiled


@pytest.fixture(scope="module")
def uncompiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A bundle made without Lambda's Python, and what that wrote to standard output and error."""
    repository, output = (
        _repository(tmp_path_factory.mktemp("source")),
        tmp_path_factory.mktemp("x"),
    )
    package = repository / "functions" / "example"
    (package / "requirements.txt").write_text("")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "handler.cpython-313.pyc").write_bytes(b"compiled")
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        _example(repository).try_bundle(str(output), {})
    return output, out.getvalue(), err.getvalue()


def test_without_lambdas_python_the_bundle_goes_uncompiled_and_says_so(
    uncompiled: tuple[Path, str, str],
) -> None:
    output, _, said = uncompiled

    assert "no Python 3.13 here to compile functions/example" in said
    assert list(output.rglob("*.pyc")) == []


def test_a_python_that_is_missing_or_only_stands_for_one_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert interpreter("3.99") is None

    shim = tmp_path / "python3.99"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    assert interpreter("3.99") is None


def test_the_models_of_the_services_that_are_called_are_all_there_are(
    bundle: Path, package: str
) -> None:
    called = {"ratings": set[str](), "token_rotation": {"secretsmanager"}}
    data = bundle / "botocore" / "data"

    assert {each.name for each in data.iterdir() if each.is_dir()} == called[package]
    endpoints = json.loads((data / "endpoints.json").read_text("utf-8"))
    assert {"aws", "aws-cn", "aws-us-gov"} <= {
        each["partition"] for each in endpoints["partitions"]
    }
    assert {name for each in endpoints["partitions"] for name in each["services"]} == called[
        package
    ]


def test_a_client_finds_its_endpoint_in_every_partition(bundles: Mapping[str, Path]) -> None:
    regions = ("eu-west-1", "us-gov-west-1", "cn-north-1")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from botocore.session import Session\n"
        "for region in sys.argv[2:]:\n"
        "    client = Session().create_client('secretsmanager', region_name=region)\n"
        "    print(client.meta.endpoint_url)\n"
    )

    result = subprocess.run(  # noqa: S603 - this interpreter, on the bundle made above
        [sys.executable, "-I", "-S", "-B", "-c", script, str(bundles["token_rotation"]), *regions],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.stdout.split() == [
        "https://secretsmanager.eu-west-1.amazonaws.com",
        "https://secretsmanager.us-gov-west-1.amazonaws.com",
        "https://secretsmanager.cn-north-1.amazonaws.com.cn",
    ], result.stderr


def test_of_all_authorities_amazons_own_are_trusted_to_speak_for_aws(bundle: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle / "botocore" / "cacert.pem")

    names = {
        value
        for each in context.get_ca_certs()
        for ((name, value),) in cast("Any", each["subject"])
        if name == "commonName"
    }

    assert names == {
        *(f"Amazon Root CA {number}" for number in range(1, 5)),
        "Starfield Services Root Certificate Authority - G2",
    }


def test_an_authority_that_is_not_there_is_missed_at_once(tmp_path: Path) -> None:
    certificates = tmp_path / "cacert.pem"
    certificates.write_text("")

    with pytest.raises(ValueError, match="lacks Amazon Root CA 1, Amazon Root CA 2"):
        keep_amazons_roots(certificates)


def test_a_service_that_botocore_keeps_elsewhere_is_missed_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no model of dynamodb"):
        keep_services(tmp_path, ("dynamodb",))


def test_the_bundle_takes_no_compiled_caches_along(uncompiled: tuple[Path, str, str]) -> None:
    output, _, _ = uncompiled

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


def test_a_module_that_cannot_be_compiled_ends_the_program_with_what_to_do(
    python313: str, repository: Path, tmp_path: Path
) -> None:
    package = repository / "functions" / "example"
    (package / "requirements.txt").write_text("")
    (package / "handler.py").write_text("def (\n")

    with pytest.raises(BundlingError, match=r"functions/example cannot be finished") as caught:
        _example(repository, python=python313).try_bundle(str(tmp_path), {})

    assert "look at what was raised last" in str(caught.value)


def test_a_botocore_of_another_shape_ends_the_program_with_what_to_do(
    repository: Path, tmp_path: Path
) -> None:
    shutil.move(repository / "functions" / "example", repository / "functions" / "token_rotation")
    (repository / "functions" / "token_rotation" / "requirements.txt").write_text("")
    bundling = PipBundling(
        package="token_rotation",
        architecture=Architecture.ARM_64,
        python=None,
        repository=repository,
    )

    with pytest.raises(BundlingError, match="no model of secretsmanager"):
        bundling.try_bundle(str(tmp_path), {})


def test_progress_is_told_on_stderr_alone(uncompiled: tuple[Path, str, str]) -> None:
    _, out, err = uncompiled

    assert out == ""
    assert "functions/example" in err


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
        "functions/shared/transport.py",
        "functions/shared/new.py",
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


def test_the_hash_tells_whether_the_bundle_is_compiled(repository: Path) -> None:
    assert _example(repository).asset_hash() != _example(repository, python="x").asset_hash()


def test_the_hash_leaves_other_functions_out(repository: Path) -> None:
    bundling = _example(repository)
    before = bundling.asset_hash()

    other = repository / "functions" / "other"
    other.mkdir()
    (other / "__init__.py").write_text("")

    assert bundling.asset_hash() == before
