"""How the client handles a 401, which may reject either token, and a body that contains a token."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from functions.ratings import errors
from functions.ratings.apple.resilient_client import NEW_CONNECTION
from functions.ratings.metrics import Metric
from functions.ratings.models import QueryOptions, ReadRequest, WriteRequest, WriteResult, rating_of
from functions.shared.http import messages
from tests.fakes.apple_client import (
    GET,
    NEW_JWT,
    PUT,
    Result,
    call,
    environment,
    failure,
    renewed,
)
from tests.fakes.apple_music import ok, rating, response
from tests.fakes.ratings_function import (
    ADA,
    DEVELOPER_JWT,
    SONG,
    InMemoryFunction,
    developer_jwt,
)

ITEM, TEST = "/v1/me/ratings/library-songs/i.a", "/v1/test"
LATE = messages.ExchangeTimeoutError("late")
UNAUTHORIZED = response(401, None, body_error=LATE)
EXTENDED = replace(GET, options=QueryOptions(include="content"))


def test_a_401_with_an_accepted_developer_token_blames_the_user() -> None:
    function = environment(UNAUTHORIZED, response(200))

    assert not failure(function, errors.NotSignedInError, PUT).outcome_unknown

    rejected, probe = function.apple.requests
    headers = rejected.headers.keys() - {"Music-User-Token", "Content-Type"}
    assert (probe.method, probe.target, probe.body) == ("GET", TEST, None)
    assert probe.headers == {name: rejected.headers[name] for name in headers}


@pytest.mark.parametrize(
    "probed", [*map(response, (401, 403, 404, 500)), response(403, "<html>"), LATE]
)
def test_a_401_without_an_accepted_developer_token_blames_the_service(probed: Result) -> None:
    function = environment(UNAUTHORIZED, probed)

    assert not failure(function, errors.DeveloperTokenRejectedError, PUT).outcome_unknown
    assert function.observer.counted[Metric.DEVELOPER_TOKEN_UNAVAILABLE] == 1


def test_a_401_blames_the_service_if_the_token_has_expired_and_no_other_can_be_read() -> None:
    function = environment(UNAUTHORIZED)
    function.apple.takes = 6

    function.secret.text = developer_jwt(expires_at=function.clock.time() + 6)
    failure(function, errors.DeveloperTokenRejectedError)
    assert function.apple.paths == [ITEM]


def test_after_a_401_a_newer_developer_token_is_tried_once() -> None:
    function = renewed(UNAUTHORIZED, ok(rating("i.a", -1)))
    assert call(function) == {SONG: rating_of(SONG, -1)}
    rejected, again = function.apple.requests
    headers = {**rejected.headers, "Authorization": f"Bearer {NEW_JWT}"}
    assert again == replace(rejected, headers=headers, max_idle_seconds=NEW_CONNECTION)

    function = renewed(UNAUTHORIZED, UNAUTHORIZED, response(200))
    failure(function, errors.NotSignedInError)
    assert function.apple.paths == [ITEM, ITEM, TEST]


def test_a_timeout_with_a_newer_developer_token_leaves_the_outcome_of_a_write_unknown() -> None:
    for result in (LATE, response(504)):
        assert failure(renewed(UNAUTHORIZED, result), errors.AppleTimeoutError, PUT).outcome_unknown


@pytest.mark.parametrize("request_", [PUT, replace(PUT, value=None)])
def test_a_401_after_a_lost_attempt_of_a_write_leaves_its_outcome_unknown(
    request_: WriteRequest,
) -> None:
    lost = messages.ConnectionLostError("reset")
    function = environment(lost, UNAUTHORIZED, response(200), retries=True)
    assert failure(function, errors.NotSignedInError, request_).outcome_unknown

    function = renewed(lost, UNAUTHORIZED, response(204), retries=True)
    assert call(function, request_) == WriteResult(is_confirmed=True, outcome_unknown=True)


def test_an_accepted_developer_token_is_not_probed_again_for_a_minute() -> None:
    function = environment(UNAUTHORIZED, response(200), UNAUTHORIZED, UNAUTHORIZED, response(200))

    for seconds in (59, 1, 0):
        failure(function, errors.NotSignedInError)
        function.clock.advance(seconds)
    assert function.apple.paths == [ITEM, TEST, ITEM, ITEM, TEST]

    function = renewed(UNAUTHORIZED, UNAUTHORIZED, response(200))
    failure(function, errors.NotSignedInError)
    assert function.apple.paths[-1] == TEST, "another token is probed"


def rejected() -> InMemoryFunction:
    """An environment whose developer token Apple has just rejected."""
    function = environment(UNAUTHORIZED)
    with pytest.raises(errors.DeveloperTokenRejectedError) as raised:
        call(function)
    assert raised.value.retry_after == 10
    assert function.observer.counted[Metric.DEVELOPER_TOKEN_REJECTED] == 1
    function.apple.respond_with(ok(rating("i.a", -1)))
    function.apple.requests.clear()
    return function


def test_apple_is_not_called_with_a_rejected_developer_token() -> None:
    function = rejected()

    for second in range(100):
        with pytest.raises(errors.DeveloperTokenUnavailableError) as raised:
            call(function, (GET, PUT)[second % 2])
        assert raised.value.retry_after == 10 - second % 10
        assert str(raised.value) == "Apple rejected the developer token"
        function.clock.advance(1)

    assert function.apple.requests == []
    assert function.secret.reads == 10, "one read in ten seconds"


def test_after_a_rejection_another_developer_token_is_used_as_soon_as_it_is_read() -> None:
    function = rejected()
    function.secret.text = NEW_JWT
    function.clock.advance(9.9)
    failure(function, errors.DeveloperTokenUnavailableError)

    function.clock.advance(0.1)
    assert call(function) == {SONG: rating_of(SONG, -1)}
    assert function.apple.requests[0].headers["Authorization"] == f"Bearer {NEW_JWT}"


def test_after_five_minutes_a_rejected_developer_token_is_tried_again() -> None:
    function = rejected()
    function.clock.advance(299)
    failure(function, errors.DeveloperTokenUnavailableError)
    assert function.apple.requests == []

    function.clock.advance(10)
    assert call(function) == {SONG: rating_of(SONG, -1)}, "Apple now accepts it"


def test_apple_is_not_called_if_the_secret_is_unreadable_after_a_rejection() -> None:
    function = rejected()
    function.secret.text = "not a JWT"
    for _ in range(20):
        function.clock.advance(1)
        failure(function, errors.DeveloperTokenUnavailableError)

    assert function.apple.requests == []
    assert function.secret.reads == 1 + 2


def test_a_write_is_not_sent_again_without_enough_time() -> None:
    function = renewed(UNAUTHORIZED, response(200))
    function.apple.takes, function.secret.takes = 4.5, 1.0

    assert not failure(function, errors.DeadlineExceededError, PUT).outcome_unknown
    assert function.apple.paths == [ITEM]


@pytest.mark.parametrize("token", [ADA.value, DEVELOPER_JWT, NEW_JWT])
@pytest.mark.parametrize("escape", [str, lambda text: "".join(f"\\u{ord(c):04x}" for c in text)])
@pytest.mark.parametrize("request_", [GET, EXTENDED])
def test_a_body_that_contains_a_token_is_invalid(
    token: str, escape: Callable[[str], str], request_: ReadRequest
) -> None:
    body = json.dumps({"data": [rating("i.a", x="TOKEN")]}).replace("TOKEN", escape(token))
    repeated = response(200, body)
    is_renewed = token == NEW_JWT
    function = renewed(UNAUTHORIZED, repeated) if is_renewed else environment(repeated)

    with pytest.raises(errors.InvalidAppleResponseError, match="it contains a token"):
        call(function, request_)


def test_a_403_whose_body_contains_a_token_is_a_rejection() -> None:
    function = environment(response(403, f"<html>{ADA.value}"))

    failure(function, errors.UserTokenRejectedError)
