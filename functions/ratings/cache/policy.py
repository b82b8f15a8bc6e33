"""Decides how long a cached rating is valid, and how a write changes its family; pure.

docs/coherence.md explains the protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from heapq import nlargest
from math import ceil, floor
from typing import Any, Final, NamedTuple

from functions.ratings.models import RatingKey, Value

CLOCK_SKEW_SECONDS: Final = 1  # assumed between two environments; AWS keeps it within milliseconds
SETTLING_SECONDS: Final = 5  # after a write, Apple may still return the previous value
UNKNOWN_SECONDS: Final = 60  # a write with an unknown outcome may still take effect
STORE_SECONDS: Final = 4.5  # the longest time from reading buckets to storing them
MAX_ANSWERS: Final = 10  # per family: written values that reads can return immediately


class StoredRating(NamedTuple):
    """A value in a bucket; `requested_at` is when the request to Apple started, in epoch seconds.

    In this module, a `value` is 1, -1, or 0 for not rated.
    """

    value: Value
    requested_at: float


class Answer(NamedTuple):
    """A written value; `generation` is the family's generation after that write."""

    value: Value
    requested_at: float
    closed_at: float
    generation: int


class CachedRating(NamedTuple):
    """A value that is fresh before `fresh_until`, and then stale before `stale_until`."""

    value: Value
    requested_at: float
    fresh_until: float
    stale_until: float

    def age(self, now: float) -> int:
        """Whole seconds since the request to Apple started."""
        return max(0, floor(now - self.requested_at))

    def ttl(self, now: float) -> int:
        """Whole seconds until the value is stale; at most 0 if it is stale."""
        return ceil(self.fresh_until - now)

    def is_fresh(self, now: float) -> bool:
        """Whether the value may be served without a call to Apple."""
        return now < self.fresh_until

    def is_stale(self, now: float) -> bool:
        """Whether the value may be served only if Apple fails."""
        return self.fresh_until <= now < self.stale_until


class Bucket(NamedTuple):
    """Ratings of one type by id; the family had `generation` when they were stored."""

    ratings: Mapping[str, StoredRating | None]  # None if malformed
    generation: int | None = None

    def valid(self, now: float) -> dict[str, StoredRating]:
        """The ratings that are neither malformed nor from the future."""
        return {
            item_id: rating
            for item_id, rating in self.ratings.items()
            if rating is not None and not is_future_dated(rating.requested_at, now)
        }


class Family(NamedTuple):
    """The writes to one family of a user's ratings; times are in epoch seconds.

    `number` is the generation; None before the first update. The latest write in flight must end
    by `writing_until`; `writing_before` is the value of `writing_until` before that write started.
    """

    number: int | None = None
    writing_until: float = 0.0
    writing_before: float = 0.0
    settling_until: float = 0.0
    unknown_until: float = 0.0
    write_id: str = ""
    answers: Mapping[RatingKey, Answer] = {}

    def started(self, now: float) -> WriteStarted:
        """The latest write, which was announced at `now`."""
        return WriteStarted(
            generation=self.number or 0,
            write_id=self.write_id,
            had_concurrent_write=now <= max(self.writing_before, self.unknown_until),
            answers=self.answers,
        )

    def was_closed_by(self, started: WriteStarted) -> bool:
        """Whether the write `started` has ended, and was the only write in flight."""
        return self.write_id == started.write_id and not self.writing_until

    def is_settled(self, now: float) -> bool:
        """Whether Apple's response to a request that starts now includes every write."""
        return now > max(
            self.writing_until + SETTLING_SECONDS if self.writing_until else 0.0,
            self.settling_until,
            self.unknown_until,
        )


class CacheSnapshot(NamedTuple):
    """The content of the cache at `read_at`.

    `family` is None if it could not be read; `ratings` is then empty. `buckets` maps sort keys to
    the items into which a store merges ratings; it omits buckets that DynamoDB did not read.
    """

    read_at: float
    family: Family | None
    ratings: Mapping[RatingKey, CachedRating] = {}
    buckets: Mapping[str, Mapping[str, Any]] = {}
    invalid_count: int = 0  # items and ratings that this version cannot have written

    def accepts(self, requested_at: float, now: float) -> bool:
        """Whether Apple's response to a request that started at `requested_at` may be stored."""
        if self.family is None or not self.family.is_settled(requested_at):
            return False
        return now - self.read_at <= STORE_SECONDS


