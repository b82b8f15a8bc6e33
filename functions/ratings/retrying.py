"""Asks Apple once more where that may help, and not at all where it cannot.

One environment remembers for itself: what it has seen in the last seconds is what its next
request will meet, and asking others would cost every miss a call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from math import ceil
from typing import Final, Protocol

from functions.ratings.apple_music import AppleRequest, AppleResponse
from functions.ratings.deadline import Clock, Deadline
from functions.ratings.errors import (
    AppleNotAskedError,
    AppleTooSlowError,
    AppleUnreachableError,
    AppleUntrustedError,
    DependencyError,
)
from functions.ratings.metrics import Metric, Observer

Outcome = AppleResponse | DependencyError
"""What became of one exchange."""

Chance = Callable[[], float]
"""A number from 0 to 1, as `random.random`."""

LEAST_SECONDS: Final = 0.5
"""With less time than this, Apple is not asked: a write would end with its outcome unknown."""

RETRY_WITHIN_SECONDS: Final = 0.2
"""A failed request is sent again after a random time up to this (full jitter)."""

THROTTLED_SECONDS: Final = (0.5, 1.0)
"""A throttled request is sent again within these: most of Apple's throttling clears in 0.5 s."""

_TRANSIENT: Final = frozenset(
    {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
)


def retry_delay(outcome: Outcome, *, stand_in: bool, chance: Chance) -> float | None:
    """Say after how many seconds to send the same request again; None for never.

    All of Apple's ratings requests are idempotent, so a write is treated as a read. With a
    `stand_in` at hand, throttling is no reason to wait.
    """
    if isinstance(outcome, DependencyError):
        return chance() * RETRY_WITHIN_SECONDS if type(outcome) is AppleUnreachableError else None
    status, asked_to_wait = outcome.status, outcome.retry_after is not None
    if status in _TRANSIENT or (status == HTTPStatus.SERVICE_UNAVAILABLE and not asked_to_wait):
        return chance() * RETRY_WITHIN_SECONDS
    if status == HTTPStatus.TOO_MANY_REQUESTS and not stand_in:
        least, most = THROTTLED_SECONDS
        return least + chance() * (most - least)
    return None


def outcome_unknown(outcome: Outcome) -> bool:
    """Whether a write that ended so may still take effect: Apple did not say what it did."""
    if isinstance(outcome, DependencyError):
        return True
    return outcome.resent or outcome.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def is_failure(outcome: Outcome) -> bool:
    """Whether an exchange speaks for Apple being down; a strange answer or a 4xx does not."""
    if isinstance(outcome, AppleResponse):
        return outcome.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(outcome, AppleUnreachableError | AppleUntrustedError | AppleTooSlowError)


class RetryBudget:
    """Lets retries be a small share of all requests, so that they do not make an outage worse.

    Every request earns `share` of a retry, up to `most` that are saved.
    """

    def __init__(self, *, share: float = 0.1, most: float = 10.0) -> None:
        """Begin with all that can be saved."""
        self._share = share
        self._most = most
        self._saved = most

    def earn(self) -> None:
        """Count a request."""
        self._saved = min(self._most, self._saved + self._share)

    def spend(self) -> bool:
        """Take one retry, and say whether there was one."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


class Breaker:
    """Keeps requests from an Apple that is down: after `failures` in a row none for `seconds`.

    Then one request is let through; if it fails, it all begins again.
    """

    def __init__(self, clock: Clock, *, failures: int = 5, seconds: float = 10.0) -> None:
        """Begin closed: requests go through."""
        self._clock = clock
        self._failures = failures
        self._seconds = seconds
        self._in_a_row = 0
        self._open_until = float("-inf")

    def wait(self) -> float:
        """Give the seconds until a request may go through; 0 if one may now."""
        return max(0.0, self._open_until - self._clock.monotonic())

    def saw(self, outcome: Outcome) -> bool:
        """Take an exchange into account; say whether no more are to follow for a while."""
        if not is_failure(outcome):
            self._in_a_row = 0
            return False
        self._in_a_row += 1
        if self._in_a_row < self._failures:
            return False
        self._open_until = self._clock.monotonic() + self._seconds
        return True


class Exchange(Protocol):
    """One HTTP exchange with Apple Music."""

    def send(
        self, request: AppleRequest, deadline: Deadline, *, headers: Mapping[str, str]
    ) -> AppleResponse:
        """Give Apple's answer, or raise a `DependencyError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """Apple's response; `lost` if any attempt, this one included, has an unknown outcome."""

    response: AppleResponse
    lost: bool


class RetryingExchange:
    """Exchanges with Apple Music behind a breaker, with one retry where that may help."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        clock: Clock,
        sleep: Callable[[float], None],
        chance: Chance,
        observer: Observer,
    ) -> None:
        """Send by `exchange`; `observer` is told of every call, and of what is done about it."""
        self._exchange = exchange
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._observer = observer
        self.breaker = Breaker(clock)
        self.budget = RetryBudget()

    def send(
        self,
        request: AppleRequest,
        deadline: Deadline,
        *,
        headers: Mapping[str, str],
        stand_in: bool,
    ) -> Exchanged:
        """Give Apple's answer, be it to a second try; `stand_in` tells of a copy at hand.

        Raises:
            DependencyError: where there is none, or Apple is not asked.
        """
        self.allow(deadline)
        self.budget.earn()
        outcome = self._try(request, deadline, headers)
        delay = retry_delay(outcome, stand_in=stand_in, chance=self._chance)
        if delay is None or delay > deadline.remaining() - LEAST_SECONDS:
            return _exchanged(outcome)
        if self.breaker.wait() > 0 or not self.budget.spend():
            return _exchanged(outcome)
        self._sleep(delay)
        self._observer.count(Metric.UPSTREAM_RETRIED)
        again = replace(request, on_new_connection=True)
        retried = self._try(again, deadline, headers)
        return _exchanged(retried, lost=outcome_unknown(outcome))

    def send_once(
        self, request: AppleRequest, deadline: Deadline, *, headers: Mapping[str, str]
    ) -> Exchanged:
        """Return Apple's response to a single attempt.

        Raises:
            DependencyError: if there is none.
        """
        return _exchanged(self._try(request, deadline, headers))

    def allow(self, deadline: Deadline) -> None:
        """Let a request through, unless it had better not be sent.

        Raises:
            AppleNotAskedError: where Apple is down, or there is no time left.
        """
        if (wait := self.breaker.wait()) > 0:
            raise AppleNotAskedError("the breaker is open", retry_after=ceil(wait))
        if deadline.remaining() < LEAST_SECONDS:
            raise AppleNotAskedError("no time left to ask", retry_after=1)

    def _try(
        self, request: AppleRequest, deadline: Deadline, headers: Mapping[str, str]
    ) -> Outcome:
        outcome: Outcome
        started = self._clock.monotonic()
        try:
            outcome = self._exchange.send(request, deadline, headers=headers)
        except DependencyError as error:
            outcome = error
        taken = self._clock.monotonic() - started
        self._observer.measure(Metric.UPSTREAM_LATENCY, taken * 1000)
        if self.breaker.saw(outcome):
            self._observer.count(Metric.BREAKER_OPENED)
        return outcome


def _exchanged(outcome: Outcome, *, lost: bool = False) -> Exchanged:
    if isinstance(outcome, DependencyError):
        raise outcome
    return Exchanged(response=outcome, lost=lost or outcome_unknown(outcome))
