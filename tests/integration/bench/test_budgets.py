"""The regression gate: what a start, a hit and the bundle take, against `bench/budgets.toml`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from bench.budgets import INSTRUCTIONS, TOLERANCES, Figures, exceeded, measure, read_budgets
from bench.lambda_python import find
from tests.lambda_python import lambda_python

pytestmark = pytest.mark.long  # valgrind takes thirty times as long as what it counts

AND_ON_PURPOSE = "if on purpose: python -m bench.budgets, and say in the commit what it buys"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    build: Path = tmp_path_factory.mktemp("bench")
    return measure(
        find(lambda_python(), sys.executable),
        build,
        instructions=shutil.which("valgrind") is not None,
    )


@pytest.mark.parametrize("figure", [name for name in TOLERANCES if name != INSTRUCTIONS])
def test_a_start_a_hit_and_the_bundle_take_what_their_budgets_say(
    measured: Figures, figure: str
) -> None:
    assert exceeded({figure: measured[figure]}, read_budgets()) == {}, AND_ON_PURPOSE


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind counts the instructions")
def test_a_start_takes_no_more_instructions_than_its_budget_says(measured: Figures) -> None:
    figures = {INSTRUCTIONS: measured[INSTRUCTIONS]}

    assert exceeded(figures, read_budgets()) == {}, AND_ON_PURPOSE
