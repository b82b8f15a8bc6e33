import json
from collections import Counter
from dataclasses import replace

import pytest

from functions.ratings import errors
from functions.ratings.metrics import Metric
from functions.ratings.models import (
    NOT_RATED,
    QueryOptions,
    ReadRequest,
    WriteRequest,
    WriteResult,
    rating_of,
)
from functions.shared.deadline import Deadline
from functions.shared.http import messages
from functions.shared.http.messages import Request, Response
from tests.fakes.apple_client import GET, PAGE, PUT, Result, call, environment, failure
from tests.fakes.apple_music import ok, rating, response
from tests.fakes.ratings_function import ADA, DEVELOPER_JWT, SONG

ApiCall = ReadRequest | WriteRequest

LIST, ITEM = "/v1/me/ratings/library-songs", "/v1/me/ratings/library-songs/i.a"
OTHER = SONG._replace(id="i.b")
GET_LIST = replace(GET, keys=(SONG, OTHER), is_list=True)
DELETE = replace(PUT, value=None)
EXTENDED = replace(GET, options=QueryOptions(language="de", include="a,b", extend="c"))

LOST = messages.ConnectionLostError("reset")
LATE = messages.ExchangeTimeoutError("late")
NOT_FOUND = response(404, '{"errors":[{"code":"40400"}]}')
DISLIKED = ok(rating("i.a", -1))

SENT = Request(
    method="GET",
    target=f"{ITEM}?l=de",
    headers={
        "Authorization": f"Bearer {DEVELOPER_JWT}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Music-User-Token": ADA.value,
    },
    max_body_bytes=262_144,
    max_idle_seconds=20,
)
SENT_PUT = replace(
    SENT,
    method="PUT",
    headers={**SENT.headers, "Content-Type": "application/json"},
    body=b'{"type":"ratings","attributes":{"value":-1}}',
    max_idle_seconds=1,
)
SENT_EXTENDED = replace(SENT, target=f"{ITEM}?l=de&include=a,b&extend=c", max_body_bytes=1_572_864)


@pytest.mark.parametrize(
    ("request_", "sent"),
    [
        (GET, SENT),
        (EXTENDED, SENT_EXTENDED),
        (GET_LIST, replace(SENT, target=f"{LIST}?ids=i.a,i.b&l=de")),
        (replace(GET_LIST, keys=(SONG,)), replace(SENT, target=f"{LIST}?ids=i.a&l=de")),
        (PUT, SENT_PUT),
        (DELETE, replace(SENT, method="DELETE", max_idle_seconds=1)),
    ],
)
def test_apple_is_called_once_with_both_tokens(request_: ApiCall, sent: Request) -> None:
    function = environment()

    call(function, request_)

    assert function.apple.requests == [sent]


@pytest.mark.parametrize("request_", [GET, GET_LIST])
@pytest.mark.parametrize("absent", [response(404), NOT_FOUND, ok(), response(200, '{"data":null}')])
def test_apple_has_several_responses_for_not_rated(request_: ReadRequest, absent: Response) -> None:
    assert call(environment(absent), request_) == dict.fromkeys(request_.keys, NOT_RATED)


@pytest.mark.parametrize("member", ["errors", "next"])
def test_a_response_with_errors_or_next_but_without_the_rating_is_a_failure(member: str) -> None:
    resource = rating("i.a", -1)
    with_rating = environment(response(200, json.dumps({"data": [resource], member: "x"})))
    assert call(with_rating) == {SONG: rating_of(SONG, -1)}

    empty = environment(response(200, json.dumps({"data": [], member: "x"})))
    failure(empty, errors.InvalidAppleResponseError)


