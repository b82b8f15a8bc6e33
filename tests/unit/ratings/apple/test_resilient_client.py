from dataclasses import replace

import pytest

from functions.ratings import errors
from functions.ratings.apple.resilient_client import (
    NEW_CONNECTION,
    Attempted,
    Result,
    is_transient,
    outcome_of,
    outcome_unknown,
)
from functions.ratings.metrics import Metric
from functions.ratings.models import RatingKey
from functions.ratings.resilience import Outcome
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
LATE = messages.ExchangeTimeoutError("late")
LOST = errors.AppleUnreachableError("lost")
ANSWERED, RATE_LIMITED = Outcome.ANSWERED, Outcome.RATE_LIMITED
FAILED, TIMED_OUT = Outcome.FAILED, Outcome.TIMED_OUT


@pytest.mark.parametrize(
    ("result", "transient", "outcome", "unknown"),
    [
        (LOST, True, FAILED, True),
        (errors.AppleTlsError("x"), False, FAILED, True),
        (errors.AppleTimeoutError("x"), False, TIMED_OUT, True),
        (errors.InvalidAppleResponseError("x"), False, ANSWERED, True),
        *((response(status), True, FAILED, True) for status in (500, 502, 503, 504)),
        *((response(status), False, FAILED, True) for status in (501, 520)),
        (response(503, retry_after="1"), False, FAILED, True),
        (response(503, None, body_error=LATE), True, FAILED, True),
        *((response(429, retry_after=each), False, RATE_LIMITED, False) for each in (None, "1")),
        *((response(status), False, ANSWERED, False) for status in (200, 204, 301, 302)),
        *((response(status), False, ANSWERED, False) for status in (400, 401, 403, 404, 418)),
        *((response(each, None, body_error=LATE), False, TIMED_OUT, False) for each in (200, 302)),
        (response(403, None, body_error=LATE), False, ANSWERED, False),
        (response(200, None), False, ANSWERED, False),
        (response(200, resent=True), False, ANSWERED, True),
    ],
)
def test_a_result_decides_on_a_retry_the_breaker_and_the_outcome_of_a_write(
    result: Result, transient: bool, outcome: Outcome, unknown: bool
) -> None:
    assert is_transient(result) is transient
    assert outcome_of(result) is outcome
    assert outcome_unknown(result) is unknown


def send(
    function: InMemoryFunction,
    seconds: float = 6,
    *,
    item: str = "i.a",
    has_stale: bool = False,
    is_write: bool = False,
) -> Attempted:
    client, deadline = function.resilient_client, Deadline.after(seconds, function.clock)
    keys = frozenset({RatingKey(type="library-songs", id=item)})
    call = client.prepare(deadline, keys=keys, has_stale=has_stale, is_write=is_write)
    return client.send(GET, call)


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
    assert function.observer.counted[Metric.UPSTREAM_RETRIED] == 1


@pytest.mark.parametrize(("is_write", "least"), [(False, 0.5), (True, 1.0)])
def test_an_attempt_is_sent_only_if_enough_time_remains(is_write: bool, least: float) -> None:
    function = environment(OK)
    with pytest.raises(errors.DeadlineExceededError) as raised:
        send(function, least - 0.01, is_write=is_write)
    assert raised.value.retry_after == 1
    assert function.apple.requests == []
    assert send(function, least, is_write=is_write).response == OK

    for seconds, attempts in ((least + 0.2, 2), (least - 0.01, 1)):
        function = environment(DOWN, OK, retries=True)
        function.apple.takes = 1.0
        send(function, 1.0 + seconds, is_write=is_write)
        assert len(function.apple.requests) == attempts


def test_a_caller_without_a_stale_copy_waits_for_the_end_of_the_first_cool_off() -> None:
    function = environment(response(429), retries=True)
    started = function.clock.time()

    assert send(function).response.status == 429
    assert len(function.apple.requests) == 2
    assert 0.5 <= function.clock.time() - started <= 1

    function.clock.advance(2)
    send(function)
    assert len(function.apple.requests) == 3, "the second cool-off is too long"


