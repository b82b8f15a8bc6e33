"""The items as they are in tables by now: what is deployed next to these versions reads them.

Two versions answer at once while a release goes out, and after it the table is full of the older
one's items. Whoever changes one of these literals changes the layout: a rating's then takes a new
`SCHEMA`, by which each version takes the other's items for a miss. A generation's item has none,
because no version may miss it: it may be added to, and never changed.
"""

from __future__ import annotations

from typing import Any

import pytest

from functions.ratings.cache_items import (
    SCHEMA,
    generation_update,
    item_key,
    rating_item,
    read_generation,
    read_rating,
)
from functions.ratings.cache_policy import CachedRating, Generation, OpenWrite
from functions.ratings.models import Rating, RatingKey

OWNER = "0f" * 32
KEY = RatingKey(type="library-songs", id="i.a")
RATED = CachedRating(rating=Rating('{"id":"i.a"}'), requested_at=1800000000.25, generation=7)
UNRATED = CachedRating(rating=Rating(None), requested_at=1800000000.25, generation=None)

IDENTITY = {
    "pk": {"S": OWNER},
    "sk": {"S": "library-songs#i.a"},
    "expires_at": {"N": "1800003661"},
    "schema": {"N": "1"},
    "owner": {"S": OWNER},
    "type": {"S": "library-songs"},
    "id": {"S": "i.a"},
    "requested_at": {"N": "1800000000.25"},
}
RATED_ITEM = {**IDENTITY, "resource": {"S": '{"id":"i.a"}'}, "generation": {"N": "7"}}
UNRATED_ITEM = {**IDENTITY, "resource": {"NULL": True}, "generation": {"NULL": True}}


@pytest.mark.parametrize(
    ("cached", "item"), [(RATED, RATED_ITEM), (UNRATED, UNRATED_ITEM)], ids=["rated", "unrated"]
)
def test_a_rating_is_written_and_read_in_layout_1(
    cached: CachedRating, item: dict[str, Any]
) -> None:
    assert SCHEMA == "1"
    assert rating_item(OWNER, KEY, cached, expires_at=1800003661) == item
    assert read_rating(item, OWNER, KEY) == cached


@pytest.mark.parametrize("schema", ["0", "2", "10", "1.0", "-1"])
def test_a_rating_of_any_other_layout_older_or_newer_is_a_miss(schema: str) -> None:
    assert read_rating({**RATED_ITEM, "schema": {"N": schema}}, OWNER, KEY) is None


@pytest.mark.parametrize("odd", [None, 7, True, "NULL", ["NULL"], {}, {"S": None}, {"N": []}, []])
@pytest.mark.parametrize("attribute", sorted(RATED_ITEM.keys() - {"pk", "sk", "expires_at"}))
def test_a_rating_of_odd_json_types_is_a_miss(attribute: str, odd: object) -> None:
    assert read_rating({**RATED_ITEM, attribute: odd}, OWNER, KEY) is None


@pytest.mark.parametrize("odd", [None, 7, "x", [], ["x"], False, {"x": None}])
def test_a_generation_of_odd_json_types_cannot_be_read(odd: Any) -> None:
    assert read_generation(odd) is None
    assert read_generation({"generation": odd}) is None
    assert read_generation({"generation": {"N": "1"}, "writing_until": odd}) is None


@pytest.mark.parametrize("odd", [7, "x", [], None])
def test_an_item_of_odd_json_types_is_a_miss(odd: Any) -> None:
    assert read_rating(odd, OWNER, KEY) is None


def test_what_a_newer_version_adds_to_a_rating_of_this_layout_is_not_minded() -> None:
    assert read_rating({**RATED_ITEM, "added": {"S": "later"}}, OWNER, KEY) == RATED


def test_a_familys_generation_is_read_in_the_one_layout_that_there_ever_is() -> None:
    item = {
        **item_key(OWNER, "family#songs"),
        "expires_at": {"N": "1800003661"},
        "generation": {"N": "1800000000001"},
        "writing_until": {"N": "1800000006.5"},
        "settling_until": {"N": "1800000005.5"},
        "unknown_until": {"N": "1800000060.5"},
        "added": {"S": "later"},
    }

    assert read_generation(item) == Generation(
        number=1800000000001,
        writing_until=1800000006.5,
        settling_until=1800000005.5,
        unknown_until=1800000060.5,
    )


def test_a_familys_generation_is_written_in_the_one_layout_that_there_ever_is() -> None:
    opened = generation_update(
        1800000000.5,
        {"writing_until": 1800000006.5},
        expires_at=1800003661,
        closes=None,
        existing=False,
    )
    closed = generation_update(
        1800000001.5,
        {"settling_until": 1800000006.5},
        expires_at=1800003661,
        closes=OpenWrite(generation=7, contested=False),
        existing=False,
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
