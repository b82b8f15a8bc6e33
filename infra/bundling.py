"""Turns a function's package and its requirements into a Lambda bundle, without Docker."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess  # nosec B404  # for pip alone, see below
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

from infra.botocore_data import keep_amazons_roots, keep_services
from infra.bytecode import compile_all, interpreter
from infra.pip_environment import pip_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.architecture import Architecture

REPOSITORY: Final = Path(__file__).resolve().parent.parent

PYTHON_VERSION: Final = "3.13"

_PIP_OPTIONS: Final = (
    "--quiet",
    "--progress-bar=off",
    "--no-input",
    "--no-compile",
    "--only-binary=:all:",
    "--implementation=cp",
    f"--python-version={PYTHON_VERSION}",
)
_AWS_SERVICES: Final[Mapping[str, tuple[str, ...]]] = {
    "ratings": (),
    "token_rotation": ("secretsmanager",),
}
"""What each function calls by botocore's clients; nothing else's models ride in its bundle."""

SHARED: Final = "shared"
"""The package of `functions/` that is part of every bundle."""

_UNUSED: Final = (
    "bin",  # commands that some requirements bring
    "aws_lambda_powertools/event_handler",  # a third of Powertools, web pages among it
)
"""What comes with the requirements and no function imports."""

_RECIPE: Final = "2"
"""Raised when the same sources are to give another bundle."""

_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "*.pyc")


class BundlingError(SystemExit):
    """A bundle could not be made; the message says what to do.

    It ends the program with that message: jsii would bury any other exception, raised within a
    call from CDK, under two stack traces.
    """


@jsii.implements(ILocalBundling)
class PipBundling:
    """Makes the bundle of one package of `functions/` with this interpreter's pip.

    `python` is one of Lambda's version, which compiles the bundle; without, it goes uncompiled.
    """

    def __init__(
        self,
        *,
        package: str,
        architecture: Architecture,
        python: str | None,
        repository: Path = REPOSITORY,
    ) -> None:
        self._package = package
        self._packages = (SHARED, package)
        self._python = python
        self._platform = architecture.wheels
        self._pip_options = (*_PIP_OPTIONS, f"--platform={self._platform}")
        self._functions = repository / "functions"
        self._requirements = self._functions / package / "requirements.txt"
        self._constraints = repository / "constraints.txt"

    def try_bundle(self, output_dir: str, _options: object) -> bool:
        """Fill `output_dir`; called by CDK, which turns to Docker unless the answer is true.

        Raises:
            BundlingError: where pip cannot install the requirements, or what it installed cannot be
                cut or compiled.
        """
        sys.stderr.write(f"Bundling functions/{self._package} for Lambda, with pip…\n")
        sys.stderr.flush()
        target = Path(output_dir)
        self._install_requirements(target)
        for unused in _UNUSED:
            shutil.rmtree(target / unused, ignore_errors=True)
        functions = target / "functions"
        for package in self._packages:
            shutil.copytree(self._functions / package, functions / package, ignore=_LEFT_OUT)
        shutil.copy2(self._functions / "__init__.py", functions)
        try:
            self._cut_botocore(target / "botocore")
            self._compile(target)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise BundlingError(
                f"error: the bundle of functions/{self._package} cannot be finished: {error}\n\n"
                "A package that constraints.txt pins keeps its files otherwise than "
                "infra/botocore_data.py and infra/bytecode.py know: look at what was raised last."
            ) from error
        return True

    def asset_hash(self) -> str:
        """Give a hash that changes when the bundle would: with sources, requirements or pins."""
        services = _AWS_SERVICES.get(self._package, ())
        compiled = "uncompiled" if self._python is None else "compiled"
        recipe = (_RECIPE, compiled, *services, *_UNUSED, *self._pip_options)
        digest = hashlib.sha256("\0".join(recipe).encode())
        for path in self._sources():
            name = path.relative_to(self._functions.parent).as_posix()
            content = path.read_bytes()
            digest.update(f"\0{name}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()

    def _sources(self) -> Iterator[Path]:
        yield self._constraints
        yield self._functions / "__init__.py"
        for package in self._packages:
            for path in sorted((self._functions / package).rglob("*")):
                if path.is_file() and path.suffix != ".pyc":
                    yield path

    def _cut_botocore(self, botocore: Path) -> None:
        if self._package in _AWS_SERVICES:
            keep_services(botocore / "data", _AWS_SERVICES[self._package])
            keep_amazons_roots(botocore / "cacert.pem")

    def _compile(self, target: Path) -> None:
        if self._python is not None:
            compile_all(target, self._python)
            return
        sys.stderr.write(
            f"There is no Python {PYTHON_VERSION} here to compile functions/{self._package}: "
            "its cold starts will take more than twice as long.\n"
        )

    def _install_requirements(self, target: Path) -> None:
        command = [
            *(sys.executable, "-m", "pip", "install", *self._pip_options),
            *("--target", str(target)),
            *("--constraint", str(self._constraints)),
            *("--requirement", str(self._requirements)),
        ]
        pip = subprocess.run(  # noqa: S603  # nosec B603  # no shell, and nothing of it comes from outside
            command, env=pip_environment(os.environ), capture_output=True, text=True, check=False
        )
        if pip.returncode != 0:
            raise BundlingError(
                f"error: pip could not bundle functions/{self._package} "
                f"(exit {pip.returncode}):\n\n{pip.stderr.strip()}\n\n"
                f"Every requirement of functions/{self._package}/requirements.txt needs a wheel "
                f"for Python {PYTHON_VERSION} on {self._platform} at the version that "
                "constraints.txt pins. Check the network, then those two files."
            )


def function_bundling(package: str, architecture: Architecture) -> PipBundling:
    """Give what makes the bundle of `functions/<package>` as it is deployed."""
    python = interpreter(PYTHON_VERSION)
    return PipBundling(package=package, architecture=architecture, python=python)


def function_code(package: str, architecture: Architecture) -> lambda_.AssetCode:
    """Give the code of `functions/<package>`, to be bundled when the stack is synthesised."""
    bundling = function_bundling(package, architecture)
    return lambda_.Code.from_asset(
        str(REPOSITORY / "functions"),
        asset_hash=bundling.asset_hash(),
        asset_hash_type=AssetHashType.CUSTOM,
        bundling=BundlingOptions(
            # Demanded by CDK, never pulled: the local bundling answers true or ends the program.
            image=DockerImage.from_registry(f"public.ecr.aws/sam/build-python{PYTHON_VERSION}"),
            # CDK calls it with one object of options, where its Python types tell of keywords.
            local=cast("ILocalBundling", bundling),
        ),
    )
