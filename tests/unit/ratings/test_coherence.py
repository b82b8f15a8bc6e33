"""Reads and writes in every order, on the real service and cache over a table in memory."""

import itertools
import random
from collections.abc import Iterator
from functools import partial

import pytest

from functions.ratings import service
from functions.ratings.cache_policy import CachePolicy, Generation
from tests.contracts.coherence import (
    EFFECTS,
    LAGS,
    PATIENT,
    Kind,
    World,
    ends_stale_after,
    stale_ends,
)
from tests.contracts.response_cache import CATALOG_SONG, POLICY
from tests.fakes.dynamodb import FakeDynamoDB

READS: tuple[Kind, ...] = ("read", "read many")
WRITES: tuple[Kind, ...] = ("like", "delete")


def world(lag: float, policy: CachePolicy = POLICY) -> World:
    return World(FakeDynamoDB(), user="ada", lag=lag, policy=policy)


def deaths(kind: Kind) -> Iterator[int | None]:
    """That it lives, or after how many of its effects it dies."""
    return iter((None, *range(EFFECTS[kind])))


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("write", WRITES)
def test_one_write_and_a_read_never_end_stale(lag: float, read: Kind, write: Kind) -> None:
    ends = [
        stale
        for dies, reader_dies in itertools.product(deaths(write), deaths(read))
        for stale in stale_ends(partial(world, lag), (write, dies), (read, reader_dies))
    ]

    assert len(ends) > 50
    assert not any(ends)


@pytest.mark.long
@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("second", ["dislike", "delete"])
def test_two_writes_and_a_read_never_end_stale(lag: float, second: Kind) -> None:
    ends = [
        stale
        for dies, second_dies in itertools.product(deaths("like"), deaths(second))
        for stale in stale_ends(
            partial(world, lag), ("like", dies), (second, second_dies), ("read", None)
        )
    ]

    assert len(ends) > 1000
    assert not any(ends)


@pytest.mark.long
def test_every_single_order_of_two_writes_and_a_read_ends_well() -> None:
    operations: tuple[Kind, ...] = ("like", "dislike", "read")
    living = [(kind, None) for kind in operations]

    ends = list(stale_ends(partial(world, 4.9), *living, every=True))

    # Fewer than 11! / (4! 4! 3!): a contested write, or a read of an unsettled family, stores
    # nothing, and so has one effect less.
    assert len(ends) > 3000
    assert not any(ends)


@pytest.mark.parametrize("seed", range(30))
def test_longer_random_runs_with_deaths_and_lost_answers_end_well(seed: int) -> None:
    chance = random.Random(seed)

    stale = [
        ends_stale_after(world(chance.choice(LAGS), PATIENT), chance, operations)
        for operations in (3, 4, 5, 6, 7)
        for _ in range(20)
    ]

    assert not any(stale)


@pytest.mark.parametrize("lag", LAGS)
def test_a_quick_like_unlike_like_is_read_back_each_time(lag: float) -> None:
    one_client = world(lag)
    for value in (1, None, 1, -1, None):
        one_client.write(value)
        assert one_client.read() == value
        one_client.clock.advance(0.3)
        assert one_client.read() == value


def test_a_lag_beyond_the_settling_time_is_bounded_by_the_fresh_window() -> None:
    slow_apple = world(8.0)
    slow_apple.write(1)
    slow_apple.clock.advance(8.1)
    slow_apple.write(-1)
    slow_apple.clock.advance(5.1)

    assert slow_apple.read(CATALOG_SONG) == 1, "Apple still says so, and it is kept"
    slow_apple.clock.advance(59.9)
    assert slow_apple.read(CATALOG_SONG) == 1
    slow_apple.clock.advance(0.1)
    assert slow_apple.read(CATALOG_SONG) == -1


@pytest.mark.parametrize("rule", ["contested", "own generation", "settling", "generation"])
def test_without_any_one_rule_some_order_ends_stale(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    match rule:
        case "contested":
            monkeypatch.setattr(service, "is_last_word", lambda _, closed: closed.alone)
        case "own generation":
            monkeypatch.setattr(service, "is_last_word", lambda opened, _: not opened.contested)
        case "settling":
            monkeypatch.setattr(Generation, "is_settled", lambda *_: True)
        case "generation":
            monkeypatch.setattr(Generation, "covers", lambda *_: True)

    assert any(
        stale
        for lag in LAGS
        for dies in deaths("like")
        for stale in stale_ends(
            partial(world, lag), ("like", dies), ("dislike", None), ("read", None)
        )
    )
