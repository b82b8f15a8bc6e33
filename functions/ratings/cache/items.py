"""The layout of the cache table: items, keys and updates in DynamoDB's JSON; pure.

A rating is the item `{type}#{id}`, a family's generation is the item `family#{family}`, both under
the hash of the user token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from functions.ratings.cache.policy import CachedRating, Generation, WriteStarted
from functions.ratings.models import Rating, RatingKey
from functions.ratings.settings import PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE

SCHEMA: Final = "1"  # The version of a rating's layout; an item of another version is a miss

_NULL: Final = {"NULL": True}
_TIMES: Final = ("writing_until", "settling_until", "unknown_until")

Item = Mapping[str, Any]


def rating_sort_key(key: RatingKey) -> str:
    """The sort key of a rating."""
    return f"{key.type}#{key.id}"


def generation_sort_key(family: str) -> str:
    """The sort key of a family's generation; no type is called `family`."""
    return f"family#{family}"


def item_key(token_hash: str, sort_key: str) -> dict[str, dict[str, str]]:
    """The key of an item."""
    return {PARTITION_KEY: {"S": token_hash}, SORT_KEY: {"S": sort_key}}


def rating_item(token_hash: str, key: RatingKey, cached: CachedRating, *, expires_at: int) -> Item:
    """Write a rating, which repeats the parts of its key."""
    resource, generation = cached.rating.resource, cached.generation
    return {
        **item_key(token_hash, rating_sort_key(key)),
        TTL_ATTRIBUTE: {"N": str(expires_at)},
        "schema": {"N": SCHEMA},
        "owner": {"S": token_hash},
        "type": {"S": key.type},
        "id": {"S": key.id},
        "resource": _NULL if resource is None else {"S": resource},
        "requested_at": _number(cached.requested_at),
        "generation": _NULL if generation is None else _number(generation),
    }


def read_rating(item: Item, token_hash: str, key: RatingKey) -> CachedRating | None:
    """Read a rating; None if `rating_item` cannot have written the item."""
    try:
        resource = None if item["resource"] == _NULL else item["resource"]["S"]
        identity = (item["schema"]["N"], item["owner"]["S"], item["type"]["S"], item["id"]["S"])
        if identity != (SCHEMA, token_hash, key.type, key.id) or TTL_ATTRIBUTE not in item:
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
    """Read a generation; `{}` means that there is none, None that it is unreadable."""
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
    """The number before a family's first one: from the clock, so that no number is used twice.

    DynamoDB deletes a generation some time after the last write, and a write adds 2 at most.
    """
    return int(now * 1000)


def generation_update(
    now: float,
    times: Mapping[str, float],
    *,
    expires_at: int,
    closes: WriteStarted | None = None,
    must_exist: bool = False,
) -> dict[str, Any]:
    """Write the update that increments a generation and sets `times`.

    With `closes` it fails if another write started since, and ends the announcement unless another
    write may be in flight. With `must_exist` it fails if there is no generation yet.
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
        if not closes.had_concurrent_write:
            update["UpdateExpression"] += " REMOVE writing_until"
    elif must_exist:
        update["ConditionExpression"] = "attribute_exists(generation)"
    return {**update, "ExpressionAttributeValues": values}


def _number(value: float) -> dict[str, str]:
    return {"N": repr(value)}
