"""The gateway's own errors, and the requests that reach the function."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dev.http.messages import HttpRequest, HttpResponse
from dev.server.gateway import GatewaySimulator
from dev.server.lambda_pool import InvocationError, PoolBusyError
from dev.server.proxy_events import HEAD_LIMIT
from infra.service.gateway_errors import CORS_HEADERS, PREFLIGHT_HEADERS

SONG = "/v1/me/ratings/library-songs/i.7PJNN4mfXlD68R"
OK = {"statusCode": 200, "headers": {}, "body": "{}", "isBase64Encoded": False}


class FakeFunction:
    """Records events, and returns or raises its outcome."""

    def __init__(self, outcome: object) -> None:
        self.events: list[dict[str, Any]] = []
        self._outcome = outcome

    def invoke(self, event: dict[str, Any], request_id: str) -> object:
        assert event["requestContext"]["requestId"] == request_id
        self.events.append(event)
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


def simulator(ratings: FakeFunction, sign_in: FakeFunction | None = None) -> GatewaySimulator:
    sign_in = sign_in or FakeFunction(AssertionError("the sign-in function was called"))
    return GatewaySimulator(ratings.invoke, sign_in=sign_in.invoke, clock=lambda: 0.0)


def call(function: FakeFunction, target: str = SONG, method: str = "GET") -> HttpResponse:
    return simulator(function).respond(HttpRequest(method=method, target=target))


def error(response: HttpResponse) -> tuple[int, str]:
    (found,) = json.loads(response.body)["errors"]
    assert found["status"] == str(response.status)
    headers = dict(response.headers)
    assert headers.items() >= CORS_HEADERS.items()
    assert headers["X-Request-Id"] == found["id"]
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["Content-Type"] == "application/json"
    return response.status, found["code"]


def test_the_function_responds_to_a_path_with_a_route_and_each_request_has_its_own_id() -> None:
    function = FakeFunction(OK)
    assert [call(function).body for _ in range(2)] == [b"{}"] * 2
    first, second = function.events
    assert first["path"] == SONG
    assert first["requestContext"]["requestId"] != second["requestContext"]["requestId"]


def test_the_sign_in_function_responds_only_to_get_on_its_route() -> None:
    ratings, sign_in = FakeFunction(OK), FakeFunction({**OK, "body": "{1}"})
    gateway = simulator(ratings, sign_in)

    responses = [
        gateway.respond(HttpRequest(method=method, target="/developer-token?a=b"))
        for method in ("GET", "POST", "HEAD", "OPTIONS")
    ]

    assert responses[0].body == b"{1}"
    assert [error(response) for response in responses[1:3]] == [(404, "40401")] * 2
    assert dict(responses[3].headers) == PREFLIGHT_HEADERS
    assert (len(sign_in.events), ratings.events) == (1, [])


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (InvocationError("RuntimeError"), (500, "50090")),
        (PoolBusyError(), (504, "50490")),
        ({"statusCode": "200"}, (500, "50090")),
    ],
)
def test_if_the_function_fails_the_gateway_responds_with_its_own_error(
    outcome: object, expected: tuple[int, str]
) -> None:
    assert error(call(FakeFunction(outcome))) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [("/v1/me/library/songs", (404, "40401")), (f"{SONG}?l={'x' * HEAD_LIMIT}", (413, "41390"))],
)
def test_a_request_that_the_gateway_rejects_never_reaches_the_function(
    target: str, expected: tuple[int, str]
) -> None:
    function = FakeFunction(OK)
    assert error(call(function, target)) == expected
    assert function.events == []


@pytest.mark.parametrize("target", [SONG, "/v1/me/ratings/songs?ids=1"])
def test_the_gateway_itself_responds_to_a_preflight(target: str) -> None:
    function = FakeFunction(OK)

    response = call(function, target, "OPTIONS")

    assert (response.status, response.body) == (204, b"")
    assert dict(response.headers) == PREFLIGHT_HEADERS
    assert function.events == []
    assert error(call(function, "/v1/me/library/songs", "OPTIONS")) == (404, "40401")


def test_without_cors_a_preflight_reaches_the_function_and_errors_lack_cors_headers() -> None:
    function = FakeFunction(OK)
    gateway = GatewaySimulator(
        function.invoke, sign_in=function.invoke, clock=lambda: 0.0, has_cors=False
    )

    gateway.respond(HttpRequest(method="OPTIONS", target=SONG))

    assert [event["httpMethod"] for event in function.events] == ["OPTIONS"]
    assert not dict(gateway.reject(400).headers).keys() & CORS_HEADERS.keys()


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, (400, "40092")), (501, (400, "40092")), (413, (413, "41390")), (431, (413, "41390"))],
)
def test_an_unreadable_request_gets_an_error_in_apples_form(
    status: int, expected: tuple[int, str]
) -> None:
    gateway = simulator(FakeFunction(None))
    assert error(gateway.reject(status)) == expected
