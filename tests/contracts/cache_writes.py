"""Tests of the effects of a write on the cache, for each DynamoDB: in memory, or moto's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from functions.ratings.cache.items import family_sort_key
from functions.ratings.cache.policy import CachedRating, WriteOutcome
from functions.ratings.metrics import Metric
from functions.ratings.models import RatingKey, Value
from tests.contracts.checked_cache import ABSENT, GRACE, NOW, UNREADABLE, CheckedCache
from tests.fakes.ratings_function import CATALOG_SONG, SONG

ALBUM = RatingKey(type="albums", id="1")
SONGS = [RatingKey(type="songs", id=str(number)) for number in range(9)]
A, B = SONG, SONG._replace(id="i.b")
FAMILY = family_sort_key("songs")
LATER, MUCH_LATER = {"N": f"{NOW + 3}"}, {"N": f"{NOW + 130}"}
OLD_FAMILY = dict.fromkeys(("schema_version", "token_hash", "write_id", "answers"), ABSENT)


class WritesContract:
    """Tests of the cache that the fixture `cache` of a subclass returns."""

    def test_a_write_invalidates_only_the_ratings_of_its_family_and_user(
        self, cache: CheckedCache
    ) -> None:
        cache.store(SONG, CATALOG_SONG)
        cache.store(ALBUM)
        cache.store(SONG, token_hash=GRACE)

        cache.open_write()

        assert cache.values(SONG, CATALOG_SONG) == {}
        assert cache.values(ALBUM) == {ALBUM: 1}
        assert cache.read(token_hash=GRACE).ratings.keys() == {SONG}

    def test_a_write_is_announced_and_then_settles(self, cache: CheckedCache) -> None:
        started = cache.open_write()
        announced = cache.family()
        assert announced.number == started.generation == 1_800_000_000_126
        assert announced.writing_until == NOW + 6
        assert (started.had_concurrent_write, started.answers) == (False, {})

        cache.close_write(started, value=-1, at=1)
        settling = cache.family()
        assert settling.number == started.generation + 1
        assert (settling.writing_until, settling.settling_until) == (0, NOW + 6)
        assert cache.read().ratings == {SONG: CachedRating(-1, NOW, NOW + 60, NOW + 3660)}
        assert cache.calls.count("UpdateItem") == 2
        assert not cache.observer.counted

    def test_the_cache_serves_the_values_of_the_last_ten_writes_in_a_row(
        self, cache: CheckedCache
    ) -> None:
        keys = [SONG, CATALOG_SONG, *SONGS]
        for number, key in enumerate(keys[:10]):
            cache.write(key, -1 if number % 2 else 1, at=number / 10)
        written = {key: -1 if number % 2 else 1 for number, key in enumerate(keys[:10])}
        assert cache.values(*keys) == written

        cache.write(keys[10], at=1)
        assert cache.values(*keys).keys() == set(keys[1:])

    def test_after_the_settling_time_only_the_value_of_the_latest_write_is_cached(
        self, cache: CheckedCache
    ) -> None:
        cache.write(A, at=0)
        cache.write(B, at=1)
        assert cache.read(A, at=4.9).ratings == {A: CachedRating(1, NOW, NOW + 5, NOW + 5)}

        assert cache.values(A, B, at=5) == {B: 1}
        cache.store(B, value=-1, at=7)
        assert cache.values(B) == {B: -1}, "the rating of the later request to Apple is used"

    @pytest.mark.parametrize(
        ("outcome", "kept"),
        [
            (WriteOutcome.REJECTED, {A: 1, B: 1}),
            (WriteOutcome.ACCEPTED, {B: 1}),
            (WriteOutcome.UNKNOWN, {}),
        ],
    )
    def test_the_outcome_of_an_unconfirmed_write_decides_which_answers_are_kept(
        self, cache: CheckedCache, outcome: WriteOutcome, kept: Mapping[RatingKey, Value]
    ) -> None:
        for key in (A, B):
            cache.write(key)

        cache.write(A, -1, outcome, at=1)

        assert cache.values(A, B) == kept
        assert cache.values(A, B, at=5) == {}

    def test_an_unknown_outcome_stays_unknown_if_another_write_follows(
        self, cache: CheckedCache
    ) -> None:
        cache.close_write(cache.open_write(), outcome=WriteOutcome.UNKNOWN, at=1)
        following = cache.open_write(at=2)
        cache.close_write(following, at=3)

        assert following.had_concurrent_write
        assert cache.values() == {}
        family = cache.family()
        assert (family.settling_until, family.unknown_until) == (NOW + 8, NOW + 61)

    def test_a_concurrent_write_with_an_unknown_outcome_drops_every_answer(
        self, cache: CheckedCache
    ) -> None:
        cache.write(B)
        cache.open_write(at=1)

        cache.write(A, outcome=WriteOutcome.UNKNOWN)

        assert cache.values(A, B) == {}

    @pytest.mark.parametrize("first_ends_first", [True, False])
    def test_concurrent_writes_store_no_answer_and_their_announcement_stays(
        self, cache: CheckedCache, *, first_ends_first: bool
    ) -> None:
        cache.write(B)
        first, second = cache.open_write(at=1), cache.open_write(at=2)
        assert (first.had_concurrent_write, second.had_concurrent_write) == (False, True)

        for started in (first, second) if first_ends_first else (second, first):
            cache.close_write(started, A, at=3)

        assert cache.values(A, B) == {B: 1}
        assert cache.family().writing_until == NOW + 8
        assert cache.calls.count("UpdateItem") == 2 + 2 + 3
        assert not cache.observer.counted

    @pytest.mark.parametrize(("is_unknown", "seconds"), [(False, 6.0), (True, 61.0)])
    def test_later_writes_are_concurrent_with_a_dead_or_unknown_write_until_it_expires(
        self, cache: CheckedCache, *, is_unknown: bool, seconds: float
    ) -> None:
        started = cache.open_write()
        if is_unknown:
            cache.close_write(started, outcome=WriteOutcome.UNKNOWN, at=1)

        # This write is never closed, so it expires after 6 s.
        assert cache.open_write(at=seconds).had_concurrent_write
        assert not cache.open_write(at=seconds + 6.1).had_concurrent_write

    @pytest.mark.parametrize("is_concurrent", [False, True])
    def test_a_resent_announcement_counts_as_one_write(
        self, cache: CheckedCache, *, is_concurrent: bool
    ) -> None:
        cache.write(B)
        if is_concurrent:
            cache.open_write()
        before = cache.family().number or 0
        cache.resends = True

        started = cache.open_write(at=1)

        assert started.generation == cache.family().number == before + 1
        assert started.had_concurrent_write is is_concurrent
        assert started.answers.keys() == {B}

    def test_a_resent_close_counts_as_one_close(self, cache: CheckedCache) -> None:
        started = cache.open_write()
        cache.resends = True
        cache.close_write(started)

        assert cache.family().number == started.generation + 1
        assert cache.values() == {SONG: 1}
        assert cache.calls.count("UpdateItem") == 2

    def test_a_write_that_was_not_announced_is_still_closed(self, cache: CheckedCache) -> None:
        cache.store(SONG)

        cache.close_write(None)

        assert cache.values() == {}
        assert cache.family().settling_until == NOW + 5

    def test_invalidating_a_written_family_keeps_its_times(self, cache: CheckedCache) -> None:
        cache.write()
        before = cache.family()

        cache.invalidate(has_ratings=False)

        number = (before.number or 0) + 1
        assert cache.family() == before._replace(number=number, answers={})
        assert cache.values() == {}

    def test_invalidating_creates_a_family_only_with_has_ratings(self, cache: CheckedCache) -> None:
        cache.store(SONG)

        cache.invalidate(has_ratings=False)
        assert cache.item(FAMILY) == {}

        cache.invalidate(has_ratings=True)
        assert cache.item(FAMILY)
        assert cache.values() == {}, "ratings stored before the family are invalid"
        assert not cache.observer.counted

    @pytest.mark.parametrize(
        "changes",
        [
            *UNREADABLE,
            OLD_FAMILY,
            {"answers": {"M": {"songs": {"L": []}}}},
            {"answers": {"M": {"songs#1": {"L": [{"N": "1"}, LATER, LATER, {"N": "7"}]}}}},
            *({name: MUCH_LATER} for name in ("writing_until", "settling_until", "unknown_until")),
        ],
        ids=str,
    )
    def test_an_unreadable_family_is_counted_and_bypassed_until_the_next_write_repairs_it(
        self, cache: CheckedCache, changes: dict[str, Any]
    ) -> None:
        counted = cache.observer.counted
        cache.write(B)
        cache.change(FAMILY, changes)

        snapshot = cache.read(A, B, at=1)
        assert (snapshot.family, snapshot.ratings, snapshot.buckets) == (None, {}, {})
        assert counted == {Metric.CACHE_ITEM_INVALID: 1}

        repaired = cache.open_write()
        assert counted == {Metric.CACHE_ITEM_INVALID: 2}
        assert repaired.had_concurrent_write
        assert cache.family().unknown_until == NOW + 61
        cache.close_write(repaired)
        assert cache.values(A, B, SONG) == {}
        cache.write(at=70)
        assert cache.values() == {SONG: 1}

    @pytest.mark.parametrize("changes", [*UNREADABLE, OLD_FAMILY], ids=str)
    def test_only_the_start_of_a_write_repairs_an_unreadable_family(
        self, cache: CheckedCache, changes: dict[str, Any]
    ) -> None:
        started = cache.open_write()
        cache.change(FAMILY, changes)
        changed = cache.item(FAMILY)

        cache.invalidate(has_ratings=True)
        cache.close_write(None)
        cache.close_write(started)

        assert cache.item(FAMILY) == changed
