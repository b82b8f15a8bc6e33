"""Runs the ratings function's tests on the bundle that is deployed, instead of its sources.

`python -m tests.bundle FOLDER` makes the bundle there. As a pytest plugin, this module checks that
the tests import the bundle. `make test-bundle` does both.
"""

from __future__ import annotations

import importlib
import platform
import shutil
import sys
from pathlib import Path

import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    """Reject a run that does not import the bundle."""
    bundle, _ = session.config.getini("pythonpath")
    for name in ("functions.ratings", "botocore", "urllib3", "jwt"):
        file = str(importlib.import_module(name).__file__)
        if bundle == session.config.rootpath or not file.startswith(str(bundle)):
            raise pytest.UsageError(f"{name} is imported from {file}, not from the bundle")


def main(folder: Path) -> None:
    """Make the bundle, and add botocore's models, which the tests' own clients need."""
    import botocore  # noqa: PLC0415 - pytest loads this module before the bundle is on its path

    from infra.packaging.architecture import Architecture  # noqa: PLC0415 - likewise
    from infra.packaging.bundling import function_bundling  # noqa: PLC0415 - likewise

    architecture = Architecture.of_machine(platform.machine())
    function_bundling("ratings", architecture).try_bundle(str(folder), {})
    data = Path(botocore.__file__).with_name("data")
    shutil.copytree(data, folder / "botocore" / "data", dirs_exist_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
