"""What the cache does over any DynamoDB, in memory or moto's."""

from __future__ import annotations

import pytest

from functions.ratings.aws.json_client import AwsCall
from functions.ratings.cache.dynamodb import DynamoDBCache
from functions.ratings.cache.policy import (
    CachedRating,
    CacheSnapshot,
    Generation,
    WriteFinished,
    WriteStarted,
)
from functions.ratings.models import NOT_RATED, Rating, RatingKey
from tests.fakes import ratings_function
from tests.fakes.clock import FakeClock
from tests.fakes.observer import RecordingObserver
from tests.fakes.ratings_function import CATALOG_SONG, POLICY, SONG, TABLE

ADA, GRACE = ratings_function.ADA.hash, ratings_function.GRACE.hash
ALBUM = RatingKey(type="albums", id="1")
HUNDRED = [RatingKey(type="songs", id=str(number)) for number in range(100)]
NOW = 1_800_000_000.125


def cached(
    rating: Rating = NOT_RATED, at: float = NOW, generation: int | None = None
) -> CachedRating:
    return CachedRating(rating=rating, requested_at=at, generation=generation)


class CheckedCache:
    """The cache of Ada's songs, which may not fail; `at` is in seconds since `NOW`."""

    def __init__(self, call: AwsCall) -> None:
        self._clock = FakeClock(NOW)
        self.observer = RecordingObserver()
        self.unchecked = DynamoDBCache(
            call, table_name=TABLE, policy=POLICY, clock=self._clock, observer=self.observer
        )

    def read(self, *keys: RatingKey, token_hash: str = ADA) -> CacheSnapshot:
        snapshot = self.unchecked.read(token_hash, keys or (SONG,))
        assert snapshot is not None
        return snapshot

    def generation(self) -> Generation:
        generation = self.read().generation
        assert generation is not None
        return generation

    def store(self, *keys: RatingKey, token_hash: str = ADA, number: int | None = None) -> None:
        assert self.unchecked.store(token_hash, dict.fromkeys(keys, cached(generation=number)))

    def open_write(self, at: float = 0) -> WriteStarted:
        self._clock.advance(NOW + at - self._clock.time())
        started = self.unchecked.open_write(ADA, "songs")
        assert started is not None
        return started

    def close_write(
        self, started: WriteStarted | None, at: float = 0, *, unknown: bool = False
    ) -> WriteFinished:
        self._clock.advance(NOW + at - self._clock.time())
        finished = self.unchecked.close_write(ADA, "songs", started, unknown=unknown)
        assert finished is not None
        return finished

    def invalidate(self, *, has_ratings: bool) -> None:
        self.unchecked.invalidate(ADA, "songs", has_ratings=has_ratings)