# Apple's result, the error, and whether the outcome of a write is unknown.
FAILURES = [
    (response(302), errors.InvalidAppleResponseError, False),
    (response(400), errors.BadAppleRequestError, False),
    (response(403), errors.UserTokenRejectedError, False),
    (response(405), errors.UnexpectedRejectionError, False),
    (response(429), errors.AppleRateLimitedError, False),
    (replace(PAGE, status=404), errors.InvalidAppleResponseError, False),
    (response(503), errors.AppleUnavailableError, True),
    (response(504, None), errors.AppleTimeoutError, True),
    (response(520), errors.InvalidAppleResponseError, True),
    (LOST, errors.AppleUnreachableError, True),
    (LATE, errors.AppleTimeoutError, True),
    (messages.ConnectError("refused"), errors.AppleUnreachableError, True),
    (messages.TlsError("expired"), errors.AppleTlsError, True),
    (messages.InvalidResponseError("framing"), errors.InvalidAppleResponseError, True),
    (messages.ResponseTooLargeError("2 MB"), errors.InvalidAppleResponseError, True),
]
INVALID_BODIES = [
    (response(200, None, body_error=LATE), errors.AppleTimeoutError, True),
    *(
        (received, errors.InvalidAppleResponseError, True)
        for received in (response(200, None, body_error=LOST), PAGE, ok(rating("i.c")))
    ),
]
READ_FAILURES = [
    (request, *failure) for request in (GET, GET_LIST) for failure in (*FAILURES, *INVALID_BODIES)
]
WRITE_FAILURES = [
    *((request, *failure) for request in (PUT, DELETE) for failure in FAILURES),
    (PUT, response(404), errors.ItemNotFoundError, False),
]


@pytest.mark.parametrize(
    ("request_", "received", "error", "unknown"), [*READ_FAILURES, *WRITE_FAILURES]
)
def test_a_failure_is_counted_and_says_whether_a_write_may_take_effect(
    request_: ApiCall, received: Result, error: type[errors.RatingsError], unknown: bool
) -> None:
    function = environment(received)

    is_unknown = failure(function, error, request_).outcome_unknown

    assert is_unknown is unknown or request_ in (GET, GET_LIST)
    assert len(function.apple.requests) == 1
    counted = Counter() if error.metric is None else Counter({error.metric: 1})
    assert len(function.observer.reasons) == len(counted)
    counted[Metric.COOL_OFF_STARTED] = int(error is errors.AppleRateLimitedError)
    assert function.observer.counted == counted
    if isinstance(received, messages.TransportError):
        assert function.observer.reasons == [str(received)]


@pytest.mark.parametrize(
    ("request_", "received"),
    [
        *((PUT, response(status)) for status in (200, 201, 202, 204)),
        *((PUT, response(202, body)) for body in ("{}", '{"data":[]}', DISLIKED.body)),
        *((DELETE, absent) for absent in (response(204), response(404), NOT_FOUND)),
    ],
)
def test_an_expected_response_confirms_a_write_even_after_a_failed_attempt(
    request_: WriteRequest, received: Response
) -> None:
    assert call(environment(received), request_) == WriteResult(is_confirmed=True)

    for first, unknown in ((LOST, True), (response(429), False)):
        function = environment(first, received, retries=True)
        assert call(function, request_) == WriteResult(is_confirmed=True, outcome_unknown=unknown)


@pytest.mark.parametrize(
    ("request_", "received"),
    [
        *((PUT, response(status)) for status in (203, 206, 299)),
        *(
            (PUT, received)
            for received in (response(200, None), replace(PAGE, status=201), ok(rating("i.c", -1)))
        ),
        *((PUT, ok(resource)) for resource in (rating("i.a", 1), rating("i.a", -1, x=ADA.value))),
        *((DELETE, received) for received in (PAGE, response(202), response(206, None))),
    ],
)
def test_a_2xx_that_does_not_confirm_a_write_fails_only_after_a_lost_attempt(
    request_: WriteRequest, received: Response
) -> None:
    assert call(environment(received), request_) == WriteResult(is_confirmed=False)

    function = environment(LOST, received, retries=True)
    assert failure(function, errors.InvalidAppleResponseError, request_).outcome_unknown


