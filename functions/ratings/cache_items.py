"""The layout of what the cache keeps in DynamoDB: items, keys and updates; pure.

Items have the form of DynamoDB's own API: `{"name": {"S": "text"}}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from functions.ratings.cache_policy import CachedRating, Generation, OpenWrite
from functions.ratings.models import Rating, RatingKey
from functions.ratings.settings import PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE

SCHEMA: Final = "1"
"""The layout of a rating's item; an item of another layout is a miss."""

_NULL: Final = {"NULL": True}
_TIMES: Final = ("writing_until", "settling_until", "unknown_until")

Item = Mapping[str, Any]


def rating_sort_key(key: RatingKey) -> str:
    """Where a rating is, under its owner."""
    return f"{key.type}#{key.id}"


def generation_sort_key(family: str) -> str:
    """Where a family's generation is, under its owner; no type is called `family`."""
    return f"family#{family}"


def item_key(owner: str, sort_key: str) -> dict[str, dict[str, str]]:
    """The key of an item."""
    return {PARTITION_KEY: {"S": owner}, SORT_KEY: {"S": sort_key}}


def rating_item(owner: str, key: RatingKey, cached: CachedRating, *, expires_at: int) -> Item:
    """Write a rating as an item, which says once more whose and what it is."""
    resource, generation = cached.rating.resource, cached.generation
    return {
        **item_key(owner, rating_sort_key(key)),
        TTL_ATTRIBUTE: {"N": str(expires_at)},
        "schema": {"N": SCHEMA},
        "owner": {"S": owner},
        "type": {"S": key.type},
        "id": {"S": key.id},
        "resource": _NULL if resource is None else {"S": resource},
        "requested_at": _number(cached.requested_at),
        "generation": _NULL if generation is None else _number(generation),
    }


def read_rating(item: Item, owner: str, key: RatingKey) -> CachedRating | None:
    """Read an item back; None for one that `rating_item` would not have written there."""
    try:
        resource = None if item["resource"] == _NULL else item["resource"]["S"]
        identity = (item["schema"]["N"], item["owner"]["S"], item["type"]["S"], item["id"]["S"])
        if identity != (SCHEMA, owner, key.type, key.id) or TTL_ATTRIBUTE not in item:
            return None
        if item["resource"] != _NULL and not isinstance(resource, str):
            return None
        return CachedRating(
            rating=Rating(resource),
            requested_at=float(item["requested_at"]["N"]),
            generation=None if item["generation"] == _NULL else int(item["generation"]["N"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def read_generation(item: Item) -> Generation | None:
    """Read a family's generation; `{}` if it has none, None if no `generation_update` made it."""
    if item == {}:
        return Generation()
    try:
        return Generation(
            number=int(item["generation"]["N"]),
            **{name: float(item[name]["N"]) for name in _TIMES if name in item},
        )
    except (KeyError, TypeError, ValueError):
        return None


def first_generation(now: float) -> int:
    """The number before a family's first: from the clock, so that none ever comes back.

    DynamoDB forgets a family some time after its last write, and a write adds 2 at most.
    """
    return int(now * 1000)


def generation_update(
    now: float,
    times: Mapping[str, float],
    *,
    expires_at: int,
    closes: OpenWrite | None,
    existing: bool,
) -> dict[str, Any]:
    """Write the update that moves a generation on by one and sets `times`.

    With `closes` it fails unless that write was the last to be announced, and takes back the
    announcement unless another may still be on its way. With `existing` it fails where there is
    no generation yet.
    """
    assignments = [
        "generation = if_not_exists(generation, :first) + :one",
        f"{TTL_ATTRIBUTE} = :expires_at",
        *(f"{name} = :{name}" for name in times),
    ]
    values = {
        ":first": _number(first_generation(now)),
        ":one": _number(1),
        ":expires_at": _number(expires_at),
        **{f":{name}": _number(time) for name, time in times.items()},
    }
    update: dict[str, Any] = {"UpdateExpression": f"SET {', '.join(assignments)}"}
    if closes is not None:
        values[":own"] = _number(closes.generation)
        update["ConditionExpression"] = "generation = :own"
        if not closes.contested:
            update["UpdateExpression"] += " REMOVE writing_until"
    elif existing:
        update["ConditionExpression"] = "attribute_exists(generation)"
    return {**update, "ExpressionAttributeValues": values}


def _number(value: float) -> dict[str, str]:
    return {"N": repr(value)}
