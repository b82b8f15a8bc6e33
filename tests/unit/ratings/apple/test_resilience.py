import itertools
from dataclasses import replace
from random import Random

import pytest

from functions.ratings import errors
from functions.ratings.apple.resilience import (
    NEW_CONNECTION,
    Attempted,
    Result,
    is_failure,
    outcome_unknown,
    retry_delay,
)
from functions.ratings.metrics import Metric
from functions.shared.deadline import Deadline
from functions.shared.http import messages
from functions.shared.http.messages import Request, Response, TransportError
from tests.fakes.apple_client import environment
from tests.fakes.apple_music import response
from tests.fakes.ratings_function import InMemoryFunction

GET = Request(
    method="GET",
    target="/v1/me/ratings/library-songs/i.a",
    headers={"Music-User-Token": "ada"},
    max_body_bytes=1000,
    max_idle_seconds=20,
)
OK, DOWN = response(200), response(500)
LOST = errors.AppleUnreachableError("lost")
SOON, LATER, NEVER = (0.0, 0.2), (0.5, 1.0), None
Range = tuple[float, float] | None


def delay_range(result: Result, *, has_stale: bool = False) -> Range:
    """The range over which a delay is spread, to one decimal."""
    jitters = [Random(seed) for seed in range(1000)]
    delays = [retry_delay(result, has_stale=has_stale, jitter=jitter) for jitter in jitters]
    seconds = [delay for delay in delays if delay is not None]
    return (round(min(seconds), 1), round(max(seconds), 1)) if seconds else None


@pytest.mark.parametrize(
    ("result", "delay", "failure", "unknown"),
    [
        (LOST, SOON, True, True),
        (errors.AppleTlsError("x"), NEVER, True, True),
        (errors.AppleTimeoutError("x"), NEVER, True, True),
        (errors.InvalidAppleResponseError("x"), NEVER, False, True),
        *((response(status), SOON, True, True) for status in (500, 502, 503, 504)),
        *((response(status), NEVER, True, True) for status in (501, 520)),
        (response(503, retry_after="1"), NEVER, True, True),
        *((response(429, retry_after=after), LATER, False, False) for after in (None, "1")),
        *((response(status), NEVER, False, False) for status in (200, 204, 301, 302)),
        *((response(status), NEVER, False, False) for status in (400, 401, 403, 404, 418)),
        (response(200, resent=True), NEVER, False, True),
    ],
)
def test_a_result_decides_on_a_retry_the_breaker_and_the_outcome_of_a_write(
    result: Result, delay: Range, failure: bool, unknown: bool
) -> None:
    assert delay_range(result) == delay
    assert delay_range(result, has_stale=True) == (NEVER if delay == LATER else delay)
    assert is_failure(result) is failure
    assert outcome_unknown(result) is unknown


def send(function: InMemoryFunction, seconds: float = 6) -> Attempted:
    deadline = Deadline.after(seconds, function.clock)
    return function.resilient_client.send(GET, deadline, has_stale=False)


@pytest.mark.parametrize(
    ("first", "unknown"),
    [(messages.ConnectionLostError("x"), True), (response(503), True), (response(429), False)],
)
def test_a_retry_has_a_new_connection_and_may_succeed(
    first: Response | TransportError, unknown: bool
) -> None:
    function = environment(first, OK, retries=True)

    assert send(function) == Attempted(response=OK, outcome_unknown=unknown)
    assert function.apple.requests == [GET, replace(GET, max_idle_seconds=NEW_CONNECTION)]
    assert function.observer.counted == {Metric.UPSTREAM_RETRIED: 1}


def test_a_request_is_repeated_if_half_a_second_remains_after_the_delay() -> None:
    delay = retry_delay(response(429), has_stale=False, jitter=Random(0))
    assert delay is not None

    for seconds, calls in ((0.51, 2), (0.49, 1)):
        function = environment(response(429), retries=True)
        send(function, delay + seconds)
        assert len(function.apple.requests) == calls


def test_there_is_no_second_retry_and_every_call_is_measured() -> None:
    function = environment(response(500), messages.ExchangeTimeoutError("late"), OK, retries=True)
    function.apple.takes = 0.25

    with pytest.raises(errors.AppleTimeoutError):
        send(function)

    assert len(function.apple.requests) == 2
    assert function.observer.measured == {Metric.UPSTREAM_LATENCY: [pytest.approx(250)] * 2}


def test_retries_do_not_amplify_an_outage() -> None:
    function = environment(OK, retries=True)
    for _ in range(100):
        send(function)
    function.apple.respond_with(response(429))
    for _ in range(100):
        send(function)

    retries = function.observer.counted[Metric.UPSTREAM_RETRIED]
    assert retries == 19, "ten in a burst, and one for every ten requests"
    assert len(function.apple.requests) == 200 + retries


def test_while_the_breaker_is_open_apple_is_not_called() -> None:
    script = [DOWN] * 4, [OK], [DOWN] * 5, [DOWN], [OK], [DOWN]
    function = environment(*itertools.chain(*script), retries=True)
    for _ in range(6):
        send(function)
    assert len(function.apple.requests) == 10, "the fifth failure in a row is not repeated"

    for opened in (1, 2):
        assert function.observer.counted[Metric.BREAKER_OPENED] == opened
        for seconds, retry_after in ((0, 10), (2.5, 8), (7, 1)):
            function.clock.advance(seconds)
            with pytest.raises(errors.CircuitOpenError) as raised:
                send(function)
            assert raised.value.retry_after == retry_after
        function.clock.advance(0.5)
        send(function)
    assert len(function.apple.requests) == 12, "each time, one request decides"

    send(function)
    assert len(function.apple.requests) == 14


def test_without_time_apple_is_not_called() -> None:
    function = environment(OK, retries=True)

    with pytest.raises(errors.DeadlineExceededError) as raised:
        send(function, seconds=0.4)

    assert raised.value.retry_after == 1
    assert function.apple.requests == []
    assert send(function, seconds=0.5).response == OK
