"""Reads and writes in every order that can change a result, over moto's DynamoDB."""

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.contracts.coherence import World
from tests.contracts.orders import Worlds, orders, random_runs, violations_in
from tests.fakes.boto3_service import Boto3Service

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.long  # moto takes about 10 ms per call


@pytest.fixture
def worlds(dynamodb: "DynamoDBClient") -> Worlds:
    """Worlds on one table, each with its own user."""
    users = (f"user-{number}" for number in itertools.count())
    call = Boto3Service(dynamodb).call

    def world(**settings: Any) -> World:
        return World(call=call, user=next(users), **settings)

    return world


@pytest.mark.parametrize(
    ("kinds", "resent", "min_runs"),
    [
        (("like", "read"), (), 15),
        (("delete", "read list"), ("open", "close"), 20),
        (("like", "dislike"), ("open",), 70),
    ],
    ids=str,
)
def test_the_promises_hold_in_every_order_with_crashes(
    worlds: Worlds, kinds: tuple[str, ...], resent: tuple[str, ...], min_runs: int
) -> None:
    run = orders(*kinds, dying=1, skews=(0.5, -0.5), resent=resent, worlds=worlds)

    assert violations_in(run(), min_runs=min_runs) == []


def test_the_promises_hold_in_random_runs(worlds: Worlds) -> None:
    assert violations_in(random_runs(range(20), worlds), min_runs=20) == []