@pytest.mark.parametrize(
    ("has_stale", "retry_after", "attempts"),
    [(False, None, 2), (False, "soon", 2), (False, "1", 1), (False, "0", 1), (True, None, 1)],
)
def test_a_call_with_a_stale_copy_or_a_retry_after_does_not_wait_for_the_end_of_a_cool_off(
    has_stale: bool, retry_after: str | None, attempts: int
) -> None:
    function = environment(response(429, retry_after=retry_after), OK, retries=True)

    send(function, has_stale=has_stale)

    assert len(function.apple.requests) == attempts


@pytest.mark.parametrize(("retry_after", "seconds"), [("7", 7), ("999", 60), (None, 1)])
def test_during_a_cool_off_apple_is_not_called(retry_after: str | None, seconds: int) -> None:
    function = environment(response(429, retry_after=retry_after), OK)
    send(function)
    function.clock.advance(0.25)

    for has_stale, is_write in ((False, False), (True, False), (False, True)):
        with pytest.raises(errors.CoolingOffError) as raised:
            send(function, has_stale=has_stale, is_write=is_write)
        assert (raised.value.status, raised.value.retry_after) == (429, seconds)
        assert isinstance(raised.value, errors.AppleNotCalledError)
    assert len(function.apple.requests) == 1

    function.clock.advance(seconds - 0.25)
    assert send(function).response == OK


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
    function.apple.respond_with(response(500))
    for _ in range(100):
        send(function)

    retries = function.observer.counted[Metric.UPSTREAM_RETRIED]
    assert retries == 19, "ten are saved, and each request after the first adds a tenth"
    assert len(function.apple.requests) == 200 + retries


def test_while_the_breaker_is_open_apple_is_not_called() -> None:
    function = environment(DOWN, retries=True)
    for item in ("i.a", "i.b", "i.c"):
        send(function, item=item)
    assert len(function.apple.requests) == 5, "the fifth failure in a row is not repeated"

    for has_stale, is_write in ((False, False), (True, False), (False, True)):
        with pytest.raises(errors.CircuitOpenError) as raised:
            send(function, has_stale=has_stale, is_write=is_write)
        assert (raised.value.status, raised.value.retry_after) == (503, 10)
    function.clock.advance(9.5)
    with pytest.raises(errors.CircuitOpenError) as raised:
        send(function)
    assert raised.value.retry_after == 1

    function.clock.advance(0.5)
    send(function)
    assert len(function.apple.requests) == 6, "the probe is not repeated"
    function.clock.advance(15)
    function.apple.respond_with(OK)
    assert send(function).response == OK


def test_the_breaker_limits_the_time_of_each_request() -> None:
    function = environment(LATE)
    for has_stale, is_write in ((True, False), (False, True), (False, False), (False, False)):
        function.apple.takes = 1.5
        with pytest.raises(errors.AppleTimeoutError):
            send(function, has_stale=has_stale, is_write=is_write)
        function.apple.requests.clear()
        if is_write:
            function.apple.respond_with(OK)
            send(function)
            function.apple.respond_with(LATE)
    # A read with a stale copy, a write, a read after the write's timeout, a read without a stale
    # copy, and a read after that read's timeout.
    assert function.apple.seconds == pytest.approx([1.5, 6.0, 1.5, 4.0, 1.5])


def test_while_apple_is_slow_only_requests_without_a_stale_copy_are_sent() -> None:
    function = environment(LATE)
    function.apple.takes = 1.5
    for _ in range(3):
        with pytest.raises(errors.AppleTimeoutError):
            send(function, has_stale=True)

    with pytest.raises(errors.CircuitOpenError):
        send(function, has_stale=True)
    function.apple.respond_with(OK)
    function.apple.takes = 1.8
    for is_write in (False, True):
        assert send(function, is_write=is_write).response == OK
