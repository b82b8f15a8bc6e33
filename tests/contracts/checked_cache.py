"""A cache on a given DynamoDB, for tests that call the steps of the cache one by one."""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from functions.ratings.cache.dynamodb import DynamoDBCache
from functions.ratings.cache.items import item_key
from functions.ratings.cache.policy import (
    CacheSnapshot,
    Family,
    StoredRating,
    WriteOutcome,
    WriteStarted,
)
from functions.ratings.models import Rating, RatingKey, Value
from functions.ratings.resilience import CacheBypass
from functions.shared.aws.json_client import AwsCall, AwsError
from tests.fakes import ratings_function
from tests.fakes.clock import FakeClock
from tests.fakes.observer import RecordingObserver
from tests.fakes.ratings_function import POLICY, SONG, TABLE

ADA, GRACE = ratings_function.ADA.hash, ratings_function.GRACE.hash
NOW = 1_800_000_000.125
ABSENT: Any = None
UNREADABLE: Final[list[dict[str, Any]]] = [
    {"schema_version": {"N": "3"}},
    {"schema_version": ABSENT},
    {"token_hash": {"S": GRACE}},
    {"generation": {"S": "x"}},
]
"""Changes that make an item of any kind unreadable."""


class CheckedCache:
    """The cache of Ada's songs; a call that fails also fails the test. `at` is seconds since `NOW`.

    With `resends`, DynamoDB applies each call twice, and the first response is lost.
    """

    def __init__(self, call: AwsCall) -> None:
        self._dynamodb = call
        self._clock = FakeClock(NOW)
        self.resends = False
        self.calls: list[str] = []
        self.observer = RecordingObserver()
        self.unchecked = DynamoDBCache(
            self._call,
            table_name=TABLE,
            policy=POLICY,
            clock=self._clock,
            random=random.Random(0),
            bypass=CacheBypass(self._clock, self.observer),
            observer=self.observer,
        )

    def read(
        self, *keys: RatingKey, at: float | None = None, token_hash: str = ADA
    ) -> CacheSnapshot:
        self._pass_time(at)
        snapshot = self.unchecked.read(token_hash, keys or (SONG,))
        assert snapshot is not None
        return snapshot

    def values(self, *keys: RatingKey, at: float | None = None) -> Mapping[RatingKey, Value]:
        return {key: cached.value for key, cached in self.read(*keys, at=at).ratings.items()}

    def family(self) -> Family:
        family = self.read().family
        assert family is not None
        return family

    def store(
        self, *keys: RatingKey, value: Value = 1, at: float | None = None, token_hash: str = ADA
    ) -> None:
        """Read the cache, and store ratings as if Apple had returned them at once."""
        snapshot = self.read(*keys, at=at, token_hash=token_hash)
        ratings = dict.fromkeys(keys, Rating(value))
        assert self.unchecked.store(token_hash, snapshot, ratings, self._clock.time())

    def open_write(self, at: float | None = None) -> WriteStarted:
        self._pass_time(at)
        started = self.unchecked.open_write(ADA, "songs")
        assert started is not None
        return started

    def close_write(
        self,
        started: WriteStarted | None,
        key: RatingKey = SONG,
        value: Value = 1,
        outcome: WriteOutcome = WriteOutcome.CONFIRMED,
        at: float | None = None,
    ) -> None:
        written = StoredRating(value, self._clock.time())
        self._pass_time(at)
        self.unchecked.close_write(ADA, key, started, outcome, written)

    def write(
        self,
        key: RatingKey = SONG,
        value: Value = 1,
        outcome: WriteOutcome = WriteOutcome.CONFIRMED,
        at: float | None = None,
    ) -> None:
        self.close_write(self.open_write(at), key, value, outcome)

    def invalidate(self, *, has_ratings: bool) -> None:
        self.unchecked.invalidate(ADA, "songs", has_ratings=has_ratings)

    def item(self, sort_key: str) -> dict[str, Any]:
        """Read an item directly from DynamoDB; return an empty dict if it does not exist."""
        wanted = {TABLE: {"Keys": [item_key(ADA, sort_key)], "ConsistentRead": True}}
        found = self._dynamodb("BatchGetItem", {"RequestItems": wanted})["Responses"][TABLE]
        return dict(*found)

    def change(self, sort_key: str, changes: Mapping[str, Any]) -> None:
        """Change attributes of an item; the value `ABSENT` removes an attribute."""
        changed = {**self.item(sort_key), **changes}
        item = {name: value for name, value in changed.items() if value is not ABSENT}
        self._dynamodb("PutItem", {"TableName": TABLE, "Item": item})

    def _pass_time(self, at: float | None) -> None:
        if at is not None:
            self._clock.advance(NOW + at - self._clock.time())

    def _call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append(operation)
        if self.resends:
            with suppress(AwsError):
                self._dynamodb(operation, request)
        return self._dynamodb(operation, request)
