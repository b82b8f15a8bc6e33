"""Decides, for the ratings that a request asks for, which the cache can give; no effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from functions.ratings.cache_policy import (
    CachedRating,
    CachePolicy,
    Freshness,
    age,
)
from functions.ratings.cache_status import STALE_IF_ERROR, CacheStatus
from functions.ratings.models import NOT_RATED, Rating, RatingKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The answer to a read: ratings in the order asked, what the cache did, and its age.

    `age` is that of the oldest part that came from the cache, in seconds; None if none did.
    """

    ratings: tuple[Rating, ...]
    cache_status: CacheStatus
    age: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPlan:
    """What to do for `keys`: which cached ratings are an answer, which only stand in.

    `fresh` and `stale` are what the cache holds; `now` is when they were judged.
    """

    keys: tuple[RatingKey, ...]
    fresh: Mapping[RatingKey, CachedRating]
    stale: Mapping[RatingKey, CachedRating]
    policy: CachePolicy
    now: float

    @property
    def wanted(self) -> tuple[RatingKey, ...]:
        """The keys that Apple is to be asked for."""
        return tuple(key for key in self.keys if key not in self.fresh)

    @property
    def has_stand_in(self) -> bool:
        """Whether the cache can answer all of it if Apple fails."""
        return all(key in self.fresh or key in self.stale for key in self.keys)

    @property
    def reason(self) -> str:
        """Why Apple is asked, as RFC 9211's `fwd` parameter."""
        if self.fresh:
            return "partial"
        return "stale" if self.has_stand_in else "miss"

    def hit(self) -> Reading:
        """The answer where all is fresh."""
        return self._from_cache(CacheStatus(ttl=self._least_ttl()))

    def stale_if_error(self, *, asked: bool) -> Reading:
        """The answer where Apple failed, or was not asked, and the cache has a stand-in."""
        fwd = self.reason if asked else None
        return self._from_cache(CacheStatus(fwd=fwd, ttl=self._least_ttl(), detail=STALE_IF_ERROR))

    def answered(self, fetched: Mapping[RatingKey, Rating], *, stored: bool) -> Reading:
        """The response where Apple was called; a key that it left out unproven is not rated."""
        known = {key: cached.rating for key, cached in self.fresh.items()} | dict(fetched)
        return Reading(
            ratings=tuple(known.get(key, NOT_RATED) for key in self.keys),
            cache_status=CacheStatus(fwd=self.reason, stored=stored),
            age=self._oldest(self.fresh),
        )

    def _from_cache(self, cache_status: CacheStatus) -> Reading:
        cached = {**self.fresh, **self.stale}
        return Reading(
            ratings=tuple(cached[key].rating for key in self.keys),
            cache_status=cache_status,
            age=self._oldest(cached),
        )

    def _oldest(self, cached: Mapping[RatingKey, CachedRating]) -> int | None:
        return max((age(rating, self.now) for rating in cached.values()), default=None)

    def _least_ttl(self) -> int:
        cached = (*self.fresh.values(), *self.stale.values())
        return min(self.policy.ttl(rating, self.now) for rating in cached)


def plan_read(
    keys: Sequence[RatingKey],
    cached: Mapping[RatingKey, CachedRating],
    policy: CachePolicy,
    now: float,
) -> ReadPlan:
    """Judge what the cache holds of `keys` at `now`, in epoch seconds."""
    judged = {key: policy.freshness(rating, now) for key, rating in cached.items()}
    return ReadPlan(
        keys=tuple(keys),
        fresh={key: cached[key] for key in judged if judged[key] is Freshness.FRESH},
        stale={key: cached[key] for key in judged if judged[key] is Freshness.STALE},
        policy=policy,
        now=now,
    )
