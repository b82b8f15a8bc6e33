"""Reads and writes in every order, over DynamoDB in memory."""

import pytest

from tests.contracts.coherence import World
from tests.contracts.orders import (
    Run,
    a_failure_of_apple_after_a_change_elsewhere,
    a_late_effect_of_a_lost_write,
    a_song_rated_again_and_again,
    a_write_of_a_song_by_another_id,
    orders,
    random_runs,
    ten_writes_in_a_row,
    violations_in,
)
from tests.fakes.ratings_function import CATALOG_SONG

TWO_READERS = ("like", "read list", "read neighbour")
SESSION = ("write several", "read catalog list")
ALL_RESENT = ("open", "close", "store")


@pytest.mark.parametrize(
    ("run", "min_runs"),
    [
        (orders("like", "read", every=True, dying=1, lag=0.0), 46),
        (orders("like", "read", every=True, dying=1, lag=1.0, skews=(0.5, -0.5)), 46),
        (orders("like", "read", every=True, dying=1, lag=4.0, skews=(-0.5, 0.5)), 46),
        (orders("delete", "read list", dying=2), 50),
        (orders("delete", "read catalog list", dying=1, resent=ALL_RESENT), 20),
        (orders("like", "read", "wait", skews=(0.5, -0.5)), 35),
        (orders("like", "dislike", "wait"), 120),
        (orders(*TWO_READERS), 70),
        (orders(*SESSION, skews=(-0.5, 0.5)), 20),
        (orders("like", "dislike", dying=1, skews=(0.5, -0.5), resent=("open",)), 70),
    ],
)
def test_the_promises_hold_in_every_order_of_a_few_operations(run: Run, min_runs: int) -> None:
    assert violations_in(run(), min_runs=min_runs) == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("run", "min_runs"),
    [
        (orders("like", "dislike", "read", dying=2, lag=0.0), 900),
        (orders("like", "delete", "read", dying=2, lag=1.0, skews=(0.5, -0.5)), 900),
        (orders("like", "dislike", "read", dying=2, lag=4.0, skews=(-0.5, 0.5)), 900),
        # Fewer runs than 11! / (4! 4! 3!): at most one of the writes closes twice, and a read of
        # an unsettled family stores nothing.
        (orders("like", "dislike", "read", every=True), 2000),
        (orders("like", "dislike", "wait", "read"), 2000),
        (orders("like", "read", "wait", dying=1, skews=(0.5, -0.5), resent=ALL_RESENT), 150),
        (orders("like", "delete", "read list", skews=(-0.5, 0.5), resent=("open",)), 700),
        (orders("like", "delete", "read list", skews=(0.5, -0.5), resent=("close",)), 1300),
        (orders(*TWO_READERS, every=True), 800),
        (orders(*SESSION, every=True, skews=(0.5, -0.5), resent=ALL_RESENT), 1500),
    ],
)
def test_the_promises_hold_in_every_order_of_more_operations(run: Run, min_runs: int) -> None:
    assert violations_in(run(), min_runs=min_runs) == []


def test_the_promises_hold_in_random_runs_with_crashes_lost_responses_and_resent_calls() -> None:
    assert violations_in(random_runs(range(40)), min_runs=40) == []


@pytest.mark.long
@pytest.mark.parametrize("hundred", range(1, 4))
def test_the_promises_hold_in_more_random_runs(hundred: int) -> None:
    seeds = range(hundred * 100, hundred * 100 + 100)

    assert violations_in(random_runs(seeds), min_runs=100) == []


@pytest.mark.parametrize(
    "run",
    [
        ten_writes_in_a_row,
        a_song_rated_again_and_again,
        a_write_of_a_song_by_another_id,
        a_late_effect_of_a_lost_write,
        a_failure_of_apple_after_a_change_elsewhere,
    ],
)
def test_the_promises_hold_after(run: Run) -> None:
    assert violations_in(run(), min_runs=1) == []


def test_if_apples_lag_exceeds_the_settling_time_an_old_value_is_served_for_60_seconds() -> None:
    slow_apple = World(lag=8.0)
    slow_apple.write(1)
    slow_apple.clock.advance(8.125)
    slow_apple.write(-1)
    slow_apple.clock.advance(5.125)

    assert slow_apple.read(CATALOG_SONG) == [1], "Apple returns the old value, and it is stored"
    slow_apple.clock.advance(59.875)
    assert slow_apple.read(CATALOG_SONG) == [1]
    slow_apple.clock.advance(0.125)
    assert slow_apple.read(CATALOG_SONG) == [-1]
