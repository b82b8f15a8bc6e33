"""Reads and writes in every order that can differ, over moto's DynamoDB."""

import itertools
import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.contracts.coherence import LAGS, PATIENT, World, random_run_ends_stale, stale_ends
from tests.fakes.boto3_service import Boto3Service

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.long  # moto takes about 10 ms per call

Worlds = Callable[..., World]


@pytest.fixture
def worlds(dynamodb: "DynamoDBClient") -> Worlds:
    """Worlds on one table, each with a user of its own."""
    users = (f"user-{number}" for number in itertools.count())
    call = Boto3Service(dynamodb).call

    def world(**settings: Any) -> World:
        return World(call=call, user=next(users), **settings)

    return world


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("write", ["like", "delete"])
def test_one_write_and_a_read_never_end_stale(worlds: Worlds, lag: float, write: str) -> None:
    ends = list(stale_ends(partial(worlds, lag=lag), write, "read", dying=1))

    assert len(ends) >= 20
    assert not any(ends)


def test_two_writes_and_a_read_never_end_stale(worlds: Worlds) -> None:
    ends = list(stale_ends(partial(worlds, lag=max(LAGS)), "like", "dislike", "read"))

    assert len(ends) > 200
    assert not any(ends)


def test_longer_random_runs_with_deaths_and_lost_responses_never_end_stale(worlds: Worlds) -> None:
    chance = random.Random(0)

    assert not any(
        random_run_ends_stale(worlds(lag=chance.choice(LAGS), policy=PATIENT), chance, 4)
        for _ in range(100)
    )
