from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from bench.budgets import INSTRUCTIONS, TOLERANCES, check, measure, read_budgets
from bench.bundles import find_python
from tests.lambda_python import lambda_python

pytestmark = pytest.mark.long  # valgrind slows a program down thirty times

VALGRIND = shutil.which("valgrind")
ON_PURPOSE = "if on purpose: run python -m bench.budgets, and give the reason in the commit message"


def test_a_start_and_a_hit_and_the_bundle_stay_within_their_budgets(tmp_path: Path) -> None:
    python = find_python(lambda_python(), sys.executable)

    measured = measure(python, tmp_path, instructions=VALGRIND is not None)

    assert measured.keys() | {INSTRUCTIONS} == TOLERANCES.keys()
    assert check(measured, read_budgets()) == {}, ON_PURPOSE
    if VALGRIND is None:
        pytest.skip("The instructions were not counted: install valgrind.")
