"""Decides what a cached rating is worth, and says so; no effects, no clock of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import floor
from typing import Final

from functions.ratings.models import Rating

CLOCK_SKEW_SECONDS: Final = 1
"""How far the clocks of two environments may be apart; AWS keeps them within milliseconds."""

SETTLING_SECONDS: Final = 5
"""How long after a write Apple may still answer a read with the value before it."""

UNKNOWN_SECONDS: Final = 60
"""How long a write whose outcome nobody knows may still take effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedRating:
    """A rating as the cache holds it; `requested_at` is when Apple was asked, in epoch seconds.

    `generation` is that of the rating's family when it was stored.
    """

    rating: Rating
    requested_at: float
    generation: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """Which writes a family of one owner's ratings has seen; times are in epoch seconds.

    `number` is None where the family was never written. Apple's answers to requests that start
    before the family has settled may be older than a write, so they are not stored.
    """

    number: int | None = None
    writing_until: float = 0.0
    settling_until: float = 0.0
    unknown_until: float = 0.0

    def covers(self, cached: CachedRating) -> bool:
        """Whether no write came after the rating was stored."""
        return cached.generation == self.number

    def awaits_a_write(self, now: float) -> bool:
        """Whether a write that was announced before may still reach Apple."""
        return now <= max(self.writing_until, self.unknown_until)

    def is_settled(self, now: float) -> bool:
        """Whether Apple's answer to a request that starts now is sure to know every write."""
        return now > max(
            self.writing_until + SETTLING_SECONDS if self.writing_until else 0.0,
            self.settling_until,
            self.unknown_until,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWrite:
    """A write that has been announced, before Apple is told of it.

    `generation` is the number that the announcement gave to the family. It is `contested` where
    another write may still be on its way to Apple, in whatever order.
    """

    generation: int
    contested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedWrite:
    """A write that Apple has answered, or will not answer any more.

    It was `alone` if no other was announced since it was.
    """

    generation: int
    alone: bool


def is_last_word(opened: OpenWrite | None, closed: ClosedWrite) -> bool:
    """Whether Apple's answer to a write is sure to tell what the item's rating now is.

    `opened` is None where the announcement failed.
    """
    return opened is not None and not opened.contested and closed.alone


class Freshness(Enum):
    """What a cached rating may be used for."""

    FRESH = "fresh"
    """An answer."""

    STALE = "stale"
    """An answer only where Apple fails."""

    UNUSABLE = "unusable"
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """For how long a rating is fresh, and for how long after that it may stand in, in seconds.

    The second window is counted as `stale-if-error` is (RFC 5861 section 4). A write takes
    `deadline_seconds` at most.
    """

    fresh_seconds: int
    stale_if_error_seconds: int
    deadline_seconds: int

    def freshness(self, cached: CachedRating, now: float) -> Freshness:
        """Judge a rating by its age; one from the future has no age that could be trusted."""
        if self.is_from_the_future(cached, now):
            return Freshness.UNUSABLE
        age = now - cached.requested_at
        if age < self.fresh_seconds:
            return Freshness.FRESH
        if age < self.fresh_seconds + self.stale_if_error_seconds:
            return Freshness.STALE
        return Freshness.UNUSABLE

    def is_from_the_future(self, cached: CachedRating, now: float) -> bool:
        """Whether a rating is younger than clocks that differ could make it."""
        return now - cached.requested_at < -CLOCK_SKEW_SECONDS

    def ttl(self, cached: CachedRating, now: float) -> int:
        """Whole seconds of freshness left; below 0 for a stale rating."""
        return self.fresh_seconds - age(cached, now)

    def expires_at(self, requested_at: float) -> int:
        """When DynamoDB may delete the rating, in epoch seconds."""
        limit = self.fresh_seconds + self.stale_if_error_seconds
        return floor(requested_at) + limit + CLOCK_SKEW_SECONDS

    def writing_until(self, now: float) -> float:
        """When a write that is announced now has ended, whatever became of it."""
        return now + self.deadline_seconds

    def generation_expires_at(self, now: float) -> int:
        """When DynamoDB may forget a write: after every rating that was stored before it."""
        limit = self.fresh_seconds + self.stale_if_error_seconds + self.deadline_seconds
        return floor(now) + limit + UNKNOWN_SECONDS


def age(cached: CachedRating, now: float) -> int:
    """Whole seconds since Apple was asked."""
    return max(0, floor(now - cached.requested_at))
