"""Tests of reading and storing ratings, for each DynamoDB: in memory, or moto's."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from functions.ratings.cache.items import bucket_sort_key
from functions.ratings.cache.policy import CachedRating, Family
from functions.ratings.metrics import Metric
from functions.ratings.models import RatingKey, Value
from tests.contracts.checked_cache import ABSENT, GRACE, NOW, UNREADABLE, CheckedCache
from tests.fakes.dynamodb import item_size
from tests.fakes.ratings_function import SONG

HUNDRED = [RatingKey(type="songs", id=str(number)) for number in range(100)]


def neighbours(type_name: str, id_length: int) -> list[RatingKey]:
    """Return the keys of 200 ratings that share one bucket."""
    prefix = "i." if type_name.startswith("library-") else ""
    numbers = range(10 ** (id_length - len(prefix) - 1), 10**id_length)
    keys = (RatingKey(type=type_name, id=f"{prefix}{number}") for number in numbers)
    return list(islice((key for key in keys if bucket_sort_key(key).endswith("#0")), 200))


A, B, *_ = neighbours(SONG.type, 16)
BUCKET = bucket_sort_key(A)


class RatingsContract:
    """Tests of the cache that the fixture `cache` of a subclass returns."""

    @pytest.mark.parametrize("value", [1, -1, 0])
    def test_a_value_is_read_as_it_was_stored_and_only_by_its_user(
        self, cache: CheckedCache, value: Value
    ) -> None:
        nothing = cache.read()
        assert (nothing.family, nothing.ratings) == (Family(), {})

        for at, stored in ((0, value), (1, 0)):
            cache.store(SONG, value=stored, at=at)
            cached = CachedRating(stored, NOW + at, NOW + at + 60, NOW + at + 3660)
            assert cache.read().ratings == {SONG: cached}
            assert cache.read(token_hash=GRACE).ratings == {}

    def test_one_call_reads_and_one_call_stores_a_hundred_ratings_in_sixteen_buckets(
        self, cache: CheckedCache
    ) -> None:
        cache.store(*HUNDRED)
        assert cache.calls == ["BatchGetItem", "BatchWriteItem"]
        assert len(cache.read(*HUNDRED).buckets) == 16

        assert cache.values(*HUNDRED) == dict.fromkeys(HUNDRED, 1)
        assert cache.values(*HUNDRED[:2]) == dict.fromkeys(HUNDRED[:2], 1)

    def test_storing_a_rating_keeps_the_other_ratings_of_its_bucket(
        self, cache: CheckedCache
    ) -> None:
        cache.store(A, at=0)
        cache.store(B, value=-1, at=10)

        assert cache.values(A, B) == {A: 1, B: -1}
        assert cache.read(A).ratings[A].requested_at == NOW

    @pytest.mark.parametrize("is_written", [True, False])
    def test_storing_removes_expired_ratings_and_ratings_of_an_older_generation(
        self, cache: CheckedCache, *, is_written: bool
    ) -> None:
        cache.store(A, at=0)
        if is_written:
            cache.write(HUNDRED[0])

        cache.store(B, at=10 if is_written else 3660)

        assert cache.item(BUCKET)["ratings"]["M"].keys() == {B.id}

    @pytest.mark.parametrize(
        ("type_name", "id_length"),
        [("library-songs", 16), ("library-music-videos", 66), ("songs", 20)],
    )
    def test_a_bucket_keeps_the_latest_ratings_that_fit_into_2_kib(
        self, cache: CheckedCache, type_name: str, id_length: int
    ) -> None:
        keys = neighbours(type_name, id_length)
        for at in range(0, 200, 50):
            cache.store(*keys[at : at + 50], value=-1, at=at + 1 / 3)

        kept = cache.item(f"{type_name}#0")
        ids = kept["ratings"]["M"].keys()
        assert ids == {key.id for key in keys[150 : 150 + len(ids)]}
        assert 2048 - 300 < item_size(kept) <= 2048

    @pytest.mark.parametrize(
        "changes",
        [
            *UNREADABLE,
            {"expires_at": ABSENT},
            {"bucket": {"S": "songs#0"}},
            {"ratings": {"L": []}},
        ],
        ids=str,
    )
    def test_an_unreadable_bucket_is_counted_and_is_a_miss_until_a_store_replaces_it(
        self, cache: CheckedCache, changes: dict[str, Any]
    ) -> None:
        cache.store(A, B)
        cache.change(BUCKET, changes)

        assert cache.values(A, B) == {}
        assert cache.observer.counted == {Metric.CACHE_ITEM_INVALID: 1}
        cache.store(A)
        assert cache.values(A, B) == {A: 1}

    @pytest.mark.parametrize(
        "entry",
        [
            {"S": "x"},
            {"L": [{"N": "2"}, {"N": f"{NOW}"}]},
            {"L": [{"N": "1"}, {"N": "1800000009"}]},
        ],
        ids=["malformed", "an invalid value", "future-dated"],
    )
    def test_an_unreadable_rating_is_counted_and_is_a_miss_until_a_store_replaces_it(
        self, cache: CheckedCache, entry: dict[str, Any]
    ) -> None:
        cache.store(A, B)
        ratings = cache.item(BUCKET)["ratings"]["M"]
        cache.change(BUCKET, {"ratings": {"M": {**ratings, A.id: entry}}})

        assert cache.values(A, B) == {B: 1}
        assert cache.observer.counted == {Metric.CACHE_ITEM_INVALID: 1}
        cache.store(A, value=-1)
        assert cache.values(A, B) == {A: -1, B: 1}
