"""Keeps ratings in DynamoDB, each under its owner, and knows when writes make them old."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from functions.ratings.aws_json import AwsError, AwsService
from functions.ratings.cache_items import (
    Item,
    first_generation,
    generation_sort_key,
    generation_update,
    item_key,
    rating_item,
    rating_sort_key,
    read_generation,
    read_rating,
)
from functions.ratings.cache_policy import (
    SETTLING_SECONDS,
    UNKNOWN_SECONDS,
    CachedRating,
    CachePolicy,
    ClosedWrite,
    Generation,
    OpenWrite,
)
from functions.ratings.errors import CacheUnavailableError
from functions.ratings.models import RatingKey
from functions.ratings.settings import SORT_KEY

READ_BATCH: Final = 100
"""How many items DynamoDB gives in one BatchGetItem."""

WRITE_BATCH: Final = 25
"""How many items DynamoDB takes in one BatchWriteItem."""

_ATTEMPTS: Final = 2
"""How often a batch is asked for that DynamoDB leaves unprocessed in part."""


class _ConditionFailedError(Exception):
    """DynamoDB changed nothing, because a condition did not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSnapshot:
    """What the cache held of one owner and family at one moment.

    `generation` is None where DynamoDB would not say; then there are no ratings either. `rejected`
    counts the items that this version of the function cannot have written.
    """

    ratings: Mapping[RatingKey, CachedRating]
    generation: Generation | None
    rejected: int = 0


