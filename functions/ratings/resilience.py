"""Decides whether a dependency may be called, and how long a call may take; no I/O.

Each Lambda environment has its own state: its last calls predict its next call, and shared state
would add a call to every miss. An environment runs one request at a time, so no other call runs
during a probe.
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

SHORT_SECONDS: Final = 1.5  # the wait for Apple if a stale copy exists, or after a timeout
LONG_SECONDS: Final = 4.0  # the wait for Apple in all other reads
MIN_TIMEOUT_SECONDS: Final = 1.0  # a shorter timeout is not a failure of Apple
OPEN_SECONDS: Final = 10.0

MAX_FAILURES: Final = 5  # in a row, unless all include the same item
MAX_TIMEOUTS: Final = 2
MAX_CUT_SHORT: Final = 3  # in a row: timeouts of requests with a stale copy
MAX_CACHE_FAILURES: Final = 3


@dataclass(eq=False, repr=False, slots=True)
class RetryBudget:
    """Limits retries: each request adds `share` of a retry, up to `limit` retries."""

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

    They last from `first` to `limit` seconds. `jitter` shortens each pause by up to half.
    """

    clock: Clock
    first: float
    limit: float
    jitter: Random | None = None
    _seconds: float = field(default=0.0, init=False)  # of the last pause, without jitter
    _until: float = field(default=-inf, init=False)

    @property
    def is_first(self) -> bool:
        """Whether the last pause was as short as the first, or there was no pause."""
        return self._seconds <= self.first

    def remaining(self) -> float:
        """Seconds until the pause ends; 0 if there is none."""
        return max(0.0, self._until - self.clock.monotonic())

    def failed(self, *, at_least: float = 0.0) -> None:
        """Start a pause; `at_least` is its minimum in seconds."""
        self._seconds = min(max(self.first, 2 * self._seconds), self.limit)
        share = 1.0 if self.jitter is None else self.jitter.uniform(0.5, 1.0)
        self._until = self.clock.monotonic() + max(at_least, self._seconds * share)

    def succeeded(self) -> None:
        """End the pause, and halve the next one."""
        self._seconds = 0.0 if self.is_first else self._seconds / 2
        self._until = -inf


class CacheBypass:
    """Bypasses the cache for 1 to 10 s after 3 failures in a row; then one call is a probe."""

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
    """How a call to Apple ended; ANSWERED includes 4xx and invalid responses."""

    ANSWERED = auto()
    RATE_LIMITED = auto()
    FAILED = auto()
    TIMED_OUT = auto()


class Attempt(NamedTuple):
    """One call to Apple for `keys`, which took `seconds`.

    With `has_stale`, the call had only `SHORT_SECONDS`, because a stale copy could be served.
    `retry_after` is Apple's `Retry-After` in seconds; 0 if Apple sent none.
    """

    outcome: Outcome
    keys: frozenset[RatingKey]
    seconds: float
    has_stale: bool = False
    retry_after: float = 0.0


class CircuitBreaker:
    """Opens while Apple is down; while Apple is slow, blocks only requests that have a stale copy.

    It opens for 10 s after 2 timeouts in a row, or after 5 failures in a row, unless all of them
    include one item: then the item is broken, not Apple. After the 10 s, the next call is a probe,
    which may take 1.5 s or, alternately, 4 s. If a request with a stale copy times out, this is not
    a failure; after 3 such timeouts in a row, requests with a stale copy are blocked for 10 s.

    When Apple fails, the breakers of all environments open. An environment serves no cache hits
    during its probe, so not all should probe at once: after a failed probe, each breaker stays
    open for 5 to 15 s at random.
    """

    def __init__(self, clock: Clock, jitter: Random, observer: Observer) -> None:
        self._clock = clock
        self._jitter = jitter
        self._observer = observer
        self._failures = self._timeouts = self._cut_short = 0  # in a row
        self._failed_keys: frozenset[RatingKey] = frozenset()  # that all these failures include
        self._open_until = self._stale_only_until = -inf
        self._probe_seconds = SHORT_SECONDS

    def retry_after(self, *, has_stale: bool) -> float:
        """Seconds until a request may be sent, 0 if now; possibly more if it has a stale copy."""
        until = max(self._open_until, self._stale_only_until) if has_stale else self._open_until
        return max(0.0, until - self._clock.monotonic())

    def patience(self, *, has_stale: bool, is_write: bool) -> float:
        """The maximum time in seconds to wait for Apple's response.

        A write may take longer, because its outcome is unknown after a timeout.
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
        elif is_timeout and attempt.seconds < MIN_TIMEOUT_SECONDS:
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
        if seconds < SHORT_SECONDS:  # a slower response is too late if a stale copy exists
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
            # Requests with a stale copy are blocked, so that the probe may take the longer time.
            self._probe_seconds = LONG_SECONDS
            self._stale_only_until = self._open_until + OPEN_SECONDS
        else:
            self._probe_seconds = SHORT_SECONDS
        self._observer.count(Metric.BREAKER_OPENED)


class AppleAvailability:
    """Combines the circuit breaker with the cool-off after a 429.

    All users share the rate limit. After a 429, the environment sends nothing for 0.5 to 1 s, or
    for Apple's `Retry-After` if that is longer. Each further 429 doubles the pause, up to 30 s.
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
        """Whether the cool-off is short enough for a request to wait for its end."""
        return self._cool_off.is_first

    def retry_after(self, *, has_stale: bool) -> float:
        """Seconds until a request may be sent, 0 if now; possibly more if it has a stale copy."""
        return max(self._cool_off.remaining(), self._breaker.retry_after(has_stale=has_stale))

    def record(self, attempt: Attempt) -> None:
        """Count an attempt."""
        self._breaker.record(attempt)
        if attempt.outcome is Outcome.RATE_LIMITED:
            self._cool_off.failed(at_least=attempt.retry_after)
            self._observer.count(Metric.COOL_OFF_STARTED)
        elif attempt.outcome is Outcome.ANSWERED:
            self._cool_off.succeeded()
