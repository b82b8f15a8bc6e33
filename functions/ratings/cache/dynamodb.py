"""Reads and writes the cache table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from functions.ratings.cache import items
from functions.ratings.cache.policy import (
    SETTLING_SECONDS,
    UNKNOWN_SECONDS,
    CachePolicy,
    CacheSnapshot,
    Family,
    StoredRating,
    WriteOutcome,
    WriteStarted,
)
from functions.ratings.cache.snapshots import by_bucket, merged_buckets, read_snapshot
from functions.ratings.errors import CacheUnavailableError
from functions.ratings.metrics import Metric, Observer
from functions.ratings.models import Rating, RatingKey
from functions.ratings.resilience import CacheBypass
from functions.ratings.settings import SORT_KEY
from functions.shared.aws.json_client import AwsCall, AwsError
from functions.shared.deadline import Clock

_ATTEMPTS: Final = 2  # Calls per batch: DynamoDB may process only a part of a batch


class _ConditionFailedError(CacheUnavailableError):
    """A condition was false, so nothing changed; `item` is the stored item."""

    def __init__(self, item: items.Item) -> None:
        super().__init__("a condition was false")
        self.item = item


class _InvalidUpdateError(CacheUnavailableError):
    """An update does not fit the types of the item's attributes."""


@dataclass(eq=False, repr=False)
class DynamoDBCache:
    """Ratings and families in one table, partitioned by the hash of the user token.

    `call` limits the time of each call to DynamoDB. If a call fails, the request continues: the
    method counts a metric, and returns None or False. Reads also return None during a `bypass`.
    """

    call: AwsCall
    table_name: str
    policy: CachePolicy
    clock: Clock
    random: Random
    bypass: CacheBypass
    observer: Observer

    def read(self, token_hash: str, keys: Collection[RatingKey]) -> CacheSnapshot | None:
        """Read the ratings of `keys`, and the family that all `keys` belong to."""
        if self.bypass.is_active:
            return None
        with self._best_effort(Metric.CACHE_READ_FAILED):
            family, wanted = items.family_sort_key(next(iter(keys)).family), by_bucket(keys)
            found, unread = self._get(token_hash, [family, *wanted])
            now = self.clock.time()
            snapshot = read_snapshot(found, unread, token_hash, family, wanted, self.policy, now)
            self._count_invalid(snapshot.invalid_count)
            return snapshot
        return None

    def store(
        self,
        token_hash: str,
        snapshot: CacheSnapshot,
        ratings: Mapping[RatingKey, Rating],
        requested_at: float,
    ) -> bool:
        """Merge ratings into the buckets of a snapshot; return whether it stored any.

        After a failure it returns False, even if some ratings are stored.
        """
        with self._best_effort(Metric.CACHE_STORE_FAILED):
            now = self.clock.time()
            batch = list(
                merged_buckets(snapshot, token_hash, ratings, requested_at, self.policy, now)
            )
            if len(batch) == 1:
                self._call("PutItem", TableName=self.table_name, Item=batch[0])
            elif batch:
                self._put(batch)
            return bool(batch)
        return False

    def open_write(self, token_hash: str, family: str) -> WriteStarted | None:
        """Announce a write, which makes every stored rating of the family invalid."""
        with self._best_effort(Metric.CACHE_INVALIDATION_FAILED):
            now = self.clock.time()
            write_id = f"{self.random.getrandbits(64):016x}"
            writing_until = now + self.policy.deadline_seconds
            update = items.opening(token_hash, write_id=write_id, writing_until=writing_until)
            try:
                item = self._update(token_hash, family, update, now)
            except _ConditionFailedError as error:  # this call may have been sent twice
                item = error.item
            except _InvalidUpdateError:
                item = {}
            # Not `now`: during the call, another write may have stored later times.
            opened = items.read_family(item, token_hash, self.clock.time())
            if opened is None or opened.write_id != write_id:
                opened = self._repair(token_hash, family, write_id, now)
            return opened.started(now)
        return None

    def close_write(
        self,
        token_hash: str,
        key: RatingKey,
        started: WriteStarted | None,
        outcome: WriteOutcome,
        answer: StoredRating,
    ) -> None:
        """End a write, and record when Apple's responses will include it.

        `started` is None if the announcement failed. `answer` has the written value.
        """
        with self._best_effort(Metric.CACHE_INVALIDATION_FAILED):
            now = self.clock.time()
            times = {"settling_until": now + SETTLING_SECONDS}
            if outcome is WriteOutcome.UNKNOWN:
                times["unknown_until"] = now + UNKNOWN_SECONDS
            if started is not None and not started.had_concurrent_write:
                answers = started.answers_after(key, outcome, answer, now)
                update = items.closing_the_only_one(token_hash, times, started.generation, answers)
                try:
                    self._update(token_hash, key.family, update, now)
                except _ConditionFailedError as error:
                    family = items.read_family(error.item, token_hash, self.clock.time())
                    if family is not None and family.was_closed_by(started):
                        return  # this call was sent twice: the first one closed the write
                else:
                    return
            forget = outcome is WriteOutcome.UNKNOWN
            update = items.closing(token_hash, times, forget_answers=forget)
            self._update(token_hash, key.family, update, now)

    def invalidate(self, token_hash: str, family: str, *, has_ratings: bool) -> None:
        """Make every stored rating of a family invalid.

        Without `has_ratings`, no family is created: otherwise, invalid tokens could fill the table.
        """
        with self._best_effort(Metric.CACHE_INVALIDATION_FAILED), suppress(_ConditionFailedError):
            update = items.invalidating(token_hash, must_exist=not has_ratings)
            self._update(token_hash, family, update, self.clock.time())

    @contextmanager
    def _best_effort(self, metric: Metric) -> Iterator[None]:
        try:
            yield
        except CacheUnavailableError as error:
            self.observer.count(metric, reason=str(error))

    def _count_invalid(self, count: int) -> None:
        if count:
            self.observer.count(Metric.CACHE_ITEM_INVALID, times=count)

    def _update(self, token_hash: str, family: str, update: items.Update, now: float) -> items.Item:
        """Apply an update to a family, and return the new item."""
        response = self._call(
            "UpdateItem",
            TableName=self.table_name,
            Key=items.item_key(token_hash, items.family_sort_key(family)),
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **update.request(now, self.policy.family_expires_at(now)),
        )
        if not isinstance(item := response.get("Attributes"), dict):
            raise CacheUnavailableError("a response of unexpected types")
        return item

    def _repair(self, token_hash: str, family: str, write_id: str, now: float) -> Family:
        """Replace an unreadable family; assume an earlier write whose outcome is unknown."""
        self._count_invalid(1)
        state = Family(
            number=items.first_generation(now),
            writing_until=now + self.policy.deadline_seconds,
            unknown_until=now + UNKNOWN_SECONDS,
            write_id=write_id,
        )
        expires_at = self.policy.family_expires_at(now)
        item = items.family_item(token_hash, family, state, expires_at=expires_at)
        self._call("PutItem", TableName=self.table_name, Item=item)
        return state

    def _get(
        self, token_hash: str, sort_keys: Sequence[str]
    ) -> tuple[dict[str, items.Item], frozenset[str]]:
        """Return the items by sort key, and the sort keys that DynamoDB did not read."""
        found: dict[str, items.Item] = {}
        unread: frozenset[str] = frozenset()
        keys: Sequence[items.Item] = [items.item_key(token_hash, each) for each in sort_keys]
        for _ in range(_ATTEMPTS):
            request = {self.table_name: {"Keys": keys, "ConsistentRead": True}}
            response = self._call("BatchGetItem", RequestItems=request)
            with _type_errors():
                page = response["Responses"].get(self.table_name, ())
                found |= {item[SORT_KEY]["S"]: item for item in page}
                rest = response.get("UnprocessedKeys", {}).get(self.table_name)
                keys = rest["Keys"] if rest else []
                unread = frozenset(key[SORT_KEY]["S"] for key in keys)
            if not unread:
                break
        return found, unread

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
            response = self.call(operation, request)
        except AwsError as error:
            if error.code == "ConditionalCheckFailedException":
                raise _ConditionFailedError(error.item) from None
            if error.code == "ValidationException":
                raise _InvalidUpdateError(error.code) from None
            self.bypass.failed()
            raise CacheUnavailableError(error.code) from None
        self.bypass.succeeded()
        return response


@contextmanager
def _type_errors() -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, TypeError):
        raise CacheUnavailableError("a response of unexpected types") from None
