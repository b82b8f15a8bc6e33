"""Decides which of the requested ratings the cache can serve; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from functions.ratings.cache.policy import CachedRating, CacheSnapshot
from functions.ratings.cache.status import STALE_IF_ERROR, CacheStatus
from functions.ratings.errors import RatingsError
from functions.ratings.models import NOT_RATED, Rating, RatingKey, rating_of


class ReadResult(NamedTuple):
    """The ratings in the requested order, or the `error` that replaces them.

    `age` is the age in seconds of the oldest rating from the cache; None if all are from Apple.
    """

    cache_status: CacheStatus
    ratings: tuple[Rating, ...] = ()
    age: int | None = None
    error: RatingsError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheLookup:
    """The requested `keys`, and their cached ratings that are fresh or stale at `now`."""

    keys: tuple[RatingKey, ...]
    fresh: Mapping[RatingKey, CachedRating]
    stale: Mapping[RatingKey, CachedRating]
    cache_was_read: bool
    now: float

    @classmethod
    def of(
        cls, keys: tuple[RatingKey, ...], snapshot: CacheSnapshot | None, now: float
    ) -> CacheLookup:
        """Classify the cached ratings; `snapshot` is None if the cache was not read."""
        ratings = {} if snapshot is None else snapshot.ratings
        return cls(
            keys=keys,
            fresh={key: each for key, each in ratings.items() if each.is_fresh(now)},
            stale={key: each for key, each in ratings.items() if each.is_stale(now)},
            cache_was_read=snapshot is not None,
            now=now,
        )

    @property
    def missing(self) -> tuple[RatingKey, ...]:
        """The keys to request from Apple."""
        return tuple(key for key in self.keys if key not in self.fresh)

    @property
    def has_stale(self) -> bool:
        """Whether fresh and stale copies together can replace Apple's response."""
        return all(key in self.fresh or key in self.stale for key in self.keys)

    @property
    def forward_reason(self) -> str:
        """The reason for a call to Apple, as the `fwd` parameter of RFC 9211."""
        if not self.cache_was_read:
            return "bypass"
        if self.fresh:
            return "partial"
        return "stale" if self.has_stale else "miss"

    def hit(self) -> ReadResult:
        """The result if every key is fresh."""
        return self._from_cache(CacheStatus(ttl=self._least_ttl()))

    def serve_stale(self, *, apple_called: bool) -> ReadResult:
        """The result if Apple failed or was not called, and stale copies are served."""
        fwd = self.forward_reason if apple_called else None
        return self._from_cache(CacheStatus(fwd=fwd, ttl=self._least_ttl(), detail=STALE_IF_ERROR))

    def fetched(self, ratings: Mapping[RatingKey, Rating], *, stored: bool) -> ReadResult:
        """The result with Apple's response; a `missing` key that it omits is not rated."""
        known = {key: rating_of(key, cached.value) for key, cached in self.fresh.items()}
        known |= ratings
        return ReadResult(
            ratings=tuple(known.get(key, NOT_RATED) for key in self.keys),
            cache_status=CacheStatus(fwd=self.forward_reason, stored=stored),
            age=self._oldest(self.fresh),
        )

    def failed(self, error: RatingsError) -> ReadResult:
        """The result if Apple failed, rejected the request or was not called: the error."""
        return ReadResult(error=error, cache_status=CacheStatus(fwd=self.forward_reason))

    def _from_cache(self, cache_status: CacheStatus) -> ReadResult:
        cached = {**self.fresh, **self.stale}
        return ReadResult(
            ratings=tuple(rating_of(key, cached[key].value) for key in self.keys),
            cache_status=cache_status,
            age=self._oldest(cached),
        )

    def _oldest(self, cached: Mapping[RatingKey, CachedRating]) -> int | None:
        return max((rating.age(self.now) for rating in cached.values()), default=None)

    def _least_ttl(self) -> int:
        cached = (*self.fresh.values(), *self.stale.values())
        return min(rating.ttl(self.now) for rating in cached)
