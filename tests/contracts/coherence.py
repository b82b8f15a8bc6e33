"""Reads and writes in any order never end with a stale value, over any DynamoDB."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

from functions.ratings.aws.json_client import AwsCall
from functions.ratings.cache.policy import CachePolicy
from functions.ratings.errors import AppleTimeoutError
from functions.ratings.models import MusicUserToken, RatingKey
from tests.contracts.interleaving import Operation, interleavings, pause
from tests.fakes.apple_music import FakeAppleMusic, Value
from tests.fakes.observer import CacheMayNotFail
from tests.fakes.ratings_function import CATALOG_SONG, POLICY, SONG, InMemoryFunction

LAGS: Final = (0.0, 4.9)
"""Reads see a write at Apple at once, or just before the settling time is over."""

LOSSES: Final = 0.02
"""How often, in a random run, the response to a write is lost and the write takes effect late."""

PATIENT: Final = replace(POLICY, fresh_seconds=600)
"""Ratings stay fresh until the end of a run, so that a stale one is found."""

EFFECTS: Final = {"like": 4, "dislike": 4, "delete": 4, "read": 3, "read list": 3}
"""How many effects each kind of operation has if no other runs between them."""

_TOUCHED: Final[Mapping[str, tuple[str, ...]]] = {
    "read": ("generation", "ratings"),
    "store": ("ratings",),
    "open": ("generation",),
    "close": ("generation",),
    **dict.fromkeys(("GET", "PUT", "DELETE"), ("apple",)),
}
"""What each effect reads or writes."""


class World:
    """One user and one song with two ids; operations pause before each call to DynamoDB or Apple.

    `call` is DynamoDB; None is one in memory.
    """

    def __init__(
        self,
        *,
        lag: float,
        policy: CachePolicy = POLICY,
        call: AwsCall | None = None,
        user: str = "ada",
    ) -> None:
        self._apple = FakeAppleMusic(lag=lag)
        self.clock = self._apple.clock
        self._user = MusicUserToken(user)
        self._function = InMemoryFunction(
            apple=self._apple,
            call=call,
            policy=policy,
            observer=CacheMayNotFail(),
            before=lambda step: pause(*_TOUCHED[step]),
        )

    def read(self, key: RatingKey = SONG, *others: str) -> Value:
        result = self._function.read(key.id, *others, token=self._user, type_name=key.type)
        assert result.error is None
        resource = result.ratings[0].resource
        return None if resource is None else json.loads(resource)["attributes"]["value"]

    def write(self, value: Value, key: RatingKey = SONG) -> None:
        self._function.write(value, token=self._user, key=key)

    def lose(self, value: Value, seconds: float) -> None:
        """Write; Apple's response is lost, and the write takes effect after `seconds`."""
        self._apple.lost_seconds = seconds
        with suppress(AppleTimeoutError):
            self.write(value)
        self._apple.lost_seconds = None

    def operation(self, kind: str, dies_after: int | None = None) -> Operation:
        calls: Mapping[str, Callable[[], object]] = {
            "like": partial(self.write, 1),
            "dislike": partial(self.write, -1, CATALOG_SONG),
            "delete": partial(self.write, None),
            "read": self.read,
            "read list": partial(self.read, SONG, "i.other"),
        }
        return Operation(calls[kind], dies_after)

    def is_stale(self, settling: float = 5.1) -> bool:
        """Whether a read may still return an old value once all has settled."""
        stale = False
        for seconds in (settling, 50.0):
            self.clock.advance(seconds)
            truth = self._apple.value(self._user.value, SONG.id)
            stale = stale or any(self.read(key) != truth for key in (SONG, CATALOG_SONG))
        return stale


def random_run_ends_stale(world: World, chance: random.Random, operations: int) -> bool:
    """Run operations in a random order, with deaths, lost responses and time passing."""
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
    # Read while a lost write has yet to take effect.
    world.clock.advance(6.0)
    for key in (SONG, CATALOG_SONG):
        world.read(key)
    return world.is_stale(61.0)


def stale_ends(
    worlds: Callable[[], World], *kinds: str, dying: int = 0, every: bool = False
) -> Iterator[bool]:
    """Run the operations in each order, and yield whether it ends stale.

    The first `dying` of them also die after each of their effects. Without `every`, of orders that
    cannot differ one is run.
    """
    deaths = [(None, *range(EFFECTS[kind])) for kind in kinds[:dying]]
    world: World

    def start(dies_after: tuple[int | None, ...]) -> dict[str, Operation]:
        nonlocal world
        world = worlds()
        world.write(-1)
        world.clock.advance(POLICY.fresh_seconds + 5.1)
        operations = itertools.zip_longest(kinds, dies_after)
        return {f"{number}": world.operation(*each) for number, each in enumerate(operations)}

    for dies_after in itertools.product(*deaths):
        for _ in interleavings(partial(start, dies_after), every=every):
            yield world.is_stale()
