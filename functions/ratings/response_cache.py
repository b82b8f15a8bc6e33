"""Keeps ratings in DynamoDB, each under its owner; the only module that knows the items."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from functions.ratings.cache_policy import CachedRating, CachePolicy, Generation
from functions.ratings.errors import CacheUnavailableError
from functions.ratings.models import Rating, RatingKey
from functions.ratings.settings import PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

SCHEMA: Final = "1"
"""The layout of an item; an item of another layout is a miss."""

_READ_ATTEMPTS: Final = 2
_TIMES: Final = ("writing_until", "settling_until", "unknown_until")

Attributes = Mapping[str, Any]
"""An item, or a key, as DynamoDB's own API spells it: `{"name": {"S": "text"}}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSnapshot:
    """What the cache held of one owner and family at one moment.

    `generation` is None where DynamoDB would not say; then there are no ratings either.
    """

    ratings: Mapping[RatingKey, CachedRating]
    generation: Generation | None


class DynamoDBResponseCache:
    """A table of ratings by owner (partition key) and by type and id (sort key)."""

    def __init__(self, *, client: DynamoDBClient, table_name: str, policy: CachePolicy) -> None:
        """Use `table_name` by `client`, whose timeouts bound every method."""
        self._client = client
        self._table_name = table_name
        self._policy = policy

    def read(self, owner: str, family: str, keys: Collection[RatingKey]) -> CacheSnapshot:
        """Read what is held of `keys`, all of one family, together with the generation.

        Only ratings of the present generation are given.

        Raises:
            CacheUnavailableError: where DynamoDB fails.
        """
        by_sort_key = {_rating_sort_key(key): key for key in keys}
        generation_key = f"family#{family}"
        items, unread = self._get(owner, [*by_sort_key, generation_key])
        generation = _generation(items.pop(generation_key, None))
        if generation is None or generation_key in unread:
            return CacheSnapshot(ratings={}, generation=None)
        ratings: dict[RatingKey, CachedRating] = {}
        for sort_key, item in items.items():
            key = by_sort_key[sort_key]
            cached = _cached_rating(item, owner, key)
            if cached is not None and generation.covers(cached):
                ratings[key] = cached
        return CacheSnapshot(ratings=ratings, generation=generation)

    def store(self, owner: str, key: RatingKey, cached: CachedRating) -> None:
        """Keep one rating, in the place of what was there.

        Raises:
            CacheUnavailableError: where DynamoDB fails; the rating may or may not be kept.
        """
        item = _item(owner, key, cached, expires_at=self._policy.expires_at(cached.requested_at))
        try:
            self._client.put_item(TableName=self._table_name, Item=item)
        except (BotoCoreError, ClientError) as error:
            raise CacheUnavailableError(type(error).__name__) from None

    def _get(
        self, owner: str, sort_keys: Iterable[str]
    ) -> tuple[dict[str, Attributes], frozenset[str]]:
        """Give the items by sort key, and the sort keys that DynamoDB left unread."""
        keys: Sequence[Mapping[str, Any]] = [
            {PARTITION_KEY: {"S": owner}, SORT_KEY: {"S": key}} for key in sort_keys
        ]
        items: dict[str, Attributes] = {}
        for _ in range(_READ_ATTEMPTS):
            try:
                answer = self._client.batch_get_item(
                    RequestItems={self._table_name: {"Keys": keys, "ConsistentRead": True}}
                )
            except (BotoCoreError, ClientError) as error:
                raise CacheUnavailableError(type(error).__name__) from None
            for item in answer["Responses"].get(self._table_name, ()):
                items[item[SORT_KEY]["S"]] = item
            unprocessed = answer["UnprocessedKeys"].get(self._table_name)
            keys = unprocessed["Keys"] if unprocessed else []
            if not keys:
                break
        return items, frozenset(key[SORT_KEY]["S"] for key in keys)


def _rating_sort_key(key: RatingKey) -> str:
    return f"{key.type}#{key.id}"


def _item(owner: str, key: RatingKey, cached: CachedRating, *, expires_at: int) -> Attributes:
    resource, generation = cached.rating.resource, cached.generation
    return {
        PARTITION_KEY: {"S": owner},
        SORT_KEY: {"S": _rating_sort_key(key)},
        TTL_ATTRIBUTE: {"N": str(expires_at)},
        "schema": {"N": SCHEMA},
        "owner": {"S": owner},
        "type": {"S": key.type},
        "id": {"S": key.id},
        "resource": {"NULL": True} if resource is None else {"S": resource},
        "requested_at": {"N": repr(cached.requested_at)},
        "generation": {"NULL": True} if generation is None else {"N": str(generation)},
    }


def _cached_rating(item: Attributes, owner: str, key: RatingKey) -> CachedRating | None:
    """Read an item back, or give None for one that this module would not have written there."""
    try:
        identity = (item["schema"]["N"], item["owner"]["S"], item["type"]["S"], item["id"]["S"])
        if identity != (SCHEMA, owner, key.type, key.id) or TTL_ATTRIBUTE not in item:
            return None
        return CachedRating(
            rating=Rating(None if "NULL" in item["resource"] else item["resource"]["S"]),
            requested_at=float(item["requested_at"]["N"]),
            generation=None if "NULL" in item["generation"] else int(item["generation"]["N"]),
        )
    except (KeyError, ValueError):
        return None


def _generation(item: Attributes | None) -> Generation | None:
    """Read a family's generation; None for an item that this module would not have written."""
    if item is None:
        return Generation()
    try:
        return Generation(
            number=int(item["generation"]["N"]),
            **{name: float(item[name]["N"]) for name in _TIMES if name in item},
        )
    except (KeyError, ValueError):
        return None
