"""Finds the Python that compiles bundles, or skips the test that needs one."""

from __future__ import annotations

import pytest

from infra.packaging.bundling import PYTHON_VERSION
from infra.packaging.bytecode import find_interpreter


def lambda_python() -> str:
    """Return a Python of Lambda's version."""
    python = find_interpreter(PYTHON_VERSION)
    if python is None:
        pytest.skip(
            f"They look at compiled bundles, which takes Python {PYTHON_VERSION}: put it on "
            f"the PATH as python{PYTHON_VERSION}."
        )
    return python
