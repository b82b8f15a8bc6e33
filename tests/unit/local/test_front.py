"""What a client is told when the function is not asked, or does not answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.api_gateway import HEAD_LIMIT
from local.environments import InvocationError, NoEnvironmentError
from local.front import Front
from local.http_server import HttpAnswer, HttpRequest

SONG = "/v1/me/ratings/library-songs/i.7PJNN4mfXlD68R"


class FakeFunction:
    """Keeps the events it gets, and answers or raises what it was given."""

    def __init__(self, outcome: object) -> None:
        self.events: list[dict[str, Any]] = []
        self._outcome = outcome

    def invoke(self, event: dict[str, Any], request_id: str) -> object:
        assert event["requestContext"]["requestId"] == request_id
        self.events.append(event)
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


def ask(function: FakeFunction, target: str = SONG) -> HttpAnswer:
    front = Front(function, clock=lambda: 0.0)
    return front.answer(HttpRequest(method="GET", target=target))


def error(answer: HttpAnswer) -> tuple[int, str]:
    (found,) = json.loads(answer.body)["errors"]
    assert found["status"] == str(answer.status)
    headers = dict(answer.headers)
    assert headers["X-Request-Id"] == found["id"]
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["Content-Type"] == "application/json"
    return answer.status, found["code"]


def test_the_function_answers_what_has_a_route() -> None:
    function = FakeFunction({"statusCode": 200, "body": "{}"})
    assert ask(function).body == b"{}"
    assert [event["path"] for event in function.events] == [SONG]


def test_every_request_has_an_id_of_its_own() -> None:
    function = FakeFunction({"statusCode": 200})
    ask(function)
    ask(function)
    first, second = (event["requestContext"]["requestId"] for event in function.events)
    assert first != second


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (InvocationError("RuntimeError"), (500, "50090")),
        (NoEnvironmentError(), (504, "50490")),
        ({"statusCode": "200"}, (500, "50090")),
    ],
)
def test_a_failing_function_is_the_gateways_error(
    outcome: object, expected: tuple[int, str]
) -> None:
    assert error(ask(FakeFunction(outcome))) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [("/v1/me/library/songs", (404, "40401")), (f"{SONG}?l={'x' * HEAD_LIMIT}", (413, "41390"))],
)
def test_what_the_gateway_refuses_never_reaches_the_function(
    target: str, expected: tuple[int, str]
) -> None:
    function = FakeFunction({"statusCode": 200})
    assert error(ask(function, target)) == expected
    assert function.events == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, (400, "40092")), (413, (413, "41390")), (414, (413, "41390")), (431, (413, "41390"))],
)
def test_what_is_no_request_is_refused_in_apples_shape(
    status: int, expected: tuple[int, str]
) -> None:
    front = Front(FakeFunction(None), clock=lambda: 0.0)
    assert error(front.refusal(status)) == expected
