"""Requests to Apple over a real socket: what is sent, and which error each failure becomes."""

import gzip
import time
from collections.abc import Callable, Iterator

import pytest

from functions.ratings.apple_music import MAX_BODY_BYTES, AppleMusic, AppleRequest, AppleResponse
from functions.ratings.deadline import Deadline
from functions.ratings.errors import (
    AppleAnswerUnusableError,
    AppleTooSlowError,
    AppleUnreachableError,
    DependencyError,
)
from tests.fakes.clock import FakeClock
from tests.fakes.origin import (
    Answering,
    Origin,
    drips,
    http,
    origin,
    resets,
    sends,
    sends_and_closes,
    stays_silent,
)

GET = AppleRequest(method="GET", path="/v1/me/ratings/library-songs/i.a")
PUT = AppleRequest(method="PUT", path="/v1/me/ratings/library-songs/i.a", body=b"{}")
TOKENS = {"Authorization": "Bearer developer.token.one", "Music-User-Token": "sample-user-token"}

Send = Callable[..., AppleResponse]


@pytest.fixture
def send() -> Iterator[Send]:
    """Sends a request, each origin's by the same client."""
    clients: dict[str, AppleMusic] = {}

    def sent(
        served: Origin, request: AppleRequest = GET, *, seconds: float = 60, clock: object = time
    ) -> AppleResponse:
        client = clients.setdefault(served.url, AppleMusic(served.url, clock=clock))  # type: ignore[arg-type]  # a module
        return client.send(request, Deadline.after(seconds, time), headers=TOKENS)

    yield sent
    for client in clients.values():
        client.close()


def test_a_response_has_its_body_and_the_headers_that_matter(send: Send) -> None:
    response = http(200, b'{"data":[]}', "Content-Type: application/json", "Retry-After: 7")
    with origin(sends(response)) as apple:
        assert send(apple) == AppleResponse(
            status=200, body=b'{"data":[]}', content_type="application/json", retry_after="7"
        )


def test_the_request_has_its_path_query_headers_and_body_and_no_more(send: Send) -> None:
    request = AppleRequest(
        method="PUT",
        path="/v1/me/ratings/playlists/pl.u-a",
        query={"l": "en-GB", "ids": "a,b"},
        body=b"{}",
    )
    with origin(sends(http(200))) as apple:
        send(apple, request)

    head, *headers = apple.requests[0].decode().removesuffix("\r\n\r\n{}").split("\r\n")
    assert head == "PUT /v1/me/ratings/playlists/pl.u-a?l=en-GB&ids=a,b HTTP/1.1"
    assert {header.split(":")[0].lower() for header in headers} == {
        "host",
        "user-agent",
        "content-length",
        "authorization",
        "music-user-token",
    }


@pytest.mark.parametrize(
    ("answering", "error"),
    [
        (stays_silent, AppleTooSlowError),
        (drips(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x"), AppleTooSlowError),
        (resets, AppleUnreachableError),
        (sends_and_closes(b""), AppleUnreachableError),
        (sends_and_closes(b"HTTP/1.1 200 O"), AppleUnreachableError),
        (sends(b"nonsense\r\n\r\n"), AppleAnswerUnusableError),
        (sends(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000), AppleAnswerUnusableError),
    ],
)
def test_without_a_status_the_failure_is_the_error(
    send: Send, answering: Answering, error: type[DependencyError]
) -> None:
    with origin(answering) as apple, pytest.raises(error) as raised:
        send(apple, seconds=0.3)

    assert raised.value.__context__ is None
    for token in TOKENS.values():
        assert token not in repr(raised.value)


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize(
    ("answering", "error"),
    [
        (lambda head: sends(head + b"Content-Length: 9\r\n\r\n{"), AppleTooSlowError),
        (
            lambda head: sends_and_closes(head + b"Content-Length: 9\r\n\r\n{"),
            AppleAnswerUnusableError,
        ),
        (
            lambda head: sends(head + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
            AppleAnswerUnusableError,
        ),
    ],
    ids=["slow", "cut off", "badly encoded"],
)
def test_after_a_status_the_failure_belongs_to_the_body(
    send: Send, answering: Callable[[bytes], Answering], error: type[Exception], status: int
) -> None:
    with origin(answering(b"HTTP/1.1 %d Status\r\n" % status)) as apple:
        response = send(apple, seconds=0.3)

    assert (response.status, response.body) == (status, None)
    assert type(response.body_error) is error


@pytest.mark.parametrize("zipped", [False, True])
def test_the_request_says_how_large_a_body_may_be(send: Send, *, zipped: bool) -> None:
    body = b"x" * (MAX_BODY_BYTES + 1)
    if zipped:
        answer = sends(http(200, gzip.compress(body, mtime=0), "Content-Encoding: gzip"))
    else:
        answer = sends(http(200, body))
    large = AppleRequest(method="GET", path="/v1/x", max_body_bytes=len(body))
    with origin(answer) as apple:
        assert send(apple).body is None
        assert send(apple, large).body == body


@pytest.mark.parametrize(
    ("request_", "seconds", "connections"),
    [(GET, 20, 1), (GET, 20.1, 2), (PUT, 1, 1), (PUT, 1.1, 2)],
)
def test_a_connection_that_may_have_died_meanwhile_is_not_used(
    send: Send, request_: AppleRequest, seconds: float, connections: int
) -> None:
    clock = FakeClock()
    clock.monotonic = time.monotonic  # type: ignore[method-assign]  # only the wall clock jumps
    with origin(sends(http(200, b"{}"))) as apple:
        send(apple, clock=clock)
        clock.advance(seconds)
        send(apple, request_)

        assert apple.connections == connections


def test_a_further_attempt_has_a_connection_of_its_own(send: Send) -> None:
    again = AppleRequest(method="GET", path="/v1/x", on_new_connection=True)
    with origin(sends(http(200, b"{}"))) as apple:
        send(apple)
        send(apple, again)
        send(apple)

        assert apple.connections == 2


def test_a_request_that_was_sent_twice_says_so(send: Send) -> None:
    with origin(sends(http(200)), resets, sends(http(200))) as apple:
        assert not send(apple, PUT).resent
        assert send(apple, PUT).resent
        assert not send(apple, PUT).resent
