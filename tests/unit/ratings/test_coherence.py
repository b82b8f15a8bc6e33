"""Reads and writes in every order, on the real service and cache over a table in memory."""

import itertools
import random
from collections.abc import Iterator

import pytest

from functions.ratings import service
from functions.ratings.cache_policy import Generation
from tests.contracts.coherence import EFFECTS, LAGS, Kind, World, ends_stale_after, stale_ends
from tests.fakes.dynamodb import FakeDynamoDB

READS: tuple[Kind, ...] = ("read", "read many")
WRITES: tuple[Kind, ...] = ("like", "delete")


def world(lag: float) -> World:
    return World(FakeDynamoDB(), user="ada", lag=lag)


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
        for stale in stale_ends(lambda: world(lag), (write, dies), (read, reader_dies))
    ]

    assert len(ends) > 50
    assert not any(ends)


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("second", ["dislike", "delete"])
def test_two_writes_and_a_read_never_end_stale(lag: float, second: Kind) -> None:
    ends = [
        stale
        for dies, second_dies in itertools.product(deaths("like"), deaths(second))
        for stale in stale_ends(
            lambda: world(lag), ("like", dies), (second, second_dies), ("read", None)
        )
    ]

    assert len(ends) > 1000
    assert not any(ends)


def test_every_single_order_of_two_writes_and_a_read_ends_well() -> None:
    operations: tuple[Kind, ...] = ("like", "dislike", "read")
    living = [(kind, None) for kind in operations]

    ends = list(stale_ends(lambda: world(4.9), *living, every=True))

    # Fewer than 11! / (4! 4! 3!): a contested write, or a read of an unsettled family, stores
    # nothing, and so has one effect less.
    assert len(ends) > 3000
    assert not any(ends)


@pytest.mark.parametrize("seed", range(30))
def test_longer_random_runs_with_deaths_and_lost_answers_end_well(seed: int) -> None:
    chance = random.Random(seed)

    stale = [
        ends_stale_after(world(chance.choice(LAGS)), chance, operations)
        for operations in (3, 4, 5, 6, 7)
        for _ in range(20)
    ]

    assert not any(stale)


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
        any(
            stale_ends(
                lambda lag=lag: world(lag), ("like", dies), ("dislike", None), ("read", None)
            )
        )
        for lag in LAGS
        for dies in deaths("like")
    )
