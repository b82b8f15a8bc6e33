"""The items as tables have them now: other versions of the function read and write them.

Two versions run at once during a release, and after it the table is full of the older one's items.
A change of these literals changes the layout. A rating's layout then takes a new `SCHEMA`: each
version reads the other's items as a miss. A generation has no schema, because no version may miss
it: attributes may be added to it, and never changed.
"""

from __future__ import annotations

from typing import Any

import pytest

from functions.ratings.cache.items import (
    SCHEMA,
    generation_update,
    item_key,
    rating_item,
    read_generation,
    read_rating,
)
from functions.ratings.cache.policy import CachedRating, Generation, WriteStarted
from functions.ratings.models import Rating, RatingKey

TOKEN_HASH = "0f" * 32
KEY = RatingKey(type="library-songs", id="i.a")
RATED = CachedRating(rating=Rating('{"id":"i.a"}'), requested_at=1800000000.25, generation=7)
UNRATED = CachedRating(rating=Rating(None), requested_at=1800000000.25, generation=None)

IDENTITY = {
    "pk": {"S": TOKEN_HASH},
    "sk": {"S": "library-songs#i.a"},
    "expires_at": {"N": "1800003661"},
    "schema": {"N": "1"},
    "owner": {"S": TOKEN_HASH},
    "type": {"S": "library-songs"},
    "id": {"S": "i.a"},
    "requested_at": {"N": "1800000000.25"},
}
RATED_ITEM = {**IDENTITY, "resource": {"S": '{"id":"i.a"}'}, "generation": {"N": "7"}}
UNRATED_ITEM = {**IDENTITY, "resource": {"NULL": True}, "generation": {"NULL": True}}
ADDED = {"added": {"S": "by a newer version"}}
WRONG: tuple[Any, ...] = (None, 7, True, "NULL", ["NULL"], {}, {"S": None}, {"N": []}, [])
ABSENT = ...
CHECKED = sorted(RATED_ITEM.keys() - {"pk", "sk", "expires_at"})


@pytest.mark.parametrize(
    ("cached", "item"), [(RATED, RATED_ITEM), (UNRATED, UNRATED_ITEM)], ids=["rated", "unrated"]
)
def test_a_rating_is_written_and_read_in_layout_1(
    cached: CachedRating, item: dict[str, Any]
) -> None:
    assert SCHEMA == "1"
    assert rating_item(TOKEN_HASH, KEY, cached, expires_at=1800003661) == item
    assert read_rating(item, TOKEN_HASH, KEY) == cached
    assert read_rating({**item, **ADDED}, TOKEN_HASH, KEY) == cached


@pytest.mark.parametrize(
    "changes",
    [
        *({name: wrong} for name in CHECKED for wrong in (*WRONG, ABSENT)),
        {"expires_at": ABSENT},
        *({"schema": {"N": schema}} for schema in ("0", "2", "10", "1.0", "-1")),
        {"owner": {"S": "f0" * 32}},
        {"type": {"S": "songs"}},
        {"id": {"S": "i.b"}},
        {"requested_at": {"S": "yesterday"}},
    ],
    ids=str,
)
def test_a_rating_of_wrong_types_another_layout_or_identity_is_a_miss(
    changes: dict[str, Any],
) -> None:
    changed = {**RATED_ITEM, **changes}
    item = {name: value for name, value in changed.items() if value is not ABSENT}

    assert read_rating(item, TOKEN_HASH, KEY) is None


@pytest.mark.parametrize("wrong", [None, 7, "x", [], ["x"], False, {"x": None}])
def test_an_item_of_wrong_json_types_is_unreadable(wrong: Any) -> None:
    assert read_rating(wrong, TOKEN_HASH, KEY) is None
    assert read_generation(wrong) is None
    assert read_generation({"generation": wrong}) is None
    assert read_generation({"generation": {"N": "1"}, "writing_until": wrong}) is None


def test_a_generation_is_read_in_its_only_layout() -> None:
    item = {
        **item_key(TOKEN_HASH, "family#songs"),
        "expires_at": {"N": "1800003661"},
        "generation": {"N": "1800000000001"},
        "writing_until": {"N": "1800000006.5"},
        "settling_until": {"N": "1800000005.5"},
        "unknown_until": {"N": "1800000060.5"},
        **ADDED,
    }

    assert read_generation(item) == Generation(
        number=1800000000001,
        writing_until=1800000006.5,
        settling_until=1800000005.5,
        unknown_until=1800000060.5,
    )


def test_a_generation_is_written_in_its_only_layout() -> None:
    opened = generation_update(1800000000.5, {"writing_until": 1800000006.5}, expires_at=1800003661)
    closed = generation_update(
        1800000001.5,
        {"settling_until": 1800000006.5},
        expires_at=1800003661,
        closes=WriteStarted(generation=7, had_concurrent_write=False),
    )

    assert opened == {
        "UpdateExpression": "SET generation = if_not_exists(generation, :first) + :one, "
        "expires_at = :expires_at, writing_until = :writing_until",
        "ExpressionAttributeValues": {
            ":first": {"N": "1800000000500"},
            ":one": {"N": "1"},
            ":expires_at": {"N": "1800003661"},
            ":writing_until": {"N": "1800000006.5"},
        },
    }
    assert closed == {
        "UpdateExpression": "SET generation = if_not_exists(generation, :first) + :one, "
        "expires_at = :expires_at, settling_until = :settling_until REMOVE writing_until",
        "ConditionExpression": "generation = :own",
        "ExpressionAttributeValues": {
            ":first": {"N": "1800000001500"},
            ":one": {"N": "1"},
            ":expires_at": {"N": "1800003661"},
            ":settling_until": {"N": "1800000006.5"},
            ":own": {"N": "7"},
        },
    }
