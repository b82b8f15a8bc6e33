import pytest

from functions.token_rotation.rotation import is_worth_using


@pytest.mark.parametrize(
    ("left", "in_use_left", "expected"),
    [
        (60, 0, True),
        (60, 180, True),
        (31, 50, True),
        (30, 50, False),
        (5, 50, False),
        (5, 5, False),
        (5, 4, True),
        (5, -1, True),
        (0, -1, False),
        (-1, -2, False),
        (-1, 50, False),
    ],
)
def test_a_pending_token_must_outlast_half_of_a_token_life_or_the_token_in_use(
    left: int, in_use_left: int, expected: bool
) -> None:
    assert is_worth_using(left, in_use_left, life_seconds=60) is expected
