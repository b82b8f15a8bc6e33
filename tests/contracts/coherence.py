"""Simulates concurrent reads and writes of one user, and checks each value that a read returns."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Any, Final

from functions.ratings.apple.developer_token import DeveloperTokenSource
from functions.ratings.cache.items import bucket_sort_key, family_sort_key
from functions.ratings.cache.lookup import CacheLookup
from functions.ratings.cache.policy import CachePolicy
from functions.ratings.errors import DeadlineExceededError, RatingsError
from functions.ratings.models import MusicUserToken, RatingKey
from functions.shared.aws.json_client import AwsCall, AwsError
from tests.contracts.interleaving import Operation, pause
from tests.contracts.promises import Promises, Write
from tests.fakes.apple_music import FakeAppleMusic, Value
from tests.fakes.clock import SkewedClock
from tests.fakes.dynamodb import FakeDynamoDB, step
from tests.fakes.observer import CacheMustNotFail
from tests.fakes.ratings_function import CATALOG_SONG, POLICY, SONG, InMemoryFunction

NEIGHBOUR: Final = RatingKey(SONG.type, "i.g")
CATALOG_NEIGHBOUR: Final = RatingKey(CATALOG_SONG.type, "9")
"""Other songs, in the buckets of `SONG` and `CATALOG_SONG`."""

_APPLE: Final = "apple"
_METHODS: Final = ("GET", "PUT", "DELETE")
_ITEMS: Final = {family_sort_key("songs"), *map(bucket_sort_key, (SONG, CATALOG_SONG))}
_SEVERAL: Final = ((NEIGHBOUR, 1), (SONG, 1), (CATALOG_SONG, -1), (SONG, None))


class World:
    """One user. Each operation of the user pauses before each call to DynamoDB or Apple.

    Each operation has its own environment, whose clock is ahead by the next of `skews`.
    Calls of the steps in `resent` are sent twice, because the first response is lost. `call`
    calls DynamoDB; None means DynamoDB in memory. `violations` has the forbidden ratings.
    """

    def __init__(
        self,
        *,
        lag: float,
        skews: Collection[float] = (0.0,),
        resent: Collection[str] = (),
        policy: CachePolicy = POLICY,
        call: AwsCall | None = None,
        user: str = "ada",
    ) -> None:
        self.apple = FakeAppleMusic(lag=lag)
        self.clock = self.apple.clock
        self.resent = resent
        self.violations: list[str] = []
        self._skews = itertools.cycle(skews)
        self._policy = policy
        self._user = MusicUserToken(user)
        self._table = call or FakeDynamoDB().call
        self._promises = Promises(self.apple, user, skew=max(skews) - min(skews))
        self._readers = itertools.cycle(
            [
                InMemoryFunction(
                    apple=self.apple,
                    call=self._table,
                    policy=policy,
                    observer=CacheMustNotFail(),
                    clock=SkewedClock(self.clock, skew),
                )
                for skew in skews
            ]
        )

    def read(self, key: RatingKey = SONG, *others: RatingKey) -> list[Value]:
        """Read one item or a list; return the values."""
        ids = [each.id for each in (key, *others)]
        result = self._function().read(*ids, token=self._user, type_name=key.type)
        assert result.error is None or isinstance(result.error, DeadlineExceededError)
        return [rating.value or None for rating in result.ratings]

    def write(self, value: Value, key: RatingKey = SONG) -> None:
        write = Write(key, value)
        try:
            self._function(write).write(value, token=self._user, key=key)
        except RatingsError as error:
            self._promises.failed(write, outcome_unknown=error.outcome_unknown)
        write.ended_at = self.clock.time()

    def lose(self, value: Value, seconds: float) -> None:
        """Write; Apple's response is lost, and Apple applies the write after `seconds`."""
        self.apple.lost_seconds = seconds
        self.write(value)
        self.apple.lost_seconds = None

    def write_all(self, *writes: tuple[RatingKey, Value], pause_seconds: float) -> None:
        """Write one item after another, and check the values that reads return after each write."""
        for key, value in writes:
            self.write(value, key)
            self.check()
            self.clock.advance(pause_seconds)

    def wait(self, seconds: float) -> None:
        """Let time pass, as a step that can come between any two effects of other operations."""
        pause(_APPLE, *_ITEMS)
        self.clock.advance(seconds)

    def rate_elsewhere(self, value: Value) -> None:
        """Rate the song at Apple, on a device that does not use this service."""
        self.apple.rate(self._user.value, SONG.id, value)

    def operation(self, kind: str, dies_after: int | None = None) -> Operation:
        calls: Mapping[str, Callable[[], object]] = {
            "like": partial(self.write, 1),
            "dislike": partial(self.write, -1, CATALOG_SONG),
            "delete": partial(self.write, None),
            "like neighbour": partial(self.write, 1, NEIGHBOUR),
            "write several": partial(self.write_all, *_SEVERAL, pause_seconds=1.0),
            "read": self.read,
            "read list": partial(self.read, SONG, NEIGHBOUR),
            "read neighbour": partial(self.read, NEIGHBOUR),
            "read catalog list": partial(self.read, CATALOG_SONG, CATALOG_NEIGHBOUR),
            "wait": partial(self.wait, 4.0),
        }
        return Operation(calls[kind], dies_after)

    def check(self) -> None:
        """Check the values that a list of each type would return now, without storing anything."""
        reader = next(self._readers)
        for _, of_type in itertools.groupby(self._keys(), key=lambda key: key.type):
            listed = tuple(of_type)
            snapshot = reader.reads.cache.read(self._user.hash, listed)
            fresh = CacheLookup.of(listed, snapshot, reader.clock.time()).fresh
            for key in listed:
                at_apple = self.apple.value(self._user.value, key.id)
                self._compare(key, fresh[key].value or None if key in fresh else at_apple)

    def check_reads(self) -> None:
        """Read each item, and check its value; these reads may store ratings."""
        for key in self._keys():
            self._compare(key, *self.read(key))

    def run_out(self, *pauses: float) -> list[str]:
        """Check after one second and after each pause; return the violations of the whole run."""
        self.clock.advance(1.0)
        self.check()
        for seconds in pauses:
            self.clock.advance(seconds)
            self.check()
            self.check_reads()
        return self.violations

    def _keys(self) -> list[RatingKey]:
        return sorted({SONG, CATALOG_SONG, *(write.key for write in self._promises.writes)})

    def _compare(self, key: RatingKey, value: Value) -> None:
        allowed = self._promises.allowed(key)
        if value not in allowed:
            self.violations.append(f"{key} is {value}, not one of {allowed}")

    def _function(self, write: Write | None = None) -> InMemoryFunction:
        function = InMemoryFunction(
            apple=self.apple,
            call=partial(self._call, write, self.resent),
            policy=self._policy,
            observer=CacheMustNotFail(),
            before=lambda name: pause(_APPLE) if name in _METHODS else None,
            clock=SkewedClock(self.clock, next(self._skews)),
        )
        function.client.developer_tokens = _developer_tokens()
        return function

    def _call(
        self,
        write: Write | None,
        resent: Collection[str],
        operation: str,
        request: Mapping[str, Any],
    ) -> dict[str, Any]:
        name = step(operation, request)
        if write is not None and name == "close":
            write.closing_at = self.clock.time()
        pause(*_touched(operation, request))
        if write is not None and name == "open":
            self._promises.begin(write)
        if name in resent:
            with suppress(AwsError):
                self._table(operation, request)
            pause(*_touched(operation, request))
        return self._table(operation, request)


@cache
def _developer_tokens() -> DeveloperTokenSource:
    """Share one token source: reading and checking a token takes longer than reading a rating."""
    return InMemoryFunction().client.developer_tokens


def _touched(operation: str, request: Mapping[str, Any]) -> Iterator[str]:
    """The sort keys of the items that a call reads or writes."""
    if operation == "BatchGetItem":
        for table in request["RequestItems"].values():
            yield from (key["sk"]["S"] for key in table["Keys"])
    elif operation == "BatchWriteItem":
        for puts in request["RequestItems"].values():
            yield from (put["PutRequest"]["Item"]["sk"]["S"] for put in puts)
    else:
        yield (request.get("Key") or request["Item"])["sk"]["S"]
