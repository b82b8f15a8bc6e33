"""Decides whether a dependency may be called, for how long, and if not, until when; no I/O.

The memory is per environment: the last seconds of one environment predict its next request, and
sharing that memory would cost every miss a call. An environment runs one request at a time, so no
second call exists during a probe.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from math import inf
from random import Random
from typing import Final, NamedTuple

from functions.ratings.metrics import Metric, Observer
from functions.ratings.models import RatingKey
from functions.shared.deadline import Clock

SHORT_SECONDS: Final = 1.5  # for Apple, if a stale copy can be served or Apple timed out
LONG_SECONDS: Final = 4.0  # for Apple to answer any other read
TELLING_SECONDS: Final = 1.0  # a time-out after less time says nothing about Apple
OPEN_SECONDS: Final = 10.0

MAX_FAILURES: Final = 5  # in a row, unless one item explains them all
MAX_TIMEOUTS: Final = 2
MAX_CUT_SHORT: Final = 3
MAX_CACHE_FAILURES: Final = 3


@dataclass(eq=False, repr=False, slots=True)
class RetryBudget:
    """Limits retries to a share of all requests: each adds `share` to at most `limit` retries."""

    share: float = 0.1
    limit: float = 10.0
    _saved: float = field(init=False)

    def __post_init__(self) -> None:
        self._saved = self.limit

    def earn(self) -> None:
        """Count a request."""
        self._saved = min(self.limit, self._saved + self.share)

    def spend(self) -> bool:
        """Use one retry; return False if none is available."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


@dataclass(eq=False, repr=False, slots=True)
class Backoff:
    """Pauses that double with each failure and halve with each success.

    They last from `first` to `limit` seconds. `jitter` shortens each by up to a half.
    """

    clock: Clock
    first: float
    limit: float
    jitter: Random | None = None
    _seconds: float = field(default=0.0, init=False)  # of the last pause, without jitter
    _until: float = field(default=-inf, init=False)

    @property
    def is_first(self) -> bool:
        """Whether the last pause was as short as a pause can be."""
        return self._seconds <= self.first

    def remaining(self) -> float:
        """Seconds until the pause ends; 0 if there is none."""
        return max(0.0, self._until - self.clock.monotonic())

    def failed(self, *, at_least: float = 0.0) -> None:
        """Start a pause of `at_least` this many seconds."""
        self._seconds = min(max(self.first, 2 * self._seconds), self.limit)
        share = 1.0 if self.jitter is None else self.jitter.uniform(0.5, 1.0)
        self._until = self.clock.monotonic() + max(at_least, self._seconds * share)

    def succeeded(self) -> None:
        """End the pause, and halve the next one."""
        self._seconds = 0.0 if self.is_first else self._seconds / 2
        self._until = -inf


class CacheBypass:
    """Bypasses the cache for 1 s after 3 failures in a row, up to 10 s; then one call probes."""

    def __init__(self, clock: Clock, observer: Observer) -> None:
        self._observer = observer
        self._backoff = Backoff(clock, first=1.0, limit=10.0)
        self._failures = 0

    @property
    def is_active(self) -> bool:
        """Whether reads bypass the cache; writes still call it."""
        return self._backoff.remaining() > 0

    def failed(self) -> None:
        """Count a call that failed."""
        self._failures += 1
        if self._failures >= MAX_CACHE_FAILURES and not self.is_active:
            self._backoff.failed()
            self._observer.count(Metric.CACHE_BYPASS_STARTED)

    def succeeded(self) -> None:
        """Count a call that succeeded."""
        self._failures = 0
        self._backoff.succeeded()


class Outcome(Enum):
    """What a call says about Apple; ANSWERED even if the answer is a 4xx or not valid."""

    ANSWERED = auto()
    RATE_LIMITED = auto()
    FAILED = auto()
    TIMED_OUT = auto()


class Attempt(NamedTuple):
    """One call to Apple for `keys`, which took `seconds`.

    With `has_stale`, the call was cut short, because a stale copy could be served. `retry_after`
    is in seconds, as Apple requires; 0 if Apple sent none.
    """

    outcome: Outcome
    keys: frozenset[RatingKey]
    seconds: float
    has_stale: bool = False
    retry_after: float = 0.0