class WriteOutcome(Enum):
    """How a write ended at Apple."""

    REJECTED = "the rating is unchanged"
    CONFIRMED = "the rating has the written value"
    ACCEPTED = "Apple accepted the write, but its response does not prove the rating"
    UNKNOWN = "the write may have taken effect, or may still take effect"


class WriteStarted(NamedTuple):
    """A write that was announced to the cache; the announcement set the family's `generation`.

    With `had_concurrent_write`, an earlier write may still reach Apple, even after this one.
    `answers` are the values of earlier writes.
    """

    generation: int
    write_id: str
    had_concurrent_write: bool
    answers: Mapping[RatingKey, Answer]

    def answers_after(
        self, key: RatingKey, outcome: WriteOutcome, written: StoredRating, now: float
    ) -> Mapping[RatingKey, Answer]:
        """The family's answers if this write of `key` ends at `now` as the only write in flight.

        A rejected write changes none, and one with an unknown outcome removes all. After any other
        write, answers of other keys remain until `SETTLING_SECONDS` after their own write ended.
        """
        if outcome is WriteOutcome.REJECTED:
            return self.answers
        if outcome is WriteOutcome.UNKNOWN:
            return {}
        settling = {
            other: answer
            for other, answer in self.answers.items()
            if other != key and now < answer.closed_at + SETTLING_SECONDS
        }
        if outcome is WriteOutcome.ACCEPTED:
            return settling
        latest = nlargest(MAX_ANSWERS - 1, settling, key=lambda other: settling[other].generation)
        answer = Answer(written.value, written.requested_at, now, self.generation + 1)
        return {**{other: settling[other] for other in latest}, key: answer}


def is_future_dated(time: float, now: float) -> bool:
    """Whether a time is further in the future than clock skew explains."""
    return time - now > CLOCK_SKEW_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """How long a rating is fresh, how long it is then stale, and how long a write may take."""

    fresh_seconds: int
    stale_if_error_seconds: int
    deadline_seconds: int

    @property
    def hard_limit_seconds(self) -> int:
        """The age from which a rating is never served."""
        return self.fresh_seconds + self.stale_if_error_seconds

    def choose(
        self, stored: StoredRating | None, answer: Answer | None, family: Family, now: float
    ) -> CachedRating | None:
        """Return the later of the write's answer, if it is valid, and the bucket's value.

        The latest write's answer has the lifetime of a bucket's value. An earlier write's answer is
        valid only until Apple's responses include that write, because a later write may have
        changed the same song under another id.
        """
        if answer is not None and (stored is None or stored.requested_at <= answer.requested_at):
            settled_at = answer.closed_at + SETTLING_SECONDS
            if answer.generation == family.number:
                cached = self._cached(answer.value, answer.requested_at)
                return cached._replace(fresh_until=max(cached.fresh_until, settled_at))
            if now < settled_at:
                return CachedRating(answer.value, answer.requested_at, settled_at, settled_at)
        return None if stored is None else self._cached(stored.value, stored.requested_at)

    def merge(
        self, kept: Mapping[str, StoredRating], fetched: Mapping[str, StoredRating], now: float
    ) -> dict[str, StoredRating]:
        """A bucket's ratings after a store, the latest first; none has reached the hard limit."""
        merged = {**kept, **fetched}
        by_time = sorted(merged.items(), key=lambda each: each[1].requested_at, reverse=True)
        return {
            item_id: rating
            for item_id, rating in by_time
            if now - rating.requested_at < self.hard_limit_seconds
        }

    def expires_at(self, requested_at: float) -> int:
        """When DynamoDB may delete the rating, in epoch seconds."""
        return floor(requested_at) + self.hard_limit_seconds + CLOCK_SKEW_SECONDS

    def family_expires_at(self, now: float) -> int:
        """When DynamoDB may delete a family: after all ratings stored before `now` have expired."""
        return floor(now) + self.hard_limit_seconds + self.deadline_seconds + UNKNOWN_SECONDS

    def _cached(self, value: Value, requested_at: float) -> CachedRating:
        return CachedRating(
            value,
            requested_at,
            requested_at + self.fresh_seconds,
            requested_at + self.hard_limit_seconds,
        )
