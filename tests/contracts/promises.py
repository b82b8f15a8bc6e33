"""Computes the values that the cache's promises allow a read to return after given writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from functions.ratings.models import RatingKey
from tests.fakes.apple_music import FakeAppleMusic, Value

# The promised limits; tests fail if the function uses different limits.
DEADLINE_SECONDS: Final = 6.0
SETTLING_SECONDS: Final = 5.0
UNKNOWN_SECONDS: Final = 60.0
READABLE_WRITES: Final = 10


@dataclass(eq=False)
class Write:
    """A write; its close starts at `closing_at`.

    `ended_at` is None while the write is in flight, or if it died.
    It `is_exact` if it overlaps with no other write and its outcome is known. A write that died or
    is not exact overlaps with every write that begins until `overlaps_until`.
    """

    key: RatingKey
    value: Value
    overlaps_until: float = 0.0
    closing_at: float = 0.0
    ended_at: float | None = None
    is_exact: bool = True


class Promises:
    """The `writes` of one user in one family; two clocks differ by at most `skew` seconds."""

    def __init__(self, apple: FakeAppleMusic, token: str, *, skew: float) -> None:
        self.writes: list[Write] = []
        self._apple = apple
        self._token = token
        self._skew = skew

    def begin(self, write: Write) -> None:
        """Record the first effect of a write."""
        now = self._apple.clock.time()
        for other in self.writes:
            is_open = other.ended_at is None or not other.is_exact
            if is_open and now <= other.overlaps_until:
                other.is_exact = write.is_exact = False
        write.overlaps_until = now + DEADLINE_SECONDS + self._skew
        self.writes.append(write)

    def failed(self, write: Write, *, outcome_unknown: bool) -> None:
        """Record that a write failed."""
        if outcome_unknown:
            write.is_exact = False
            write.overlaps_until = self._apple.clock.time() + UNKNOWN_SECONDS + self._skew
        elif write.is_exact:
            self.writes.remove(write)

    def allowed(self, key: RatingKey) -> list[Value]:
        """Return the values that a read may return now; none is older than an exact write."""
        now = self._apple.clock.time()
        since = now - SETTLING_SECONDS - self._skew
        own = self._exact_writes().get(key)
        if own is None or own.ended_at is None or own.ended_at < since:
            return self._apple.values(self._token, key.id, since)
        if now >= own.closing_at + SETTLING_SECONDS - self._skew:
            return [own.value, *self._apple.values(self._token, key.id, own.ended_at)]
        in_flight = [each for each in self.writes if each.ended_at is None]
        return [own.value, *(each.value for each in in_flight if each.key == key)]

    def _exact_writes(self) -> Mapping[RatingKey, Write]:
        """Return, by item, the latest writes whose values a client must read."""
        found: dict[RatingKey, Write] = {}
        for write in reversed(self.writes):
            if not write.is_exact or len(found) == READABLE_WRITES:
                break
            if write.ended_at is not None:
                found.setdefault(write.key, write)
        return found