class DynamoDBResponseCache:
    """A table of ratings by owner (partition key) and by type and id (sort key)."""

    def __init__(self, *, client: AwsService, table_name: str, policy: CachePolicy) -> None:
        """Use `table_name` by `client`, whose timeouts bound every call."""
        self._client = client
        self._table_name = table_name
        self._policy = policy

    def read(self, owner: str, family: str, keys: Collection[RatingKey]) -> CacheSnapshot:
        """Read what is held of `keys`, all of one family, together with the generation.

        Only ratings of the present generation are given.

        Raises:
            CacheUnavailableError: where DynamoDB fails.
        """
        by_sort_key = {rating_sort_key(key): key for key in keys}
        generation_key = generation_sort_key(family)
        items, unread = self._get(owner, [generation_key, *by_sort_key])
        generation = read_generation(items.pop(generation_key, {}))
        if generation is None or generation_key in unread:
            return CacheSnapshot(ratings={}, generation=None, rejected=int(generation is None))
        ratings: dict[RatingKey, CachedRating] = {}
        rejected = 0
        for sort_key in by_sort_key.keys() & items.keys():
            key = by_sort_key[sort_key]
            cached = read_rating(items[sort_key], owner, key)
            if cached is None:
                rejected += 1
            elif generation.covers(cached):
                ratings[key] = cached
        return CacheSnapshot(ratings=ratings, generation=generation, rejected=rejected)

    def store(self, owner: str, ratings: Mapping[RatingKey, CachedRating]) -> None:
        """Keep ratings, each in the place of what was there.

        Raises:
            CacheUnavailableError: where DynamoDB fails; any of them may or may not be kept.
        """
        items = [
            rating_item(owner, key, cached, expires_at=self._policy.expires_at(cached.requested_at))
            for key, cached in ratings.items()
        ]
        if len(items) == 1:
            self._call("PutItem", TableName=self._table_name, Item=items[0])
            return
        for start in range(0, len(items), WRITE_BATCH):
            self._put(items[start : start + WRITE_BATCH])

    def open_write(self, owner: str, family: str, now: float) -> OpenWrite:
        """Announce a write: from here on, nothing that was stored before counts.

        Raises:
            CacheUnavailableError: where DynamoDB fails; the write may or may not be announced.
        """
        times = {"writing_until": self._policy.writing_until(now)}
        number, before = self._advance(owner, family, now, times)
        return OpenWrite(generation=number, contested=before.awaits_a_write(now))

    def close_write(
        self, owner: str, family: str, opened: OpenWrite | None, now: float, *, unknown: bool
    ) -> ClosedWrite:
        """Say that a write is over, and from when on Apple may be believed again.

        `opened` is None where the announcement failed; `unknown` tells that the write may still
        take effect.

        Raises:
            CacheUnavailableError: where DynamoDB fails; the write may or may not be closed.
        """
        times = {"settling_until": now + SETTLING_SECONDS}
        if unknown:
            times["unknown_until"] = now + UNKNOWN_SECONDS
        if opened is not None:
            try:
                number, _ = self._advance(owner, family, now, times, closes=opened)
            except _ConditionFailedError:
                pass  # another write was announced since
            else:
                return ClosedWrite(generation=number, alone=True)
        number, _ = self._advance(owner, family, now, times)
        return ClosedWrite(generation=number, alone=False)

    def refuse(self, owner: str, family: str, now: float, *, known: bool) -> None:
        """Make all that was stored old, because Apple has refused the owner's token.

        Unless the owner is `known` to have something stored, this leaves nothing behind for one
        of whom there was nothing: else anyone could fill the table with made-up tokens.

        Raises:
            CacheUnavailableError: where DynamoDB fails.
        """
        with suppress(_ConditionFailedError):
            self._advance(owner, family, now, {}, existing=not known)

    def _advance(
        self,
        owner: str,
        family: str,
        now: float,
        times: Mapping[str, float],
        closes: OpenWrite | None = None,
        *,
        existing: bool = False,
    ) -> tuple[int, Generation]:
        """Move the generation on; give its new number, and what it was before."""
        expires_at = self._policy.generation_expires_at(now)
        answer = self._call(
            "UpdateItem",
            TableName=self._table_name,
            Key=item_key(owner, generation_sort_key(family)),
            ReturnValues="ALL_OLD",
            **generation_update(
                now, times, expires_at=expires_at, closes=closes, existing=existing
            ),
        )
        before = read_generation(answer.get("Attributes", {}))
        if before is None:
            raise CacheUnavailableError("a generation that cannot be read")
        number = first_generation(now) if before.number is None else before.number
        return number + 1, before

    def _get(self, owner: str, sort_keys: Sequence[str]) -> tuple[dict[str, Item], frozenset[str]]:
        """Give the items by sort key, and the sort keys that DynamoDB left unread."""
        items: dict[str, Item] = {}
        unread: set[str] = set()
        for start in range(0, len(sort_keys), READ_BATCH):
            keys: Sequence[Mapping[str, Any]] = [
                item_key(owner, sort_key) for sort_key in sort_keys[start : start + READ_BATCH]
            ]
            left_over: set[str] = set()
            for _ in range(_ATTEMPTS):
                wanted = {self._table_name: {"Keys": keys, "ConsistentRead": True}}
                answer = self._call("BatchGetItem", RequestItems=wanted)
                with _odd_types():
                    found: Any = answer["Responses"]
                    items |= {each[SORT_KEY]["S"]: each for each in found.get(self._table_name, ())}
                    left: Any = answer.get("UnprocessedKeys", {}).get(self._table_name)
                    keys = left["Keys"] if left else []
                    left_over = {key[SORT_KEY]["S"] for key in keys}
                if not left_over:
                    break
            unread |= left_over
        return items, frozenset(unread)

    def _put(self, items: Sequence[Item]) -> None:
        requests: Sequence[Any] = [{"PutRequest": {"Item": item}} for item in items]
        for _ in range(_ATTEMPTS):
            answer = self._call("BatchWriteItem", RequestItems={self._table_name: requests})
            with _odd_types():
                requests = answer.get("UnprocessedItems", {}).get(self._table_name, [])
            if not requests:
                return
        raise CacheUnavailableError("items left unprocessed")

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        try:
            return self._client.call(operation, request)
        except AwsError as error:
            if error.code == "ConditionalCheckFailedException":
                raise _ConditionFailedError from None
            raise CacheUnavailableError(error.code) from None


@contextmanager
def _odd_types() -> Iterator[None]:
    """Take an answer whose JSON is not of DynamoDB's types for a failure of DynamoDB."""
    try:
        yield
    except (AttributeError, KeyError, TypeError):
        raise CacheUnavailableError("an answer of odd types") from None
