"""Makes the Lambda bundle of a function from its package and its lock file, without Docker."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess  # nosec B404  # only for pip, see below
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

from infra.packaging.botocore_data import keep_amazon_roots, keep_services
from infra.packaging.bytecode import compile_all, find_interpreter
from infra.packaging.pip_environment import pip_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.packaging.architecture import Architecture

REPOSITORY: Final = Path(__file__).resolve().parents[2]

PYTHON_VERSION: Final = "3.13"

_PIP_OPTIONS: Final = (
    "--quiet",
    "--progress-bar=off",
    "--no-input",
    "--no-compile",
    "--no-deps",
    "--require-hashes",
    "--only-binary=:all:",
    "--implementation=cp",
    f"--python-version={PYTHON_VERSION}",
)
_AWS_SERVICES: Final[Mapping[str, tuple[str, ...]]] = {
    "ratings": (),
    "sign_in": (),
    "token_rotation": ("secretsmanager",),
}
"""The services that each function calls with botocore's clients."""

_UNUSED: Final = (
    "bin",  # commands of some requirements
    "aws_lambda_powertools/event_handler",  # a third of Powertools, with web pages
)
"""Parts of the requirements that no function imports."""

_IMPORT: Final = re.compile(r"^ *from (functions[.\w]*) import (?:\(([^)]*)\)|(.*))", re.MULTILINE)
"""The only form of an import from `functions/`; parsing each module would take longer."""

_RECIPE_VERSION: Final = "5"
"""Increase it when the same sources must make a different bundle."""

_FOLDER_MODE: Final = 0o755
_FILE_MODE: Final = 0o644
"""Lambda runs a function as a user who does not own its files."""


class BundlingError(SystemExit):
    """A bundle could not be made; the message says what to do.

    It ends the process with that message: jsii would hide any other exception under two stack
    traces.
    """


@jsii.implements(ILocalBundling)
class PipBundling:
    """Makes the bundle of one package of `functions/` with this interpreter's pip.

    `python` is an interpreter of Lambda's version, which compiles the bundle; if it is None,
    nothing is compiled.
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
        self._python = python
        self._platform = architecture.wheels
        self._pip_options = (*_PIP_OPTIONS, f"--platform={self._platform}")
        self._functions = repository / "functions"
        self._lock = self._functions / package / "requirements.lock"

    def try_bundle(self, output_dir: str, _options: object) -> bool:
        """Fill `output_dir` and return true; CDK would run Docker after any other result.

        Raises:
            BundlingError: if pip cannot install the requirements, or the installed packages cannot
                be reduced or compiled.
        """
        sys.stderr.write(f"Bundling functions/{self._package} for Lambda, with pip…\n")
        sys.stderr.flush()
        target = Path(output_dir)
        self._install_requirements(target)
        for unused in _UNUSED:
            shutil.rmtree(target / unused, ignore_errors=True)
        for record in target.glob("*.dist-info/RE[CQ]*"):  # RECORD and REQUESTED, only for pip
            record.unlink()
        functions = target / "functions"
        for module in self._modules():
            copy = functions / module.relative_to(self._functions)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(module, copy)
        try:
            self._reduce_botocore(target / "botocore")
            self._compile(target)
            _make_readable(target)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise BundlingError(
                f"error: the bundle of functions/{self._package} cannot be finished: {error}\n\n"
                f"A package of {self._lock.name} has an unexpected layout. Check the pins that "
                "changed last, and infra/packaging."
            ) from error
        return True

    def asset_hash(self) -> str:
        """Return a hash of everything that determines the bundle."""
        services = _AWS_SERVICES.get(self._package, ())
        compiled = "uncompiled" if self._python is None else "compiled"
        recipe = (_RECIPE_VERSION, compiled, *services, *_UNUSED, *self._pip_options)
        digest = hashlib.sha256("\0".join(recipe).encode())
        for path in self._sources():
            name = path.relative_to(self._functions.parent).as_posix()
            content = path.read_bytes()
            digest.update(f"\0{name}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()

    def _sources(self) -> Iterator[Path]:
        yield self._lock
        yield from self._modules()

    def _modules(self) -> Iterator[Path]:
        """The function's modules, and the modules of other folders that they import.

        Only modules: a stray `.env` or `.p8` in the folder must not be deployed.
        """
        found = set[Path]()
        new = {self._functions / "__init__.py", *(self._functions / self._package).rglob("*.py")}
        while new:
            found |= new
            new = {imported for module in new for imported in self._imported(module)} - found
        return iter(sorted(found))

    def _imported(self, module: Path) -> Iterator[Path]:
        """The modules of `functions/` that a module imports, and their packages."""
        for package, in_parentheses, in_line in _IMPORT.findall(module.read_text("utf-8")):
            path = self._functions.parent / package.replace(".", "/")
            for name in ("", *re.findall(r"\w+", in_parentheses + in_line)):
                for file in ((path / name).with_suffix(".py"), path / name / "__init__.py"):
                    if file.is_file():
                        yield file
                        yield file.parent / "__init__.py"

    def _reduce_botocore(self, botocore: Path) -> None:
        if self._package in _AWS_SERVICES:
            keep_services(botocore / "data", _AWS_SERVICES[self._package])
            keep_amazon_roots(botocore / "cacert.pem")

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
            *("--requirement", str(self._lock)),
        ]
        pip = subprocess.run(  # noqa: S603  # nosec B603  # no shell, no external input
            command, env=pip_environment(os.environ), capture_output=True, text=True, check=False
        )
        if pip.returncode != 0:
            raise BundlingError(
                f"error: pip could not bundle functions/{self._package} "
                f"(exit {pip.returncode}):\n\n{pip.stderr.strip()}\n\n"
                f"Every package of functions/{self._package}/{self._lock.name} needs a wheel for "
                f"Python {PYTHON_VERSION} on {self._platform}, with a hash of that file. Check the "
                "network, then run `make lock`."
            )


def _make_readable(target: Path) -> None:
    for path in target.rglob("*"):
        path.chmod(_FOLDER_MODE if path.is_dir() else _FILE_MODE)


def function_bundling(package: str, architecture: Architecture) -> PipBundling:
    """Return the bundling of `functions/<package>` as it is deployed."""
    python = find_interpreter(PYTHON_VERSION)
    return PipBundling(package=package, architecture=architecture, python=python)


def function_code(package: str, architecture: Architecture) -> lambda_.AssetCode:
    """Return the code of `functions/<package>`, which CDK bundles during synthesis."""
    bundling = function_bundling(package, architecture)
    return lambda_.Code.from_asset(
        str(REPOSITORY / "functions"),
        asset_hash=bundling.asset_hash(),
        asset_hash_type=AssetHashType.CUSTOM,
        bundling=BundlingOptions(
            # Required by CDK, never pulled: local bundling succeeds or ends the process.
            image=DockerImage.from_registry(f"public.ecr.aws/sam/build-python{PYTHON_VERSION}"),
            # CDK passes the options as one object; its Python types expect keywords.
            local=cast("ILocalBundling", bundling),
        ),
    )
