"""The layout of the items in existing tables, which other versions of the function read and write.

Two versions run at once during a release, and the table keeps the items of the older one. A change
of these literals is a new layout and needs a new `SCHEMA`: then each version reads the other's
items as misses. An added attribute needs no new `SCHEMA`.
"""

from __future__ import annotations

from typing import Any

import pytest

from functions.ratings.cache.items import (
    bucket_item,
    bucket_sort_key,
    family_item,
    read_bucket,
    read_family,
)
from functions.ratings.cache.policy import Answer, Bucket, Family, StoredRating
from functions.ratings.models import RatingKey
from tests.contracts.checked_cache import ADA, CheckedCache
from tests.fakes.dynamodb import FakeDynamoDB

TOKEN_HASH = "0f" * 32
SONG, CATALOG_SONG = RatingKey("library-songs", "i.a"), RatingKey("songs", "907242702")
BUCKET_KEY = "library-songs#b"
NOW = 1_800_000_000.5

IDENTITY = {
    "pk": {"S": TOKEN_HASH},
    "expires_at": {"N": "1800003661"},
    "schema_version": {"N": "2"},
    "token_hash": {"S": TOKEN_HASH},
}
RATINGS = {"i.a": StoredRating(-1, 1800000000.25), "i.b": StoredRating(0, 1800000000.0)}
BUCKET = Bucket(RATINGS, generation=7)
BUCKET_ITEM: dict[str, Any] = {
    **IDENTITY,
    "sk": {"S": BUCKET_KEY},
    "bucket": {"S": BUCKET_KEY},
    "generation": {"N": "7"},
    "ratings": {
        "M": {
            "i.a": {"L": [{"N": "-1"}, {"N": "1800000000.25"}]},
            "i.b": {"L": [{"N": "0"}, {"N": "1800000000.0"}]},
        }
    },
}
FAMILY = Family(
    number=1800000000001,
    writing_until=1800000006.5,
    writing_before=1.0,
    settling_until=1800000005.5,
    unknown_until=1800000060.5,
    write_id="00000000000000aa",
    answers={CATALOG_SONG: Answer(1, 1800000000.25, 1800000000.5, 1800000000001)},
)
ANSWERS = {
    "M": {
        "songs#907242702": {
            "L": [
                {"N": "1"},
                {"N": "1800000000.25"},
                {"N": "1800000000.5"},
                {"N": "1800000000001"},
            ]
        }
    }
}
FAMILY_ITEM: dict[str, Any] = {
    **IDENTITY,
    "sk": {"S": "family#songs"},
    "generation": {"N": "1800000000001"},
    "writing_until": {"N": "1800000006.5"},
    "writing_before": {"N": "1.0"},
    "settling_until": {"N": "1800000005.5"},
    "unknown_until": {"N": "1800000060.5"},
    "write_id": {"S": "00000000000000aa"},
}
ADDED = {"added": {"S": "by a newer version"}}
WRONG: tuple[Any, ...] = (None, 7, True, "NULL", ["NULL"], {}, {"B": "x"}, {"N": []}, {"M": 7}, [])
CHECKED = ("schema_version", "token_hash", "bucket", "generation", "ratings")


def test_the_hash_of_an_id_selects_one_of_sixteen_buckets_of_its_type() -> None:
    assert (bucket_sort_key(SONG), bucket_sort_key(CATALOG_SONG)) == (BUCKET_KEY, "songs#1")
    keys = {bucket_sort_key(RatingKey("songs", str(number))) for number in range(1000)}
    assert keys == {f"songs#{digit:x}" for digit in range(16)}


