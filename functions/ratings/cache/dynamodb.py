"""Reads and writes the cache table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from functions.ratings.aws.json_client import AwsCall, AwsError
from functions.ratings.cache import items
from functions.ratings.cache.policy import (
    SETTLING_SECONDS,
    UNKNOWN_SECONDS,
    CachedRating,
    CachePolicy,
    CacheSnapshot,
    Generation,
    WriteFinished,
    WriteStarted,
)
from functions.ratings.errors import CacheUnavailableError
from functions.ratings.metrics import Metric, Observer
from functions.ratings.models import RatingKey
from functions.ratings.settings import SORT_KEY
from functions.shared.deadline import Clock

READ_BATCH: Final = 100  # The most items that one BatchGetItem reads
WRITE_BATCH: Final = 25  # The most items that one BatchWriteItem writes

_ATTEMPTS: Final = 2  # How often a batch is sent that DynamoDB processes in part


class _ConditionFailedError(Exception):
    """A condition did not hold, and nothing changed."""


@dataclass(eq=False, repr=False)
class DynamoDBCache:
    """Ratings and generations in one table, partitioned by the hash of the user token.

    `call` limits the time of each call to DynamoDB. No response depends on the cache: a method
    that fails counts a metric and returns None.
    """

    call: AwsCall
    table_name: str
    policy: CachePolicy
    clock: Clock
    observer: Observer

    def read(self, token_hash: str, keys: Collection[RatingKey]) -> CacheSnapshot | None:
        """Read the ratings of `keys`, which belong to one family, and its generation.

        Only ratings of the present generation are returned.
        """
        with self._best_effort(Metric.CACHE_READ_FAILED):
            by_sort_key = {items.rating_sort_key(key): key for key in keys}
            generation_key = items.generation_sort_key(next(iter(keys)).family)
            found, unread = self._get(token_hash, [generation_key, *by_sort_key])
            generation = items.read_generation(found.pop(generation_key, {}))
            if generation is None or generation_key in unread:
                self._count_invalid(int(generation is None))
                return CacheSnapshot(ratings={}, generation=None)
            now = self.clock.time()
            read = {
                key: items.read_rating(found[sort_key], token_hash, key)
                for sort_key, key in by_sort_key.items()
                if sort_key in found
            }
            ratings = {key: each for key, each in read.items() if each and generation.covers(each)}
            future_dated = sum(cached.is_future_dated(now) for cached in ratings.values())
            self._count_invalid(list(read.values()).count(None) + future_dated)
            return CacheSnapshot(ratings=ratings, generation=generation)
        return None

    def store(self, token_hash: str, ratings: Mapping[RatingKey, CachedRating]) -> bool:
        """Replace the stored ratings; after a failure each of them may or may not be stored."""
        with self._best_effort(Metric.CACHE_STORE_FAILED):
            expires_at = self.policy.expires_at
            batch = [
                items.rating_item(
                    token_hash, key, cached, expires_at=expires_at(cached.requested_at)
                )
                for key, cached in ratings.items()
            ]
            if len(batch) == 1:
                self._call("PutItem", TableName=self.table_name, Item=batch[0])
                return True
            for start in range(0, len(batch), WRITE_BATCH):
                self._put(batch[start : start + WRITE_BATCH])
            return True
        return False

    def open_write(self, token_hash: str, family: str) -> WriteStarted | None:
        """Announce a write: every rating that was stored before becomes invalid."""
        with self._best_effort(Metric.CACHE_INVALIDATION_FAILED):
            now = self.clock.time()
            times = {"writing_until": now + self.policy.deadline_seconds}
            number, before = self._advance(token_hash, family, times)
            had_concurrent_write = before.has_write_in_flight(now)
            return WriteStarted(generation=number, had_concurrent_write=had_concurrent_write)
        return None

    def close_write(
        self, token_hash: str, family: str, started: WriteStarted | None, *, unknown: bool
    ) -> WriteFinished | None:
        """End a write, and set when Apple's responses include it.

        `started` is None if the announcement failed; `unknown` if the write may still take effect.
        """
        with self._best_effort(Metric.CACHE_INVALIDATION_FAILED):
            now = self.clock.time()
            times = {"settling_until": now + SETTLING_SECONDS}
            if unknown:
                times["unknown_until"] = now + UNKNOWN_SECONDS
            if started is not None:
                with suppress(_ConditionFailedError):  # another write has started since
                    number, _ = self._advance(token_hash, family, times, closes=started)
                    return WriteFinished(generation=number, no_later_write=True)
            number, _ = self._advance(token_hash, family, times)
            return WriteFinished(generation=number, no_later_write=False)
        return None

    def invalidate(self, token_hash: str, family: str, *, has_ratings: bool) -> None:
        """Make every stored rating invalid.

        Unless the user `has_ratings`, this creates no item: else made-up tokens fill the table.
        """
        with self._best_effort(Metric.CACHE_INVALIDATION_FAILED), suppress(_ConditionFailedError):
            self._advance(token_hash, family, {}, must_exist=not has_ratings)

    @contextmanager
    def _best_effort(self, metric: Metric) -> Iterator[None]:
        try:
            yield
        except CacheUnavailableError as error:
            self.observer.count(metric, reason=str(error))

    def _count_invalid(self, count: int) -> None:
        if count:
            self.observer.count(Metric.CACHE_ITEM_INVALID, times=count)

    def _advance(
        self,
        token_hash: str,
        family: str,
        times: Mapping[str, float],
        **condition: Any,
    ) -> tuple[int, Generation]:
        """Increment the generation; return its number, and what it was before."""
        now = self.clock.time()
        expires_at = self.policy.generation_expires_at(now)
        response = self._call(
            "UpdateItem",
            TableName=self.table_name,
            Key=items.item_key(token_hash, items.generation_sort_key(family)),
            ReturnValues="ALL_OLD",
            **items.generation_update(now, times, expires_at=expires_at, **condition),
        )
        before = items.read_generation(response.get("Attributes", {}))
        if before is None:
            raise CacheUnavailableError("an unreadable generation")
        number = items.first_generation(now) if before.number is None else before.number
        return number + 1, before

    def _get(
        self, token_hash: str, sort_keys: Sequence[str]
    ) -> tuple[dict[str, items.Item], frozenset[str]]:
        """Return the items by sort key, and the sort keys that DynamoDB left unread."""
        found: dict[str, items.Item] = {}
        unread: set[str] = set()
        for start in range(0, len(sort_keys), READ_BATCH):
            batch = sort_keys[start : start + READ_BATCH]
            keys: Sequence[items.Item] = [
                items.item_key(token_hash, sort_key) for sort_key in batch
            ]
            left: set[str] = set()
            for _ in range(_ATTEMPTS):
                request = {self.table_name: {"Keys": keys, "ConsistentRead": True}}
                response = self._call("BatchGetItem", RequestItems=request)
                with _type_errors():
                    page = response["Responses"].get(self.table_name, ())
                    found |= {item[SORT_KEY]["S"]: item for item in page}
                    rest = response.get("UnprocessedKeys", {}).get(self.table_name)
                    keys = rest["Keys"] if rest else []
                    left = {key[SORT_KEY]["S"] for key in keys}
                if not left:
                    break
            unread |= left
        return found, frozenset(unread)

    def _put(self, batch: Sequence[items.Item]) -> None:
        requests: Sequence[Any] = [{"PutRequest": {"Item": item}} for item in batch]
        for _ in range(_ATTEMPTS):
            response = self._call("BatchWriteItem", RequestItems={self.table_name: requests})
            with _type_errors():
                requests = response.get("UnprocessedItems", {}).get(self.table_name, [])
            if not requests:
                return
        raise CacheUnavailableError("items left unprocessed")

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        try:
            return self.call(operation, request)
        except AwsError as error:
            if error.code == "ConditionalCheckFailedException":
                raise _ConditionFailedError from None
            raise CacheUnavailableError(error.code) from None


@contextmanager
def _type_errors() -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, TypeError):
        raise CacheUnavailableError("a response of unexpected types") from None
