"""Finds the Python that compiles bundles, or skips the test that needs it."""

from __future__ import annotations

import pytest

from infra.packaging.bundling import PYTHON_VERSION
from infra.packaging.bytecode import find_interpreter


def lambda_python() -> str:
    python = find_interpreter(PYTHON_VERSION)
    if python is None:
        pytest.skip(
            f"Compiled bundles need Python {PYTHON_VERSION}: put it on the PATH as "
            f"python{PYTHON_VERSION}."
        )
    return python
