import pytest

from bench.figures import Spread, ratios, rounded, shown


def test_a_spread_is_the_least_the_middle_and_the_most() -> None:
    assert Spread.of([3, 1, 10, 2]).document() == {"min": 1, "median": 2.5, "max": 10, "count": 4}


def test_a_ratio_is_taken_pair_by_pair_so_that_a_slow_moment_leaves_it_alone() -> None:
    ours, theirs = [1.0, 10.0, 1.0], [2.0, 20.0, 2.0]

    assert ratios(ours, theirs) == Spread(least=0.5, median=0.5, most=0.5, count=3)


def test_what_has_no_pair_is_not_compared() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("value", "expected"), [(0.123456789, 0.12346), (1234567, 1234600)])
def test_figures_are_kept_with_the_digits_that_mean_something(
    value: float, expected: float
) -> None:
    assert rounded(value) == expected


@pytest.mark.parametrize(("value", "text"), [(0.05981, "0.0598"), (582, "582"), (1021.4, "1,021")])
def test_figures_are_shown_with_three_digits_or_whole(value: float, text: str) -> None:
    assert shown(value) == text
