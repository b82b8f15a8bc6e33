"""A response cache in memory, which can be made to fail."""

from __future__ import annotations

from collections.abc import Collection

from functions.ratings.cache_policy import CachedRating, Generation
from functions.ratings.errors import CacheUnavailableError
from functions.ratings.models import RatingKey
from functions.ratings.response_cache import CacheSnapshot


class FakeResponseCache:
    """Keeps ratings by owner and key; `reads` and `stores` count what was asked of it."""

    def __init__(self) -> None:
        self.reads = 0
        self.stores = 0
        self.reads_fail = False
        self.stores_fail = False
        self.ratings: dict[tuple[str, RatingKey], CachedRating] = {}
        self.generations: dict[tuple[str, str], Generation | None] = {}

    def read(self, owner: str, family: str, keys: Collection[RatingKey]) -> CacheSnapshot:
        self.reads += 1
        if self.reads_fail:
            raise CacheUnavailableError("told to fail")
        generation = self.generations.get((owner, family), Generation())
        if generation is None:
            return CacheSnapshot(ratings={}, generation=None)
        held = {key: self.ratings[owner, key] for key in keys if (owner, key) in self.ratings}
        return CacheSnapshot(
            ratings={key: cached for key, cached in held.items() if generation.covers(cached)},
            generation=generation,
        )

    def store(self, owner: str, key: RatingKey, cached: CachedRating) -> None:
        self.stores += 1
        if self.stores_fail:
            raise CacheUnavailableError("told to fail")
        self.ratings[owner, key] = cached
