from __future__ import annotations

import json
import ssl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from infra.packaging.architecture import Architecture
from infra.packaging.botocore_data import AMAZON_ROOTS
from infra.packaging.bundling import function_bundling
from tests.infra.resources import REPOSITORY
from tests.lambda_python import lambda_python

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SETTINGS = {
    "SIGNING_KEY_SECRET_ID": "signing-key",
    "CACHE_TABLE_NAME": "ratings",
    "DEVELOPER_TOKEN_SECRET_ID": "developer-token",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "apple-music-ratings",
}
IMPORTED = {
    "ratings": ("functions.ratings.handler",),
    # Not PyJWT, which would import the bundled cryptography, compiled for arm64.
    "sign_in": ("functions.sign_in.settings", "botocore.auth", "urllib3"),
    "token_rotation": ("functions.token_rotation.settings", "boto3", "urllib3"),
}
AWS_SERVICES = {
    "ratings": set[str](),
    "sign_in": set[str](),
    "token_rotation": {"secretsmanager"},
}
SIGNING = {"cryptography", "cffi", "_cffi_backend", "pycparser"}
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024


pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
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


def _run(script: str, *arguments: str, **environment: str) -> str:
    """Run a script that can import only the standard library and a bundle; return its output."""
    result = subprocess.run(  # noqa: S603 - this interpreter, on the bundle made above
        [sys.executable, "-I", "-S", "-B", "-c", script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_bundle_has_the_modules_that_its_handler_imports_and_no_others(
    bundle: Path, package: str
) -> None:
    script = (
        "import importlib, sys; sys.path[:0] = sys.argv[2:]; importlib.import_module(sys.argv[1]); "
        "print(*(each.__file__ for name, each in sys.modules.items() "
        "if name.partition('.')[0] == 'functions'))"
    )
    handler = f"functions.{package}.handler"
    imported = _run(script, handler, str(REPOSITORY), *sys.path, **SETTINGS).split()

    def relative(paths: Iterable[Path], root: Path) -> set[str]:
        return {each.relative_to(root).as_posix() for each in paths}

    files = [each for each in (bundle / "functions").rglob("*") if each.is_file()]
    bundled = relative((each for each in files if each.suffix != ".pyc"), bundle)
    assert bundled == relative(map(Path, imported), REPOSITORY)


def test_only_functions_that_sign_have_cryptography_and_only_rotation_has_boto3(
    bundles: Mapping[str, Path],
) -> None:
    names = {
        package: {
            each.name.partition(".")[0] for each in bundle.iterdir() if each.suffix != ".dist-info"
        }
        for package, bundle in bundles.items()
    }

    assert names["sign_in"] == names["ratings"] | SIGNING
    assert names["token_rotation"] == names["sign_in"] | {"boto3", "s3transfer"}
    assert not {"aws_cdk", "bin", "infra", "pip", "tests"} & names["token_rotation"]


def test_the_code_needs_no_module_outside_the_bundle(bundle: Path, package: str) -> None:
    script = (
        "import importlib, sys; sys.path.insert(0, sys.argv[1]); "
        "[importlib.import_module(name) for name in sys.argv[2:]]; "
        "print(*(each.__file__ for each in list(sys.modules.values()) "
        "if 'site-packages' in str(getattr(each, '__file__', ''))))"
    )

    assert _run(script, str(bundle), *IMPORTED[package], **SETTINGS).split() == []


def test_a_bundle_takes_at_most_half_of_lambdas_quota(bundle: Path) -> None:
    unzipped = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())

    assert unzipped < MAX_UNZIPPED_BYTES / 2


def test_the_bytecode_of_every_module_ignores_file_dates_and_names_lambdas_path(
    bundle: Path, package: str
) -> None:
    lambda_python()
    for module in bundle.rglob("*.py"):
        compiled = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
        # PEP 552: bit 0 means hash-based, bit 1 means that the hash is checked.
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 0b01, module

    handler = bundle / "functions" / package / "__pycache__" / "handler.cpython-313.pyc"
    assert f"/var/task/functions/{package}/handler.py".encode() in handler.read_bytes()
    assert str(bundle).encode() not in handler.read_bytes()


def test_botocore_has_only_the_models_of_called_services(bundle: Path, package: str) -> None:
    data = bundle / "botocore" / "data"
    partitions = json.loads((data / "endpoints.json").read_text("utf-8"))["partitions"]

    assert {each.name for each in data.iterdir() if each.is_dir()} == AWS_SERVICES[package]
    assert {name for each in partitions for name in each["services"]} == AWS_SERVICES[package]


def test_a_client_finds_its_endpoint_in_every_partition(bundles: Mapping[str, Path]) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from botocore.session import Session\n"
        "for region in sys.argv[2:]:\n"
        "    client = Session().create_client('secretsmanager', region_name=region)\n"
        "    print(client.meta.endpoint_url)\n"
    )
    regions = ("eu-west-1", "us-gov-west-1", "cn-north-1")

    assert _run(script, str(bundles["token_rotation"]), *regions).split() == [
        "https://secretsmanager.eu-west-1.amazonaws.com",
        "https://secretsmanager.us-gov-west-1.amazonaws.com",
        "https://secretsmanager.cn-north-1.amazonaws.com.cn",
    ]


def test_botocore_trusts_only_amazons_authorities(bundle: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle / "botocore" / "cacert.pem")

    names = {
        value
        for each in context.get_ca_certs()
        for ((name, value),) in cast("Any", each["subject"])
        if name == "commonName"
    }

    assert names == AMAZON_ROOTS
