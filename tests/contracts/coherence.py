"""What must be true of reads and writes in any order, whatever the table is made of."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from functions.ratings.aws_json import AwsService
from functions.ratings.cache_policy import CachePolicy
from functions.ratings.deadline import Deadline
from functions.ratings.errors import AppleTooSlowError
from functions.ratings.models import MusicUserToken, QueryOptions, RatingKey, RatingValue
from functions.ratings.refused_tokens import RefusedTokens
from functions.ratings.response_cache import DynamoDBResponseCache
from functions.ratings.service import RatingsService
from tests.contracts.response_cache import CATALOG_SONG, POLICY, SONG
from tests.fakes.apple_ratings import FakeAppleRatings, Value, value_of
from tests.fakes.clock import FakeClock
from tests.fakes.interleaving import Operation, interleavings, pause
from tests.fakes.observer import CacheMayNotFail

LAGS = (0.0, 4.9)
"""Apple's readers see a write at once, or just before the settling time is over."""

LOSSES = 0.02
"""How often, in a random run, a write loses its answer and takes effect late."""

Kind = Literal["like", "dislike", "delete", "read", "read many"]

PATIENT = replace(POLICY, fresh_seconds=600)
"""Ratings that stay fresh for so long that nothing old is forgotten before it is looked for."""

EFFECTS: Mapping[Kind, int] = {"like": 4, "dislike": 4, "delete": 4, "read": 3, "read many": 3}
"""How many effects each operation has, where no other comes between."""


TOUCHED: Mapping[str, tuple[str, ...]] = {
    "BatchGetItem": ("generation", "ratings"),
    "PutItem": ("ratings",),
    "BatchWriteItem": ("ratings",),
    "UpdateItem": ("generation",),
}
"""What each operation of DynamoDB reads or writes."""


class PausingDynamoDB:
    """A DynamoDB client that stops before each call, as if the network were slow there."""

    def __init__(self, client: AwsService) -> None:
        self._client = client

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        pause(operation, *TOUCHED[operation])
        return self._client.call(operation, request)


class World:
    """One user and one song: the service, its cache, Apple and the time."""

    def __init__(
        self,
        client: AwsService,
        *,
        user: str,
        lag: float,
        table_name: str = "ratings",
        policy: CachePolicy = POLICY,
    ) -> None:
        self.clock = FakeClock()
        self.apple = FakeAppleRatings(self.clock, lag)
        self._user = MusicUserToken(user)
        self._service = RatingsService(
            cache=DynamoDBResponseCache(
                client=PausingDynamoDB(client), table_name=table_name, policy=policy
            ),
            upstream=self.apple,
            policy=policy,
            clock=self.clock,
            refused_tokens=RefusedTokens(self.clock),
            observer=CacheMayNotFail(),
        )

    def read(self, key: RatingKey = SONG) -> Value:
        reading = self._service.get_one(self._user, key, QueryOptions(), self._deadline())
        return value_of(reading.ratings[0])

    def read_many(self) -> Value:
        other = RatingKey(type=SONG.type, id="i.other")
        keys = (SONG, other)
        reading = self._service.get_many(self._user, keys, QueryOptions(), self._deadline())
        return value_of(reading.ratings[0])

    def write(self, value: Value, key: RatingKey = SONG) -> None:
        deadline = self._deadline()
        if value is None:
            self._service.delete(self._user, key, QueryOptions(), deadline)
        else:
            self._service.put(self._user, key, value, QueryOptions(), deadline)

    def lose(self, value: RatingValue, seconds: float) -> None:
        """Write, with the answer lost and the effect late."""
        self.apple.losing = seconds
        try:
            self.write(value)
        except AppleTooSlowError:
            pass
        finally:
            self.apple.losing = None

    def operation(self, kind: Kind, lives: int | None = None) -> Operation:
        calls: Mapping[Kind, Callable[[], object]] = {
            "like": lambda: self.write(1),
            "dislike": lambda: self.write(-1, CATALOG_SONG),
            "delete": lambda: self.write(None),
            "read": self.read,
            "read many": self.read_many,
        }
        return Operation(calls[kind], lives)

    def is_stale(self, settling: float = 5.1) -> bool:
        """Whether anyone may still read an old value once all has settled."""
        stale = False
        for seconds in (settling, 50.0):
            self.clock.advance(seconds)
            truth = self.apple.value(self.clock.time())
            stale = stale or any(self.read(key) != truth for key in (SONG, CATALOG_SONG))
        return stale

    def _deadline(self) -> Deadline:
        return Deadline.after(POLICY.deadline_seconds, self.clock)


def ends_stale_after(world: World, chance: random.Random, operations: int) -> bool:
    """Play several operations in a random order, with deaths, lost answers and time passing."""
    kinds = list(EFFECTS)
    running = [
        world.operation(
            chance.choice(kinds), chance.choice((None, None, None, chance.randrange(5)))
        )
        for _ in range(operations)
    ]
    while running := [operation for operation in running if operation.next_step is not None]:
        chance.choice(running).advance()
        world.clock.advance(chance.choice((0.0, 0.0, 0.1, 0.2)))
        if chance.random() < LOSSES:
            world.lose(chance.choice((1, -1)), chance.choice((0.0, 3.0, 30.0)))
    # Someone reads while what was lost has yet to take effect.
    world.clock.advance(6.0)
    for key in (SONG, CATALOG_SONG):
        world.read(key)
    return world.is_stale(61.0)


def stale_ends(
    worlds: Callable[[], World], *operations: tuple[Kind, int | None], every: bool = False
) -> Iterator[bool]:
    """Play the orders of the operations, and say of each whether it ends stale.

    An operation is its kind, and after how many effects it dies (None: it lives). Without
    `every`, one order stands for all that cannot differ from it.
    """
    world: World

    def start() -> dict[str, Operation]:
        nonlocal world
        world = worlds()
        world.write(-1)
        world.clock.advance(POLICY.fresh_seconds + 5.1)
        return {
            f"{kind} {number}": world.operation(kind, lives)
            for number, (kind, lives) in enumerate(operations)
        }

    for _ in interleavings(start, every=every):
        yield world.is_stale()
