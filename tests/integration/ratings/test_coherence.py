"""Reads and writes in every order that can differ, on the real service and cache over moto."""

import itertools
import random
from functools import partial
from typing import TYPE_CHECKING

import pytest

from functions.ratings.cache_policy import CachePolicy
from tests.contracts.coherence import (
    EFFECTS,
    LAGS,
    PATIENT,
    Kind,
    World,
    ends_stale_after,
    stale_ends,
)
from tests.contracts.response_cache import POLICY
from tests.fakes.boto3_service import Boto3Service
from tests.integration.conftest import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_dynamodb import DynamoDBClient


pytestmark = pytest.mark.long  # moto takes some 10 ms a call


@pytest.fixture
def worlds(dynamodb: "DynamoDBClient") -> "Callable[..., World]":
    """Worlds on one table, each with a user of its own."""
    users = (f"user-{number}" for number in itertools.count())

    def world(lag: float, policy: CachePolicy = POLICY) -> World:
        client = Boto3Service(dynamodb)
        return World(client, user=next(users), lag=lag, table_name=TABLE, policy=policy)

    return world


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("write", ["like", "delete"])
def test_one_write_and_a_read_never_end_stale(
    worlds: "Callable[..., World]", lag: float, write: Kind
) -> None:
    ends = [
        stale
        for dies in (None, *range(EFFECTS[write]))
        for stale in stale_ends(partial(worlds, lag), (write, dies), ("read", None))
    ]

    assert len(ends) >= 20
    assert not any(ends)


def test_two_writes_and_a_read_never_end_stale(worlds: "Callable[..., World]") -> None:
    lag = max(LAGS)

    ends = list(stale_ends(partial(worlds, lag), ("like", None), ("dislike", None), ("read", None)))

    assert len(ends) > 200
    assert not any(ends)


def test_longer_random_runs_with_deaths_and_lost_answers_end_well(
    worlds: "Callable[..., World]",
) -> None:
    chance = random.Random(0)

    stale = [ends_stale_after(worlds(chance.choice(LAGS), PATIENT), chance, 4) for _ in range(100)]

    assert not any(stale)
