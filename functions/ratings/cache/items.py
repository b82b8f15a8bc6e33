"""The layout of the cache table: items, keys and updates in DynamoDB's JSON; pure.

The partition key is the hash of the user token. The sort key is `{type}#{digit}` for a bucket and
`family#{family}` for a family. The attribute `token_hash` repeats the hash: if the two differ,
the item is unreadable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

from functions.ratings.cache.policy import (
    UNKNOWN_SECONDS,
    Answer,
    Bucket,
    Family,
    StoredRating,
    is_future_dated,
)
from functions.ratings.models import RatingKey, Value
from functions.ratings.settings import PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE

SCHEMA: Final = "2"  # The version of this layout; an item of another version is unreadable
MAX_BYTES: Final = 2048  # of a bucket, as DynamoDB counts bytes: two write units

# The most that DynamoDB counts for a bucket without ratings, and for a rating without its id.
_BUCKET_BYTES: Final = 288
_RATING_BYTES: Final = 20

_NULL: Final = {"NULL": True}
_VALUES: Final[Mapping[str, Value]] = {"1": 1, "0": 0, "-1": -1}
_TIMES: Final = ("writing_until", "writing_before", "settling_until", "unknown_until")
_LONGEST_SECONDS: Final = 60 + UNKNOWN_SECONDS  # From now to the latest valid time in a family

Item = Mapping[str, Any]


def bucket_sort_key(key: RatingKey) -> str:
    """The sort key of a rating's bucket; each type has 16 buckets."""
    return f"{key.type}#{sha256(key.id.encode('ascii')).hexdigest()[0]}"


def family_sort_key(family: str) -> str:
    """The sort key of a family; it is unique, because no type is called `family`."""
    return f"family#{family}"


def item_key(token_hash: str, sort_key: str) -> dict[str, dict[str, str]]:
    """The partition key and the sort key of an item."""
    return {PARTITION_KEY: {"S": token_hash}, SORT_KEY: {"S": sort_key}}


def bucket_item(
    token_hash: str,
    sort_key: str,
    ratings: Mapping[str, StoredRating],
    *,
    generation: int | None,
    expires_at: int,
) -> Item:
    """Return a bucket; omit the last `ratings` if they do not fit in `MAX_BYTES`."""
    left, fitting = MAX_BYTES - _BUCKET_BYTES, {}
    for item_id, rating in ratings.items():
        left -= _RATING_BYTES + len(item_id)
        if left < 0:
            break
        fitting[item_id] = {"L": [_number(rating.value), _time(rating.requested_at)]}
    return {
        **item_key(token_hash, sort_key),
        **_identity(token_hash),
        TTL_ATTRIBUTE: _number(expires_at),
        "bucket": {"S": sort_key},
        "generation": _NULL if generation is None else _number(generation),
        "ratings": {"M": fitting},
    }


def read_bucket(
    item: Item, token_hash: str, sort_key: str, ids: Collection[str] | None = None
) -> Bucket | None:
    """Read a bucket with all its ratings, or only those of `ids`; None if it is unreadable.

    An `item` of `{}` means that no bucket is stored.
    """
    if item == {}:
        return Bucket({})
    try:
        if not _is_readable(item, token_hash) or item["bucket"]["S"] != sort_key:
            return None
        number = None if item["generation"] == _NULL else int(item["generation"]["N"])
        stored = item["ratings"]["M"]
        ratings = {each: _read_rating(stored[each]) for each in ids or stored if each in stored}
        return Bucket(ratings, number)
    except (KeyError, TypeError, ValueError):
        return None


def family_item(token_hash: str, family: str, state: Family, *, expires_at: int) -> Item:
    """Return the item of a family that has no answers."""
    return {
        **item_key(token_hash, family_sort_key(family)),
        **_identity(token_hash),
        TTL_ATTRIBUTE: _number(expires_at),
        "generation": _number(state.number or 0),
        "write_id": {"S": state.write_id},
        **{name: _time(getattr(state, name)) for name in _TIMES},
    }


