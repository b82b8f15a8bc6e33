"""Repeats a request to Apple once if that may help, and sends none while Apple is down.

The memory is per environment: the last seconds of one environment predict its next request, and
sharing that memory would cost every miss a call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from math import ceil
from random import Random
from typing import Final, NamedTuple

from functions.ratings import errors
from functions.ratings.metrics import Metric, Observer
from functions.shared.deadline import Clock, Deadline
from functions.shared.http import messages

Send = Callable[[messages.Request, Deadline], messages.Response]  # `Transport.send`
Result = messages.Response | errors.DependencyError  # of one attempt

MIN_CALL_SECONDS: Final = 0.5  # with less, a write would probably end with an unknown outcome
RETRY_SECONDS: Final = 0.2  # a failed request is repeated within this time, with full jitter
RATE_LIMITED_SECONDS: Final = (0.5, 1.0)  # a rate-limited request is repeated within these

# The idle limit of a repeated request: only one attempt can meet a dead connection.
NEW_CONNECTION: Final = -1.0

_ERRORS: Final[Mapping[type[messages.TransportError], type[errors.DependencyError]]] = {
    messages.ConnectError: errors.AppleUnreachableError,
    messages.ConnectionLostError: errors.AppleUnreachableError,
    messages.TlsError: errors.AppleTlsError,
    messages.ExchangeTimeoutError: errors.AppleTimeoutError,
}
_TRANSIENT: Final = frozenset(
    {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
)


def retry_delay(result: Result, *, has_stale: bool, jitter: Random) -> float | None:
    """The seconds until the same request is repeated; None for never.

    All of Apple's ratings requests are idempotent, so a write is repeated like a read. If a stale
    copy can be served, a rate limit is not waited for.
    """
    if isinstance(result, errors.DependencyError):
        is_lost = type(result) is errors.AppleUnreachableError
        return jitter.uniform(0, RETRY_SECONDS) if is_lost else None
    status = result.status
    is_unavailable = status == HTTPStatus.SERVICE_UNAVAILABLE and result.retry_after is None
    if status in _TRANSIENT or is_unavailable:
        return jitter.uniform(0, RETRY_SECONDS)
    if status == HTTPStatus.TOO_MANY_REQUESTS and not has_stale:
        return jitter.uniform(*RATE_LIMITED_SECONDS)
    return None


def outcome_unknown(result: Result) -> bool:
    """Whether a write with this result may still take effect."""
    if isinstance(result, errors.DependencyError):
        return True
    return result.resent or result.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def is_failure(result: Result) -> bool:
    """Whether a result suggests that Apple is down; a 4xx or an invalid response does not."""
    if isinstance(result, messages.Response):
        return result.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(result, errors.AppleUnreachableError | errors.AppleTimeoutError)


@dataclass(eq=False, repr=False)
class RetryBudget:
    """Limits retries to a share of all requests: each earns `share`, up to `limit` are saved."""

    share: float = 0.1
    limit: float = 10.0

    def __post_init__(self) -> None:
        self._saved = self.limit

    def earn(self) -> None:
        """Count a request."""
        self._saved = min(self.limit, self._saved + self.share)

    def spend(self) -> bool:
        """Take one retry; return whether there was one."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


@dataclass(eq=False, repr=False)
class CircuitBreaker:
    """Opens for `seconds` after `failures` in a row; then one request decides whether it closes."""

    clock: Clock
    failures: int = 5
    seconds: float = 10.0
    _in_a_row: int = field(default=0, init=False)
    _open_until: float = field(default=float("-inf"), init=False)

    def retry_after(self) -> float:
        """Seconds until a request may be sent; 0 if one may be sent now."""
        return max(0.0, self._open_until - self.clock.monotonic())

    def record(self, result: Result) -> bool:
        """Count a result; return whether it opened the breaker."""
        if not is_failure(result):
            self._in_a_row = 0
            return False
        self._in_a_row += 1
        if self._in_a_row < self.failures:
            return False
        self._open_until = self.clock.monotonic() + self.seconds
        return True


class Attempted(NamedTuple):
    """The last response, and whether any attempt of a write may still take effect."""

    response: messages.Response
    outcome_unknown: bool


class ResilientClient:
    """Sends requests to Apple behind a circuit breaker, with at most one retry."""

    def __init__(
        self,
        send: Send,
        *,
        clock: Clock,
        sleep: Callable[[float], None],
        random: Random,
        observer: Observer,
    ) -> None:
        self._send = send
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._observer = observer
        self.breaker = CircuitBreaker(clock)
        self.budget = RetryBudget()

    def send(self, request: messages.Request, deadline: Deadline, *, has_stale: bool) -> Attempted:
        """Return Apple's response, possibly to a second attempt; else raise a `DependencyError`."""
        self.check_available(deadline)
        self.budget.earn()
        result = self._attempt(request, deadline)
        delay = retry_delay(result, has_stale=has_stale, jitter=self._random)
        if delay is None or delay > deadline.remaining() - MIN_CALL_SECONDS:
            return _attempted(result)
        if self.breaker.retry_after() > 0 or not self.budget.spend():
            return _attempted(result)
        self._sleep(delay)
        self._observer.count(Metric.UPSTREAM_RETRIED)
        retried = self._attempt(replace(request, max_idle_seconds=NEW_CONNECTION), deadline)
        return _attempted(retried, earlier_unknown=outcome_unknown(result))

    def send_once(self, request: messages.Request, deadline: Deadline) -> Attempted:
        """Return Apple's response to a single attempt, or raise a `DependencyError`."""
        return _attempted(self._attempt(request, deadline))

    def check_available(self, deadline: Deadline) -> None:
        """Raise an `AppleNotCalledError` if Apple is down or too little time remains."""
        if (wait := self.breaker.retry_after()) > 0:
            raise errors.CircuitOpenError("the breaker is open", retry_after=ceil(wait))
        if deadline.remaining() < MIN_CALL_SECONDS:
            raise errors.DeadlineExceededError("too little time remains for a call", retry_after=1)

    def _attempt(self, request: messages.Request, deadline: Deadline) -> Result:
        result: Result
        started = self._clock.monotonic()
        try:
            result = self._send(request, deadline)
        except messages.TransportError as error:
            # Returned, not raised: a context would keep the response in memory.
            result = _ERRORS.get(type(error), errors.InvalidAppleResponseError)(str(error))
        seconds = self._clock.monotonic() - started
        self._observer.measure(Metric.UPSTREAM_LATENCY, seconds * 1000)
        if self.breaker.record(result):
            self._observer.count(Metric.BREAKER_OPENED)
        return result


def _attempted(result: Result, *, earlier_unknown: bool = False) -> Attempted:
    if isinstance(result, errors.DependencyError):
        raise result
    unknown = earlier_unknown or outcome_unknown(result)
    return Attempted(response=result, outcome_unknown=unknown)
