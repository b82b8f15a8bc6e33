from collections import Counter

import pytest

from tests.mutation_score import count, table

RESULTS = """\
    functions.ratings.models.xǁQueryOptionsǁquery__mutmut_1: killed
    functions.ratings.models.xǁQueryOptionsǁquery__mutmut_2: survived
    functions.ratings.models.xǁQueryOptionsǁquery__mutmut_3: no tests
    functions.ratings.models.x__type__mutmut_1: timeout
    functions.ratings.reads.x__apple_deadline__mutmut_1: killed
    functions.ratings.apple.resilient_client.x_outcome_of__mutmut_1: not checked
"""


def test_a_mutant_is_killed_only_if_a_test_fails_or_never_ends() -> None:
    counted = count(RESULTS.splitlines(keepends=True))
    assert counted["functions.ratings.models"] == Counter({True: 2, False: 2})
    assert table(counted).splitlines()[2:] == [
        "| models | 4 | 2 | 2 | 50.0 % |",
        "| reads | 1 | 1 | 0 | 100.0 % |",
        "| all | 5 | 3 | 2 | 60.0 % |",
    ]


def test_a_line_that_is_not_a_result_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a result"):
        count(["Traceback (most recent call last):\n"])
