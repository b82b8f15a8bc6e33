"""Decides how long a cached rating may be served, and when a write makes it invalid; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from typing import Final, NamedTuple

from functions.ratings.models import Rating, RatingKey

CLOCK_SKEW_SECONDS: Final = 1  # between two environments; AWS keeps it within milliseconds
SETTLING_SECONDS: Final = 5  # after a write, Apple may still return the value before it
UNKNOWN_SECONDS: Final = 60  # a write with an unknown outcome may still take effect


class CachedRating(NamedTuple):
    """A cached rating; `requested_at` is when the request to Apple started, in epoch seconds.

    `generation` is that of the rating's family when it was stored.
    """

    rating: Rating
    requested_at: float
    generation: int | None

    def age(self, now: float) -> int:
        """Whole seconds since the request to Apple started."""
        return max(0, floor(now - self.requested_at))

    def is_future_dated(self, now: float) -> bool:
        """Whether the rating is younger than clock skew explains."""
        return now - self.requested_at < -CLOCK_SKEW_SECONDS


def cached_ratings(
    ratings: Mapping[RatingKey, Rating], requested_at: float, generation: int | None
) -> dict[RatingKey, CachedRating]:
    """Ratings as they are stored."""
    return {
        key: CachedRating(rating=rating, requested_at=requested_at, generation=generation)
        for key, rating in ratings.items()
    }


class Generation(NamedTuple):
    """The writes to one family of a user's ratings; times are in epoch seconds.

    `number` is None if the family was never written. Apple's response to a request that starts
    before the family has settled may be older than a write, so it is not stored.
    """

    number: int | None = None
    writing_until: float = 0.0
    settling_until: float = 0.0
    unknown_until: float = 0.0

    def covers(self, cached: CachedRating) -> bool:
        """Whether no write started since the rating was stored."""
        return cached.generation == self.number

    def has_write_in_flight(self, now: float) -> bool:
        """Whether an earlier write may still reach Apple."""
        return now <= max(self.writing_until, self.unknown_until)

    def is_settled(self, now: float) -> bool:
        """Whether Apple's response to a request that starts now includes every write."""
        return now > max(
            self.writing_until + SETTLING_SECONDS if self.writing_until else 0.0,
            self.settling_until,
            self.unknown_until,
        )


class WriteStarted(NamedTuple):
    """A write that was announced to the cache; `generation` is the family's number since then.

    With `had_concurrent_write`, another write may reach Apple before or after this one.
    """

    generation: int
    had_concurrent_write: bool


class WriteFinished(NamedTuple):
    """A write that has ended; `no_later_write` if no other write started since it did."""

    generation: int
    no_later_write: bool


def is_cacheable(started: WriteStarted | None, finished: WriteFinished) -> bool:
    """Whether a write's value is certain to be the item's value now."""
    return started is not None and not started.had_concurrent_write and finished.no_later_write


class CacheSnapshot(NamedTuple):
    """The cached ratings; `generation` is None if it could not be read, and then there are none."""

    ratings: Mapping[RatingKey, CachedRating]
    generation: Generation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """How long a rating is fresh, how long it is stale after that, and the longest write."""

    fresh_seconds: int
    stale_if_error_seconds: int
    deadline_seconds: int

    @property
    def hard_limit_seconds(self) -> int:
        """The age from which a rating is never served."""
        return self.fresh_seconds + self.stale_if_error_seconds

    def is_fresh(self, cached: CachedRating, now: float) -> bool:
        """Whether a rating may be served without a call to Apple."""
        is_young = now - cached.requested_at < self.fresh_seconds
        return is_young and not cached.is_future_dated(now)

    def is_stale(self, cached: CachedRating, now: float) -> bool:
        """Whether a rating may be served only if Apple fails."""
        return self.fresh_seconds <= now - cached.requested_at < self.hard_limit_seconds

    def ttl(self, cached: CachedRating, now: float) -> int:
        """Whole seconds of freshness left; negative for a stale rating."""
        return self.fresh_seconds - cached.age(now)

    def expires_at(self, requested_at: float) -> int:
        """When DynamoDB may delete the rating, in epoch seconds."""
        return floor(requested_at) + self.hard_limit_seconds + CLOCK_SKEW_SECONDS

    def generation_expires_at(self, now: float) -> int:
        """When DynamoDB may delete a generation: after every rating stored before it."""
        return floor(now) + self.hard_limit_seconds + self.deadline_seconds + UNKNOWN_SECONDS
