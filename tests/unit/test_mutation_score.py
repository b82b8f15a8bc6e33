from collections import Counter

import pytest

from tests.mutation_score import count, score, table

RESULTS = """\
    functions.ratings.models.xǁQueryOptionsǁquery__mutmut_1: killed
    functions.ratings.models.xǁQueryOptionsǁquery__mutmut_2: survived
    functions.ratings.models.xǁQueryOptionsǁquery__mutmut_3: no tests
    functions.ratings.models.x__type__mutmut_1: timeout
    functions.ratings.service.x__asking__mutmut_1: killed
    functions.ratings.retrying.x_is_failure__mutmut_1: not checked
"""


def test_a_mutant_counts_as_killed_only_if_a_test_failed_or_never_ended() -> None:
    assert count(RESULTS.splitlines(keepends=True)) == {
        "functions.ratings.models": Counter({True: 2, False: 2}),
        "functions.ratings.service": Counter({True: 1}),
    }


def test_the_table_has_a_line_for_each_module_and_their_sum() -> None:
    assert table(count(RESULTS.splitlines())).splitlines()[2:] == [
        "| models | 4 | 2 | 2 | 50.0 % |",
        "| service | 1 | 1 | 0 | 100.0 % |",
        "| all | 5 | 3 | 2 | 60.0 % |",
    ]


def test_the_score_is_a_share_of_all_that_were_tried() -> None:
    assert score(Counter({True: 3, False: 1})) == 75


def test_what_is_no_result_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="not a result"):
        count(["Traceback (most recent call last):\n"])
