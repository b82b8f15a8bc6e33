"""What every store of ratings does, whether in memory or in DynamoDB."""

from __future__ import annotations

import pytest

from functions.ratings.cache_policy import CachedRating, Generation
from functions.ratings.models import NOT_RATED, MusicUserToken, Rating, RatingKey
from functions.ratings.service import ResponseCache

ADA = MusicUserToken("sample-user-token-ada").owner
GRACE = MusicUserToken("sample-user-token-grace").owner
SONG = RatingKey(type="library-songs", id="i.a")
CATALOG_SONG = RatingKey(type="songs", id="907242702")
NOW = 1_800_000_000.123


def cached(rating: Rating = NOT_RATED, at: float = NOW) -> CachedRating:
    return CachedRating(rating=rating, requested_at=at, generation=None)


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
        cache.store(ADA, SONG, cached(rating))

        assert cache.read(ADA, "songs", [SONG]).ratings == {SONG: cached(rating)}

    def test_the_last_of_two_stays(self, cache: ResponseCache) -> None:
        cache.store(ADA, SONG, cached(Rating("{}")))
        cache.store(ADA, SONG, cached(NOT_RATED, NOW + 1))

        assert cache.read(ADA, "songs", [SONG]).ratings == {SONG: cached(NOT_RATED, NOW + 1)}

    def test_owners_are_apart(self, cache: ResponseCache) -> None:
        cache.store(ADA, SONG, cached())

        assert cache.read(GRACE, "songs", [SONG]).ratings == {}

    def test_only_what_is_asked_for_comes_back(self, cache: ResponseCache) -> None:
        cache.store(ADA, SONG, cached())
        cache.store(ADA, CATALOG_SONG, cached(Rating("{}")))

        assert cache.read(ADA, "songs", [CATALOG_SONG]).ratings.keys() == {CATALOG_SONG}
        assert cache.read(ADA, "songs", [SONG, CATALOG_SONG]).ratings.keys() == {SONG, CATALOG_SONG}
