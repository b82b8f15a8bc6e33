"""The Apple client over a real socket: requests, size limits, and which connection is used."""

from __future__ import annotations

import gzip
import json

import pytest

from functions.ratings.apple.client import EXTENDED_BODY_BYTES, MAX_BODY_BYTES
from functions.ratings.errors import AppleUnreachableError, InvalidAppleResponseError
from functions.ratings.models import QueryOptions
from functions.shared.http.connection import TrustStore
from functions.shared.http.transport import Transport
from tests.fakes.apple_music import rating
from tests.fakes.origin import http, origin, parsed, resets, sends
from tests.fakes.ratings_function import ADA, DEVELOPER_JWT, InMemoryFunction

EXTENDED = QueryOptions(include="content")


def document(size: int = 0) -> bytes:
    body = json.dumps({"data": [rating("i.a")]}).encode()
    return body + b" " * (size - len(body))


FOUND = sends(http(200, document()))


def function_of(url: str) -> InMemoryFunction:
    function = InMemoryFunction()
    transport = Transport(url, trust=TrustStore(), clock=function.clock)
    function.apple.send = transport.send  # type: ignore[method-assign]  # Apple is on a socket
    return function


def test_the_requests_have_apples_paths_and_exactly_the_expected_headers() -> None:
    with origin(FOUND) as apple:
        function = function_of(apple.url)
        function.read("i.a", "i.b", options=QueryOptions(language="en-GB", include="content"))
        function.write(1, language="en-GB")

    headers = {
        "host": apple.url.removeprefix("http://"),
        "user-agent": "apple-music-ratings",
        "authorization": f"Bearer {DEVELOPER_JWT}",
        "accept": "application/json",
        "accept-encoding": "gzip",
        "music-user-token": ADA.value,
    }
    read, write = map(parsed, apple.requests)
    target = "/v1/me/ratings/library-songs"
    query = "?ids=i.a,i.b&l=en-GB&include=content"
    assert read == (f"GET {target}{query} HTTP/1.1", headers, b"")
    line, sent, body = write
    assert line == f"PUT {target}/i.a?l=en-GB HTTP/1.1"
    assert sent == {
        **headers,
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    assert json.loads(body) == {"type": "ratings", "attributes": {"value": 1}}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    ("options", "limit"),
    [(QueryOptions(), MAX_BODY_BYTES), (EXTENDED, EXTENDED_BODY_BYTES)],
    ids=["bare", "extended"],
)
@pytest.mark.parametrize("excess", [0, 1])
def test_a_body_is_limited_to_256_kib_or_with_include_to_1_5_mib(
    options: QueryOptions, limit: int, excess: int, *, zipped: bool
) -> None:
    body = document(limit + excess)
    if zipped:
        response = http(200, gzip.compress(body, mtime=0), "Content-Encoding: gzip")
    else:
        response = http(200, body)
    with origin(sends(response)) as apple:
        error = function_of(apple.url).read(options=options).error

    assert type(error) is (InvalidAppleResponseError if excess else type(None))


@pytest.mark.parametrize(
    ("method", "idle_seconds", "connections"),
    [("GET", 20, 1), ("GET", 20.1, 2), ("PUT", 1, 1), ("PUT", 1.1, 2)],
)
def test_a_connection_that_may_have_died_is_not_used(
    method: str, idle_seconds: float, connections: int
) -> None:
    with origin(FOUND) as apple:
        function = function_of(apple.url)
        function.read(options=EXTENDED)
        function.clock.advance(idle_seconds)
        if method == "GET":
            function.read(options=EXTENDED)
        else:
            function.write(1)

        assert apple.connections == connections


def test_a_retry_uses_a_new_connection() -> None:
    with origin(sends(http(500)), FOUND) as apple:
        assert function_of(apple.url).read().error is None
        assert (len(apple.requests), apple.connections) == (2, 2)


def test_an_error_without_a_status_contains_neither_its_cause_nor_a_token() -> None:
    with origin(resets) as apple:
        error = function_of(apple.url).read().error

    assert type(error) is AppleUnreachableError
    assert error.__context__ is None
    for token in (ADA.value, DEVELOPER_JWT):
        assert token not in repr(error)
