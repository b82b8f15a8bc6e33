import pytest

from bench.budgets import TOLERANCES, check, read_budgets


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [(102, ""), (103, "exceeds"), (90, ""), (89, "lower the budget")],
)
def test_a_figure_over_its_budget_or_far_below_it_is_reported(figure: int, verdict: str) -> None:
    verdicts = check({"files_opened": figure}, {"files_opened": 100})

    assert bool(verdicts) == bool(verdict)
    assert verdict in verdicts.get("files_opened", "")


def test_every_figure_has_a_budget() -> None:
    assert read_budgets().keys() == TOLERANCES.keys()