class CacheContract:
    """Inherit, and define a fixture `cache`."""

    @pytest.mark.parametrize(
        "rating", [NOT_RATED, Rating('{"id":"i.a","n":"\\u00df"}'), Rating("{" + " " * 9000 + "}")]
    )
    def test_a_rating_is_read_as_it_was_stored(self, cache: CheckedCache, rating: Rating) -> None:
        assert cache.read() == CacheSnapshot(ratings={}, generation=Generation())

        for stored in (cached(rating), cached(NOT_RATED, NOW + 1)):
            cache.unchecked.store(ADA, {SONG: stored})
            assert cache.read().ratings == {SONG: stored}
            assert cache.read(token_hash=GRACE).ratings == {}

    def test_a_hundred_ratings_are_stored_and_only_requested_ones_read(
        self, cache: CheckedCache
    ) -> None:
        ratings = {key: cached(Rating(f'{{"id":"{key.id}"}}')) for key in HUNDRED}

        assert cache.unchecked.store(ADA, ratings)

        assert cache.read(*HUNDRED).ratings == ratings
        assert cache.read(*HUNDRED[:2]).ratings.keys() == set(HUNDRED[:2])

    def test_a_write_invalidates_the_ratings_of_its_family_and_user_alone(
        self, cache: CheckedCache
    ) -> None:
        cache.store(SONG, CATALOG_SONG, ALBUM)
        cache.store(SONG, token_hash=GRACE)

        cache.open_write()

        assert cache.read(SONG, CATALOG_SONG).ratings == {}
        assert cache.read(ALBUM).ratings.keys() == {ALBUM}
        assert cache.read(token_hash=GRACE).ratings.keys() == {SONG}

    def test_only_ratings_of_the_present_generation_count(self, cache: CheckedCache) -> None:
        started = cache.open_write()
        finished = cache.close_write(started)

        for number, is_found in ((finished.generation, True), (started.generation, False)):
            cache.store(SONG, number=number)
            assert (SONG in cache.read().ratings) is is_found
        assert not cache.observer.counted

    def test_a_write_is_announced_and_then_settles(self, cache: CheckedCache) -> None:
        started = cache.open_write()
        announced = Generation(number=1_800_000_000_126, writing_until=NOW + 6)
        assert (started.generation, cache.generation()) == (announced.number, announced)

        finished = cache.close_write(started, at=1)
        assert (started.had_concurrent_write, finished.no_later_write) == (False, True)
        settling = Generation(number=started.generation + 1, settling_until=NOW + 6)
        assert (finished.generation, cache.generation()) == (settling.number, settling)

    def test_an_unknown_outcome_settles_later_even_if_another_write_follows(
        self, cache: CheckedCache
    ) -> None:
        cache.close_write(cache.open_write(), at=1, unknown=True)
        finished = cache.close_write(cache.open_write(at=2), at=3)

        assert cache.generation() == Generation(
            number=finished.generation,
            writing_until=NOW + 8,
            settling_until=NOW + 8,
            unknown_until=NOW + 61,
        )

    @pytest.mark.parametrize("first_ends_first", [True, False])
    def test_of_concurrent_writes_each_keeps_the_announcement_of_the_other(
        self, cache: CheckedCache, *, first_ends_first: bool
    ) -> None:
        first, second = cache.open_write(), cache.open_write(at=1)
        assert (first.had_concurrent_write, second.had_concurrent_write) == (False, True)

        ends = (first, second) if first_ends_first else (second, first)
        finished = [cache.close_write(end, at=2) for end in ends]

        assert [end.no_later_write for end in finished] == [not first_ends_first, False]
        assert cache.generation().writing_until == NOW + 7

    @pytest.mark.parametrize(("is_lost", "seconds"), [(False, 6.0), (True, 61.0)])
    def test_a_write_that_died_or_got_lost_is_concurrent_until_its_time_is_up(
        self, cache: CheckedCache, *, is_lost: bool, seconds: float
    ) -> None:
        started = cache.open_write()
        if is_lost:
            cache.close_write(started, at=1, unknown=True)

        assert cache.open_write(at=seconds).had_concurrent_write
        assert not cache.open_write(at=seconds + 6.1).had_concurrent_write

    def test_invalidating_a_written_family_keeps_its_times(self, cache: CheckedCache) -> None:
        finished = cache.close_write(cache.open_write())
        cache.store(SONG, number=finished.generation)
        before = cache.generation()

        cache.invalidate(has_ratings=False)

        assert cache.generation() == before._replace(number=finished.generation + 1)
        assert cache.read().ratings == {}

    def test_invalidating_creates_nothing_for_a_user_without_ratings(
        self, cache: CheckedCache
    ) -> None:
        cache.store(SONG)

        cache.invalidate(has_ratings=False)
        assert cache.generation() == Generation()

        cache.invalidate(has_ratings=True)
        assert cache.read().ratings == {}
        assert not cache.observer.counted

    def test_a_write_that_was_not_announced_is_closed_nevertheless(
        self, cache: CheckedCache
    ) -> None:
        cache.store(SONG)

        finished = cache.close_write(None)

        settling = Generation(number=finished.generation, settling_until=NOW + 5)
        assert not finished.no_later_write
        assert cache.read() == CacheSnapshot(ratings={}, generation=settling)