@pytest.mark.parametrize(("request_", "received", "error", "unknown"), WRITE_FAILURES)
def test_after_a_lost_attempt_the_outcome_of_a_failed_write_stays_unknown(
    request_: WriteRequest, received: Result, error: type[errors.RatingsError], unknown: bool
) -> None:
    for lost in (LOST, response(502), response(503), response(504, None)):
        assert failure(environment(lost, received, retries=True), error, request_).outcome_unknown


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [(429, None, 1), (429, "7", 7), (429, "0", 1), (503, None, 5), (503, "7", 7), (500, "7", None)],
)
@pytest.mark.parametrize("request_", [GET, PUT])
def test_retry_after_is_apples_time_or_a_default_for_429_and_503(
    request_: ApiCall, status: int, retry_after: str | None, seconds: int | None
) -> None:
    function = environment(response(status, retry_after=retry_after))

    with pytest.raises(errors.DependencyError) as raised:
        call(function, request_)

    assert raised.value.retry_after == seconds


def test_retry_after_covers_the_time_without_calls_to_apple() -> None:
    function = environment(response(503, retry_after="7"))
    for number in range(5):
        with pytest.raises(errors.AppleUnavailableError) as raised:
            call(function, replace(GET, keys=(SONG._replace(id=f"i.{number}"),)))
        assert raised.value.retry_after == (10 if number == 4 else 7), "the breaker has opened"

    function = environment(response(429), retries=True)
    started = function.clock.time()
    with pytest.raises(errors.AppleRateLimitedError) as limited:
        call(function)
    assert function.clock.time() - started <= 1, "it waited only for the first cool-off"
    assert limited.value.retry_after in (1, 2), "the second cool-off remains"
    function.clock.advance(limited.value.retry_after)
    function.apple.respond_with(ok(rating("i.a", -1)))
    assert call(function) == {SONG: rating_of(SONG, -1)}


def test_other_items_are_requested_while_apple_fails_for_one_item() -> None:
    function = environment(response(500), retries=True)
    for request_ in (GET, PUT, DELETE, EXTENDED, GET_LIST, GET):
        failure(function, errors.AppleUnreachableError, request_)
    function.apple.respond_with()

    assert call(function, replace(GET, keys=(OTHER,))) == {OTHER: NOT_RATED}


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ([response(429)], errors.CoolingOffError),
        ([response(500)] * 2, errors.CircuitOpenError),
    ],
)
def test_a_write_is_unavailable_during_a_cool_off_and_while_the_breaker_is_open(
    script: list[Response], error: type[errors.RatingsError]
) -> None:
    function = environment(*script)
    for request_ in (GET, replace(GET, keys=(OTHER,))) * 3:
        with pytest.raises(errors.DependencyError):
            call(function, request_)
    sent = len(function.apple.requests)
    function.observer.counted.clear()

    with pytest.raises(error) as raised:
        function.client.check_available(Deadline.after(5, function.clock))

    assert not raised.value.outcome_unknown
    assert len(function.apple.requests) == sent
    assert function.observer.counted == {error.metric: 1}


@pytest.mark.parametrize(("seconds", "takes"), [(0.9, 0), (1.9, 1)])
def test_a_write_is_unavailable_if_too_little_time_remains_after_reading_the_token(
    seconds: float, takes: float
) -> None:
    function = environment()
    function.secret.takes = takes

    with pytest.raises(errors.DeadlineExceededError):
        function.client.check_available(Deadline.after(seconds, function.clock))
    assert function.apple.requests == []


def test_a_write_is_unavailable_without_a_developer_token() -> None:
    function = environment()
    function.secret.text = "not a JWT"

    with pytest.raises(errors.DeveloperTokenUnavailableError):
        function.client.check_available(Deadline.after(5, function.clock))
    assert function.observer.counted[Metric.DEVELOPER_TOKEN_UNAVAILABLE] == 1
