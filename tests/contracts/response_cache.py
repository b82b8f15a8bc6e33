"""What every store of ratings does, whether in memory or in DynamoDB."""

from __future__ import annotations

import pytest

from functions.ratings.cache_policy import CachedRating, CachePolicy, ClosedWrite, Generation
from functions.ratings.models import NOT_RATED, MusicUserToken, Rating, RatingKey
from functions.ratings.service import ResponseCache

POLICY = CachePolicy(fresh_seconds=60, stale_if_error_seconds=3600, deadline_seconds=6)
ADA = MusicUserToken("sample-user-token-ada").owner
GRACE = MusicUserToken("sample-user-token-grace").owner
SONG = RatingKey(type="library-songs", id="i.a")
CATALOG_SONG = RatingKey(type="songs", id="907242702")
HUNDRED = [RatingKey(type="songs", id=str(number)) for number in range(100)]
NOW = 1_800_000_000.123


def cached(
    rating: Rating = NOT_RATED, at: float = NOW, generation: int | None = None
) -> CachedRating:
    return CachedRating(rating=rating, requested_at=at, generation=generation)


class ResponseCacheContract:
    """Inherit, and give a fixture `cache`."""

    def test_what_was_never_stored_is_not_there(self, cache: ResponseCache) -> None:
        snapshot = cache.read(ADA, "songs", [SONG])

        assert snapshot.ratings == {}
        assert snapshot.generation == Generation()

    @pytest.mark.parametrize(
        "rating", [NOT_RATED, Rating('{"id":"i.a","n":"\\u00df"}'), Rating("{" + " " * 9000 + "}")]
    )
    def test_what_was_stored_comes_back_whole(self, cache: ResponseCache, rating: Rating) -> None:
        cache.store(ADA, {SONG: cached(rating)})

        assert cache.read(ADA, "songs", [SONG]).ratings == {SONG: cached(rating)}

    def test_the_last_of_two_stays(self, cache: ResponseCache) -> None:
        cache.store(ADA, {SONG: cached(Rating("{}"))})
        cache.store(ADA, {SONG: cached(NOT_RATED, NOW + 1)})

        assert cache.read(ADA, "songs", [SONG]).ratings == {SONG: cached(NOT_RATED, NOW + 1)}

    def test_owners_are_apart(self, cache: ResponseCache) -> None:
        cache.store(ADA, {SONG: cached()})

        assert cache.read(GRACE, "songs", [SONG]).ratings == {}

    def test_only_what_is_asked_for_comes_back(self, cache: ResponseCache) -> None:
        cache.store(ADA, {SONG: cached(), CATALOG_SONG: cached(Rating("{}"))})

        assert cache.read(ADA, "songs", [CATALOG_SONG]).ratings.keys() == {CATALOG_SONG}
        assert cache.read(ADA, "songs", [SONG, CATALOG_SONG]).ratings.keys() == {SONG, CATALOG_SONG}

    def test_a_hundred_are_stored_and_read(self, cache: ResponseCache) -> None:
        ratings = {key: cached(Rating(f'{{"id":"{key.id}"}}')) for key in HUNDRED}

        cache.store(ADA, ratings)

        assert cache.read(ADA, "songs", HUNDRED).ratings == ratings

    def test_a_write_makes_all_that_was_stored_before_old(self, cache: ResponseCache) -> None:
        cache.store(ADA, {SONG: cached(), CATALOG_SONG: cached()})

        cache.open_write(ADA, "songs", NOW)

        assert cache.read(ADA, "songs", [SONG, CATALOG_SONG]).ratings == {}

    def test_a_write_leaves_other_families_and_owners_alone(self, cache: ResponseCache) -> None:
        album = RatingKey(type="albums", id="1")
        cache.store(ADA, {album: cached()})
        cache.store(GRACE, {SONG: cached()})

        cache.open_write(ADA, "songs", NOW)

        assert cache.read(ADA, "albums", [album]).ratings.keys() == {album}
        assert cache.read(GRACE, "songs", [SONG]).ratings.keys() == {SONG}

    def test_what_is_stored_under_the_new_generation_counts(self, cache: ResponseCache) -> None:
        opened = cache.open_write(ADA, "songs", NOW)
        closed = cache.close_write(ADA, "songs", opened, NOW + 1, unknown=False)

        cache.store(ADA, {SONG: cached(generation=closed.generation)})

        assert cache.read(ADA, "songs", [SONG]).ratings.keys() == {SONG}
        cache.store(ADA, {SONG: cached(generation=opened.generation)})
        assert cache.read(ADA, "songs", [SONG]).ratings == {}

    def test_a_write_tells_when_it_ends_and_then_settles(self, cache: ResponseCache) -> None:
        opened = cache.open_write(ADA, "songs", NOW)
        assert cache.read(ADA, "songs", []).generation == Generation(
            number=opened.generation, writing_until=NOW + 6
        )

        closed = cache.close_write(ADA, "songs", opened, NOW + 1, unknown=False)
        assert (opened.contested, closed.alone) == (False, True)
        assert cache.read(ADA, "songs", []).generation == Generation(
            number=opened.generation + 1, settling_until=NOW + 6
        )

    def test_an_unknown_outcome_settles_later_whatever_follows(self, cache: ResponseCache) -> None:
        opened = cache.open_write(ADA, "songs", NOW)
        cache.close_write(ADA, "songs", opened, NOW + 1, unknown=True)
        again = cache.open_write(ADA, "songs", NOW + 2)
        closed = cache.close_write(ADA, "songs", again, NOW + 3, unknown=False)

        assert cache.read(ADA, "songs", []).generation == Generation(
            number=closed.generation,
            writing_until=NOW + 8,
            settling_until=NOW + 8,
            unknown_until=NOW + 61,
        )

    def test_a_write_that_meets_another_is_contested_and_neither_is_alone(
        self, cache: ResponseCache
    ) -> None:
        first = cache.open_write(ADA, "songs", NOW)
        second = cache.open_write(ADA, "songs", NOW + 1)
        assert (first.contested, second.contested) == (False, True)

        assert not cache.close_write(ADA, "songs", first, NOW + 2, unknown=False).alone
        assert not cache.close_write(ADA, "songs", second, NOW + 3, unknown=False).alone
        generation = cache.read(ADA, "songs", []).generation
        assert generation is not None
        assert generation.writing_until == NOW + 7

    def test_a_contested_write_that_ends_first_keeps_the_others_announcement(
        self, cache: ResponseCache
    ) -> None:
        first = cache.open_write(ADA, "songs", NOW)
        second = cache.open_write(ADA, "songs", NOW + 1)

        assert cache.close_write(ADA, "songs", second, NOW + 2, unknown=False).alone
        assert not cache.close_write(ADA, "songs", first, NOW + 3, unknown=False).alone
        generation = cache.read(ADA, "songs", []).generation
        assert generation is not None
        assert generation.writing_until == NOW + 7

    def test_a_write_that_died_contests_until_its_time_is_up(self, cache: ResponseCache) -> None:
        cache.open_write(ADA, "songs", NOW)
        assert cache.open_write(ADA, "songs", NOW + 6).contested
        assert not cache.open_write(ADA, "songs", NOW + 12.001).contested

    def test_while_a_lost_write_may_still_land_another_is_contested(
        self, cache: ResponseCache
    ) -> None:
        lost = cache.open_write(ADA, "songs", NOW)
        cache.close_write(ADA, "songs", lost, NOW + 1, unknown=True)

        assert cache.open_write(ADA, "songs", NOW + 61).contested
        later = NOW + 67.1
        assert not cache.open_write(ADA, "songs", later).contested

    def test_a_refusal_makes_all_of_a_family_old(self, cache: ResponseCache) -> None:
        opened = cache.open_write(ADA, "songs", NOW)
        closed = cache.close_write(ADA, "songs", opened, NOW, unknown=False)
        cache.store(ADA, {SONG: cached(generation=closed.generation)})

        cache.refuse(ADA, "songs", NOW, known=False)

        assert cache.read(ADA, "songs", [SONG]).ratings == {}

    def test_a_refusal_leaves_nothing_of_a_stranger(self, cache: ResponseCache) -> None:
        cache.store(ADA, {SONG: cached()})

        cache.refuse(ADA, "songs", NOW, known=False)
        assert cache.read(ADA, "songs", [SONG]).generation == Generation()

        cache.refuse(ADA, "songs", NOW, known=True)
        assert cache.read(ADA, "songs", [SONG]).ratings == {}

    def test_a_write_that_was_not_announced_is_closed_all_the_same(
        self, cache: ResponseCache
    ) -> None:
        cache.store(ADA, {SONG: cached()})

        closed = cache.close_write(ADA, "songs", None, NOW, unknown=False)

        snapshot = cache.read(ADA, "songs", [SONG])
        assert snapshot.generation is not None
        assert snapshot.generation.number == closed.generation
        assert closed == ClosedWrite(generation=closed.generation, alone=False)
        assert snapshot.ratings == {}

    def test_numbers_begin_at_the_clock_and_only_grow(self, cache: ResponseCache) -> None:
        first = cache.open_write(ADA, "songs", NOW)
        second = cache.open_write(ADA, "songs", NOW)
        closed = cache.close_write(ADA, "songs", second, NOW, unknown=False)

        assert first.generation == 1_800_000_000_124
        assert [second.generation, closed.generation] == [1_800_000_000_125, 1_800_000_000_126]
