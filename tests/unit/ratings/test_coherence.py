"""Reads and writes in every order, over DynamoDB in memory."""

import random
from functools import partial

import pytest

from functions.ratings import writes
from functions.ratings.cache.policy import Generation
from tests.contracts.coherence import LAGS, PATIENT, World, random_run_ends_stale, stale_ends
from tests.fakes.ratings_function import CATALOG_SONG


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("read", ["read", "read list"])
@pytest.mark.parametrize("write", ["like", "delete"])
def test_one_write_and_a_read_never_end_stale(lag: float, read: str, write: str) -> None:
    ends = list(stale_ends(partial(World, lag=lag), write, read, dying=2))

    assert len(ends) > 50
    assert not any(ends)


@pytest.mark.long
@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("second", ["dislike", "delete"])
def test_two_writes_and_a_read_never_end_stale(lag: float, second: str) -> None:
    ends = list(stale_ends(partial(World, lag=lag), "like", second, "read", dying=2))

    assert len(ends) > 1000
    assert not any(ends)


@pytest.mark.long
def test_every_single_order_of_two_writes_and_a_read_never_ends_stale() -> None:
    ends = list(stale_ends(partial(World, lag=4.9), "like", "dislike", "read", every=True))

    # Fewer than 11! / (4! 4! 3!): a write with a concurrent one, and a read of an unsettled family,
    # store nothing.
    assert len(ends) > 3000
    assert not any(ends)


@pytest.mark.parametrize("seed", range(30))
def test_longer_random_runs_with_deaths_and_lost_responses_never_end_stale(seed: int) -> None:
    chance = random.Random(seed)

    assert not any(
        random_run_ends_stale(World(lag=chance.choice(LAGS), policy=PATIENT), chance, operations)
        for operations in (3, 4, 5, 6, 7)
        for _ in range(20)
    )


@pytest.mark.parametrize("lag", LAGS)
def test_a_quick_like_unlike_like_is_read_back_each_time(lag: float) -> None:
    one_client = World(lag=lag)
    for value in (1, None, 1, -1, None):
        one_client.write(value)
        assert one_client.read() == value
        one_client.clock.advance(0.3)
        assert one_client.read() == value


def test_a_lag_beyond_the_settling_time_is_bounded_by_the_fresh_window() -> None:
    slow_apple = World(lag=8.0)
    slow_apple.write(1)
    slow_apple.clock.advance(8.1)
    slow_apple.write(-1)
    slow_apple.clock.advance(5.1)

    assert slow_apple.read(CATALOG_SONG) == 1, "Apple still returns it, and it is stored"
    slow_apple.clock.advance(59.9)
    assert slow_apple.read(CATALOG_SONG) == 1
    slow_apple.clock.advance(0.1)
    assert slow_apple.read(CATALOG_SONG) == -1


@pytest.mark.parametrize(
    ("where", "rule", "broken"),
    [
        (writes, "is_cacheable", lambda _, finished: finished.no_later_write),
        (writes, "is_cacheable", lambda started, _: not started.had_concurrent_write),
        (Generation, "is_settled", lambda *_: True),
        (Generation, "covers", lambda *_: True),
    ],
    ids=["concurrent write", "later write", "settling", "generation"],
)
def test_without_any_one_rule_some_order_ends_stale(
    where: object, rule: str, broken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, rule, broken)

    assert any(
        stale
        for lag in reversed(LAGS)
        for stale in stale_ends(partial(World, lag=lag), "like", "dislike", "read", dying=1)
    )