@pytest.mark.parametrize("generation", [7, None])
def test_a_bucket_is_written_and_read_in_layout_2(generation: int | None) -> None:
    number = {"NULL": True} if generation is None else {"N": "7"}
    item = {**BUCKET_ITEM, "generation": number}
    bucket = BUCKET._replace(generation=generation)

    assert item == bucket_item(
        TOKEN_HASH, BUCKET_KEY, RATINGS, generation=generation, expires_at=1800003661
    )
    assert read_bucket({**item, **ADDED}, TOKEN_HASH, BUCKET_KEY) == bucket
    only = Bucket({"i.a": RATINGS["i.a"]}, generation)
    assert read_bucket(item, TOKEN_HASH, BUCKET_KEY, ["i.a", "i.z"]) == only


def test_a_family_is_written_and_read_in_layout_2() -> None:
    item = family_item(TOKEN_HASH, "songs", FAMILY, expires_at=1800003661)

    assert item == FAMILY_ITEM
    assert read_family(item, TOKEN_HASH, NOW) == FAMILY._replace(answers={})
    with_answers = {**FAMILY_ITEM, "answers": ANSWERS, **ADDED}
    assert read_family(with_answers, TOKEN_HASH, NOW) == FAMILY


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_an_item_with_a_wrong_json_type_is_unreadable(wrong: Any) -> None:
    for name in CHECKED:
        assert read_bucket({**BUCKET_ITEM, name: wrong}, TOKEN_HASH, BUCKET_KEY) is None
    for name in ({*FAMILY_ITEM} - {"pk", "sk", "expires_at"}) | {"answers"}:
        assert read_family({**FAMILY_ITEM, name: wrong}, TOKEN_HASH, NOW) is None
    answers = {"M": {"songs#1": wrong}}
    assert read_family({**FAMILY_ITEM, "answers": answers}, TOKEN_HASH, NOW) is None
    if wrong != {}:
        assert read_bucket(wrong, TOKEN_HASH, BUCKET_KEY) is None
        assert read_family(wrong, TOKEN_HASH, NOW) is None


@pytest.mark.parametrize("wrong", [*WRONG, {"L": []}, {"L": [{"N": "1"}]}], ids=str)
def test_a_rating_with_a_wrong_json_type_leaves_the_others_readable(wrong: Any) -> None:
    ratings = {"M": {**BUCKET_ITEM["ratings"]["M"], "i.a": wrong}}

    bucket = read_bucket({**BUCKET_ITEM, "ratings": ratings}, TOKEN_HASH, BUCKET_KEY)

    assert bucket == BUCKET._replace(ratings={**BUCKET.ratings, "i.a": None})


@pytest.mark.parametrize("name", ["schema_version", "token_hash", "expires_at", "generation"])
def test_an_item_without_a_required_attribute_is_unreadable(name: str) -> None:
    for item in (BUCKET_ITEM, FAMILY_ITEM):
        rest = {each: value for each, value in item.items() if each != name}
        assert read_bucket(rest, TOKEN_HASH, BUCKET_KEY) is None
        assert read_family(rest, TOKEN_HASH, NOW) is None


def test_a_family_is_updated_in_layout_2() -> None:
    cache = CheckedCache(FakeDynamoDB().call)
    started = cache.open_write()
    opened = cache.item("family#songs")
    cache.close_write(started, at=1)
    closed = cache.item("family#songs")

    expires_at, generation = {"N": "1800003726"}, {"N": "1800000000127"}
    identity = {**IDENTITY, "pk": {"S": ADA}, "sk": {"S": "family#songs"}, "token_hash": {"S": ADA}}
    answer = [{"N": "1"}, {"N": "1800000000.125"}, {"N": "1800000001.125"}, generation]
    assert opened == {
        **identity,
        "expires_at": expires_at,
        "generation": {"N": "1800000000126"},
        "write_id": {"S": started.write_id},
        "writing_until": {"N": "1800000006.125"},
        "writing_before": {"N": "1"},
    }
    assert closed == {
        **identity,
        "expires_at": {"N": "1800003727"},
        "generation": generation,
        "write_id": {"S": started.write_id},
        "settling_until": {"N": "1800000006.125"},
        "answers": {"M": {"library-songs#i.a": {"L": answer}}},
    }