class CircuitBreaker:
    """Opens while Apple is down; while Apple is slow, spares the requests that have a stale copy.

    It opens for 10 s after 2 time-outs in a row, or after 5 failures in a row. If all of them
    include one item, that item is broken, not Apple, and the breaker stays closed. After the 10 s,
    the next call is a probe, of at most 1.5 s and 4 s in turn. A call that a stale copy cut short
    is not a failure.

    All environments open when Apple fails. After a probe that fails, each stays open for 5 to 15 s
    at random: otherwise all would probe at once, and none could serve cache hits.
    """

    def __init__(self, clock: Clock, jitter: Random, observer: Observer) -> None:
        self._clock = clock
        self._jitter = jitter
        self._observer = observer
        self._failures = self._timeouts = self._cut_short = 0  # in a row
        self._failed_keys: frozenset[RatingKey] = frozenset()  # shared by all of these
        self._open_until = self._stale_only_until = -inf
        self._probe_seconds = SHORT_SECONDS

    def retry_after(self, *, has_stale: bool) -> float:
        """Seconds until such a request may be sent; 0 if it may be sent now."""
        until = max(self._open_until, self._stale_only_until) if has_stale else self._open_until
        return max(0.0, until - self._clock.monotonic())

    def patience(self, *, has_stale: bool, is_write: bool) -> float:
        """The most seconds that such a request waits for Apple.

        A write is not cut short: that would make its outcome unknown.
        """
        if has_stale:
            return SHORT_SECONDS
        if is_write:
            return LONG_SECONDS if self._is_open or self._timeouts else inf
        if self._is_open:
            return self._probe_seconds
        return SHORT_SECONDS if self._timeouts else LONG_SECONDS

    def record(self, attempt: Attempt) -> None:
        """Count an attempt."""
        is_timeout = attempt.outcome is Outcome.TIMED_OUT
        if attempt.outcome in (Outcome.ANSWERED, Outcome.RATE_LIMITED):
            self._answered(attempt.seconds)
        elif is_timeout and attempt.seconds < TELLING_SECONDS:
            return
        elif is_timeout and attempt.has_stale and not self._is_open:
            self._cut_short += 1
            if self._cut_short >= MAX_CUT_SHORT:
                self._stale_only_until = self._clock.monotonic() + OPEN_SECONDS
                self._observer.count(Metric.STALE_ONLY_STARTED)
        else:
            self._failed(attempt, is_timeout=is_timeout)

    @property
    def _is_open(self) -> bool:
        """Whether the breaker opened and no probe has succeeded since; a probe may be due."""
        is_down = self._failures >= MAX_FAILURES and not self._failed_keys
        return is_down or self._timeouts >= MAX_TIMEOUTS

    def _answered(self, seconds: float) -> None:
        if self._is_open:
            self._probe_seconds = SHORT_SECONDS
            self._observer.count(Metric.BREAKER_CLOSED)
        self._failures = self._timeouts = 0
        if seconds < SHORT_SECONDS:  # a slower answer would come after the stale copy
            self._cut_short = 0
            self._stale_only_until = -inf

    def _failed(self, attempt: Attempt, *, is_timeout: bool) -> None:
        was_open = self._is_open
        self._failed_keys = self._failed_keys & attempt.keys if self._failures else attempt.keys
        self._failures += 1
        self._timeouts += is_timeout
        if not self._is_open:
            return
        share = self._jitter.uniform(0.5, 1.5) if was_open else 1.0
        self._open_until = self._clock.monotonic() + OPEN_SECONDS * share
        if was_open and attempt.seconds < LONG_SECONDS / 2:
            # The long probe is for a request that can wait: no stale copy cuts it short.
            self._probe_seconds = LONG_SECONDS
            self._stale_only_until = self._open_until + OPEN_SECONDS
        else:
            self._probe_seconds = SHORT_SECONDS
        self._observer.count(Metric.BREAKER_OPENED)


class AppleAvailability:
    """Whether Apple may be called, and if not, until when: the breaker and the cool-off together.

    A rate limit counts for all users: after a 429 the environment sends nothing for 0.5 to 1 s,
    doubling to 30 s, or as long as Apple requires. Then the next call is the probe.
    """

    def __init__(self, clock: Clock, jitter: Random, observer: Observer) -> None:
        self._observer = observer
        self._cool_off = Backoff(clock, first=1.0, limit=30.0, jitter=jitter)
        self._breaker = CircuitBreaker(clock, jitter, observer)
        self.patience = self._breaker.patience

    @property
    def is_cooling_off(self) -> bool:
        """Whether Apple is not called because of its rate limit."""
        return self._cool_off.remaining() > 0

    @property
    def is_first_cool_off(self) -> bool:
        """Whether the cool-off is so short that a request may wait for its end."""
        return self._cool_off.is_first

    def retry_after(self, *, has_stale: bool) -> float:
        """Seconds until such a request may be sent; 0 if it may be sent now."""
        return max(self._cool_off.remaining(), self._breaker.retry_after(has_stale=has_stale))

    def record(self, attempt: Attempt) -> None:
        """Count an attempt."""
        self._breaker.record(attempt)
        if attempt.outcome is Outcome.RATE_LIMITED:
            self._cool_off.failed(at_least=attempt.retry_after)
            self._observer.count(Metric.COOL_OFF_STARTED)
        elif attempt.outcome is Outcome.ANSWERED:
            self._cool_off.succeeded()