def read_family(item: Item, token_hash: str, now: float) -> Family | None:
    """Read a family; return None if it is unreadable. `{}` means that none is stored."""
    if item == {}:
        return Family()
    try:
        if not _is_readable(item, token_hash):
            return None
        times = {name: float(item[name]["N"]) for name in _TIMES if name in item}
        answers = {
            RatingKey(*name.split("#")): _read_answer(each)
            for name, each in item.get("answers", {"M": {}})["M"].items()
        }
        closed_at = max((each.closed_at for each in answers.values()), default=0.0)
        latest = max([0.0, closed_at + _LONGEST_SECONDS, *times.values()])
        if is_future_dated(latest, now + _LONGEST_SECONDS):
            return None
        return Family(
            number=int(item["generation"]["N"]),
            write_id=item["write_id"]["S"] if "write_id" in item else "",
            answers=answers,
            **times,
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def first_generation(now: float) -> int:
    """The generation before a family's first update: the epoch time in milliseconds.

    A family that replaces a deleted one must have higher generations. It has, because a write adds
    at most 2, so generations grow more slowly than the time.
    """
    return int(now * 1000)


class Update(NamedTuple):
    """An update that increments the generation of a family, unless the family is unreadable."""

    token_hash: str
    assignments: Mapping[str, Any]
    more: str = ""  # the end of the update expression
    values: Mapping[str, Any] = {}  # for the condition
    condition: str = ""
    creates: bool = True  # whether it creates a family that does not exist

    def request(self, now: float, expires_at: int) -> dict[str, Any]:
        """The parameters of UpdateItem."""
        sets = {
            **_identity(self.token_hash),
            TTL_ATTRIBUTE: _number(expires_at),
            **self.assignments,
        }
        assigned = ", ".join(f"{name} = :{name}" for name in sets)
        condition = " AND ".join(f"{name} = :{name}" for name in _identity(self.token_hash))
        condition += self.condition
        if self.creates:
            condition = f"attribute_not_exists({PARTITION_KEY}) OR ({condition})"
        return {
            "UpdateExpression": (
                f"SET generation = if_not_exists(generation, :first) + :one, {assigned}{self.more}"
            ),
            "ConditionExpression": condition,
            "ExpressionAttributeValues": {
                ":first": _number(first_generation(now)),
                ":one": _number(1),
                **{f":{name}": value for name, value in {**sets, **self.values}.items()},
            },
        }


def opening(token_hash: str, *, write_id: str, writing_until: float) -> Update:
    """Announce a write. The condition fails if the same update was applied before."""
    return Update(
        token_hash,
        {"write_id": {"S": write_id}, "writing_until": _time(writing_until)},
        more=", writing_before = if_not_exists(writing_until, :one)",
        condition=" AND NOT write_id = :write_id",
    )


def closing_the_only_one(
    token_hash: str,
    times: Mapping[str, float],
    generation: int,
    answers: Mapping[RatingKey, Answer],
) -> Update:
    """End the only write in flight. The condition fails after any other update."""
    return Update(
        token_hash,
        {
            **_times(times),
            "answers": {
                "M": {f"{key.type}#{key.id}": _answer(each) for key, each in answers.items()}
            },
        },
        more=" REMOVE writing_until, writing_before",
        values={"own": _number(generation)},
        condition=" AND generation = :own",
        creates=False,
    )


def closing(token_hash: str, times: Mapping[str, float], *, forget_answers: bool) -> Update:
    """End a write while another write may be in flight."""
    more = " REMOVE answers" if forget_answers else ""
    return Update(token_hash, _times(times), more=more)


def invalidating(token_hash: str, *, must_exist: bool) -> Update:
    """Invalidate every stored rating."""
    return Update(token_hash, {}, more=" REMOVE answers", creates=not must_exist)


def _identity(token_hash: str) -> dict[str, Any]:
    return {"schema_version": {"N": SCHEMA}, "token_hash": {"S": token_hash}}


def _is_readable(item: Item, token_hash: str) -> bool:
    return (
        item["schema_version"]["N"] == SCHEMA
        and item["token_hash"]["S"] == token_hash
        and TTL_ATTRIBUTE in item
    )


def _answer(answer: Answer) -> dict[str, Any]:
    value, requested_at, closed_at, generation = answer
    return {"L": [_number(value), _time(requested_at), _time(closed_at), _number(generation)]}


def _read_answer(answer: Mapping[str, Any]) -> Answer:
    value, requested_at, closed_at, generation = (each["N"] for each in answer["L"])
    return Answer(_VALUES[value], float(requested_at), float(closed_at), int(generation))


def _read_rating(rating: Mapping[str, Any]) -> StoredRating | None:
    try:
        value, requested_at = rating["L"]
        return StoredRating(_VALUES[value["N"]], float(requested_at["N"]))
    except (KeyError, TypeError, ValueError):
        return None


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def _times(times: Mapping[str, float]) -> dict[str, Any]:
    return {name: _time(time) for name, time in times.items()}


def _time(seconds: float) -> dict[str, str]:
    """Write all digits: a rounded time could be in the future, or after the end of a window."""
    return {"N": repr(seconds)}
