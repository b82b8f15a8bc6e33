"""Sends requests to Apple while it is available, with one retry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from random import Random
from typing import Final, NamedTuple

from functions.ratings import errors
from functions.ratings.apple.statuses import read_retry_after
from functions.ratings.metrics import Metric, Observer
from functions.ratings.models import RatingKey
from functions.ratings.resilience import AppleAvailability, Attempt, Outcome, RetryBudget
from functions.shared.deadline import Clock, Deadline
from functions.shared.http import messages

Send = Callable[[messages.Request, Deadline], messages.Response]  # `Transport.send`
Result = messages.Response | errors.DependencyError  # of one attempt

MIN_READ_SECONDS: Final = 0.5  # with less time, Apple is not called
MIN_WRITE_SECONDS: Final = 1.0  # with less time, a write's outcome would probably be unknown
RETRY_SECONDS: Final = 0.2  # the longest delay before a retry; the delay is random

# The idle limit for a retry, which needs a new connection: another idle one could be dead too.
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


def is_transient(result: Result) -> bool:
    """Whether an immediate retry may succeed.

    All of Apple's ratings requests are idempotent, so writes are retried too.
    """
    if isinstance(result, errors.DependencyError):
        return type(result) is errors.AppleUnreachableError
    is_unavailable = result.status == HTTPStatus.SERVICE_UNAVAILABLE
    return result.status in _TRANSIENT or (is_unavailable and result.retry_after is None)


def outcome_unknown(result: Result) -> bool:
    """Whether a write with this result may still take effect."""
    if isinstance(result, errors.DependencyError):
        return True
    return result.resent or result.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def outcome_of(result: Result) -> Outcome:
    """Return the outcome to record for a result.

    A 200 whose body is late counts as a timeout.
    """
    if isinstance(result, errors.DependencyError):
        if isinstance(result, errors.AppleTimeoutError):
            return Outcome.TIMED_OUT
        is_lost = isinstance(result, errors.AppleUnreachableError)
        return Outcome.FAILED if is_lost else Outcome.ANSWERED
    if result.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Outcome.RATE_LIMITED
    if result.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Outcome.FAILED
    is_success = result.status < HTTPStatus.BAD_REQUEST
    is_late = is_success and isinstance(result.body_error, messages.ExchangeTimeoutError)
    return Outcome.TIMED_OUT if is_late else Outcome.ANSWERED


class Call(NamedTuple):
    """A request's properties for the resilience policies; all attempts must end by `deadline`."""

    deadline: Deadline
    keys: frozenset[RatingKey]
    has_stale: bool
    is_write: bool

    @property
    def min_seconds(self) -> float:
        """The minimum time for an attempt."""
        return MIN_WRITE_SECONDS if self.is_write else MIN_READ_SECONDS

    def check_time(self) -> None:
        """Raise a `DeadlineExceededError` if too little time remains for an attempt."""
        if self.deadline.remaining() < self.min_seconds:
            raise errors.DeadlineExceededError("too little time remains for a call", retry_after=1)


class Attempted(NamedTuple):
    """The last response, and whether any attempt of a write may still take effect."""

    response: messages.Response
    outcome_unknown: bool


class ResilientClient:
    """Sends requests to Apple while it is available, with at most one retry."""

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
        self.availability = AppleAvailability(clock, random, observer)
        self.budget = RetryBudget()

    def prepare(
        self,
        deadline: Deadline,
        *,
        keys: frozenset[RatingKey] = frozenset(),
        has_stale: bool = False,
        is_write: bool = False,
    ) -> Call:
        """Return a call; its deadline is capped at the current timeout for Apple.

        Raises:
            AppleNotCalledError: if Apple is not available, or too little time remains.
        """
        is_cooling_off = self.availability.is_cooling_off
        if (wait := self.availability.retry_after(has_stale=has_stale)) > 0:
            error = errors.CoolingOffError if is_cooling_off else errors.CircuitOpenError
            raise error("Apple failed a moment ago", retry_after=wait)
        patience = self.availability.patience(has_stale=has_stale, is_write=is_write)
        deadline = deadline.cap(patience)
        call = Call(deadline=deadline, keys=keys, has_stale=has_stale, is_write=is_write)
        call.check_time()
        return call

    def send(self, request: messages.Request, call: Call) -> Attempted:
        """Send a request, at most twice; return Apple's response or raise a `DependencyError`."""
        call.check_time()
        self.budget.earn()
        result = self._attempt(request, call)
        delay = self._retry_delay(result, call)
        if delay is None or delay > call.deadline.remaining() - call.min_seconds:
            return _attempted(result)
        if self.availability.retry_after(has_stale=call.has_stale) > delay:
            return _attempted(result)
        if not self.budget.spend():
            return _attempted(result)
        self._sleep(delay)
        self._observer.count(Metric.UPSTREAM_RETRIED)
        retried = self._attempt(replace(request, max_idle_seconds=NEW_CONNECTION), call)
        return _attempted(retried, earlier_unknown=outcome_unknown(result))

    def send_once(self, request: messages.Request, call: Call) -> Attempted:
        """Send a request once; return Apple's response or raise a `DependencyError`."""
        call.check_time()
        return _attempted(self._attempt(request, call))

    def _retry_delay(self, result: Result, call: Call) -> float | None:
        """The seconds until the retry; None for no retry.

        The first cool-off is so short that the retry waits for its end, unless a stale copy exists.
        """
        if is_transient(result):
            return self._random.uniform(0, RETRY_SECONDS)
        if outcome_of(result) is not Outcome.RATE_LIMITED or call.has_stale:
            return None
        is_first = self.availability.is_first_cool_off and not self._retry_after(result)
        return self.availability.retry_after(has_stale=False) if is_first else None

    def _attempt(self, request: messages.Request, call: Call) -> Result:
        result: Result
        started = self._clock.monotonic()
        try:
            result = self._send(request, call.deadline)
        except messages.TransportError as error:
            # Returned, not raised: the exception's context would keep the response in memory.
            result = _ERRORS.get(type(error), errors.InvalidAppleResponseError)(str(error))
        seconds = self._clock.monotonic() - started
        self._observer.measure(Metric.UPSTREAM_LATENCY, seconds * 1000)
        self.availability.record(
            Attempt(
                outcome=outcome_of(result),
                keys=call.keys,
                seconds=seconds,
                has_stale=call.has_stale,
                retry_after=self._retry_after(result),
            )
        )
        return result

    def _retry_after(self, result: Result) -> float:
        header = result.retry_after if isinstance(result, messages.Response) else None
        return read_retry_after(header, self._clock.time()) or 0


def _attempted(result: Result, *, earlier_unknown: bool = False) -> Attempted:
    if isinstance(result, errors.DependencyError):
        raise result
    unknown = earlier_unknown or outcome_unknown(result)
    return Attempted(response=result, outcome_unknown=unknown)
