import gzip
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from functions.ratings.apple_music import MAX_BODY_BYTES, AppleMusic, AppleRequest, AppleResponse
from functions.ratings.deadline import Deadline
from functions.ratings.errors import (
    AppleAnswerUnusableError,
    AppleTooSlowError,
    AppleUnreachableError,
)
from tests.fakes.origin import (
    Answering,
    Origin,
    drips,
    http,
    origin,
    sends,
    sends_and_closes,
    stays_silent,
)
from tests.patience import LATE_SECONDS, SAFETY_NET_SECONDS

GET = AppleRequest(method="GET", path="/v1/me/ratings/library-songs/i.a")
TOKENS = {"Authorization": "Bearer developer.token.one", "Music-User-Token": "sample-user-token"}


@pytest.fixture
def clients() -> Iterator[list[AppleMusic]]:
    opened: list[AppleMusic] = []
    yield opened
    for client in opened:
        client.close()


class Asking:
    """Makes clients and asks by them."""

    def __init__(self, clients: list[AppleMusic]) -> None:
        self._clients = clients

    def client(self, url: str) -> AppleMusic:
        client = AppleMusic(url)
        self._clients.append(client)
        return client

    def once(
        self, served: Origin, seconds: float = 5, request: AppleRequest = GET
    ) -> AppleResponse:
        deadline = Deadline.after(seconds, time)
        return self.client(served.url).send(request, deadline, headers=TOKENS)


@pytest.fixture
def ask(clients: list[AppleMusic]) -> Asking:
    return Asking(clients)


def test_an_answer_comes_whole_with_the_headers_that_matter(ask: Asking) -> None:
    body = http(200, b'{"data":[]}', "Content-Type: application/json", "Retry-After: 7")
    with origin(sends(body)) as apple:
        assert ask.once(apple) == AppleResponse(
            status=200, body=b'{"data":[]}', content_type="application/json", retry_after="7"
        )


def test_the_request_is_what_was_asked_for_and_no_more(ask: Asking) -> None:
    request = AppleRequest(
        method="PUT",
        path="/v1/me/ratings/playlists/pl.u-a",
        query={"l": "en-GB", "ids": "a,b"},
        body=b"{}",
    )
    with origin(sends(http(200))) as apple:
        ask.once(apple, request=request)

    head, *headers = apple.requests[0].decode().removesuffix("\r\n\r\n{}").split("\r\n")
    assert head == "PUT /v1/me/ratings/playlists/pl.u-a?l=en-GB&ids=a,b HTTP/1.1"
    assert {header.split(":")[0].lower() for header in headers} == {
        "host",
        "user-agent",
        "accept-encoding",
        "content-length",
        "authorization",
        "music-user-token",
    }


def test_the_connection_is_kept(ask: Asking) -> None:
    with origin(sends(http(200, b"{}"))) as apple:
        client = ask.client(apple.url)
        for _ in range(5):
            client.send(GET, Deadline.after(5, time), headers=TOKENS)

        assert (apple.connections, len(apple.requests)) == (1, 5)


def test_the_authorities_are_loaded_for_the_first_connection_alone(
    ask: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    loads: list[ssl.SSLContext] = []
    load = ssl.SSLContext.load_default_certs

    def counted(self: ssl.SSLContext, *arguments: Any) -> None:
        loads.append(self)
        load(self, *arguments)

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", counted)
    with origin(sends_and_closes(http(200, b"{}")), tls=context) as apple:
        client = ask.client(apple.url)
        assert loads == []  # a hit needs none
        for _ in range(3):
            assert client.send(GET, Deadline.after(5, time), headers=TOKENS).status == 200

        assert (apple.connections, len(loads)) == (3, 1)


def test_a_zipped_body_is_unzipped(ask: Asking) -> None:
    body = http(200, gzip.compress(b'{"data":[]}'), "Content-Encoding: gzip")
    with origin(sends(body)) as apple:
        assert ask.once(apple).body == b'{"data":[]}'


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_an_answer_and_never_followed(ask: Asking, status: int) -> None:
    with origin(sends(http(200))) as elsewhere:
        there = sends(http(status, b"", f"Location: {elsewhere.url}/"))
        with origin(there) as apple:
            assert ask.once(apple).status == status
        assert elsewhere.connections == 0


def test_a_proxy_of_the_environment_is_not_used(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    with origin(sends(http(200))) as proxy, origin(sends(http(200))) as apple:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        ask.once(apple)

        assert (proxy.connections, apple.connections) == (0, 1)


@pytest.mark.parametrize(
    "answering",
    [
        stays_silent,
        drips(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x"),
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x"),
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["silence", "a header", "a body", "chunks", "continue"],
)
def test_the_deadline_holds_for_an_answer_that_never_ends(
    ask: Asking, answering: Answering
) -> None:
    with origin(answering) as apple:
        started = time.monotonic()
        with pytest.raises(AppleTooSlowError):
            ask.once(apple, seconds=0.4)

        assert 0.3 < time.monotonic() - started < 0.4 + LATE_SECONDS
        assert apple.hung_up.wait(SAFETY_NET_SECONDS), "the connection was left open"


def test_after_a_hang_up_the_next_request_has_a_connection_of_its_own(ask: Asking) -> None:
    with origin(stays_silent, sends(http(200, b"{}"))) as apple:
        client = ask.client(apple.url)
        with pytest.raises(AppleTooSlowError):
            client.send(GET, Deadline.after(0.2, time), headers=TOKENS)

        assert client.send(GET, Deadline.after(5, time), headers=TOKENS).body == b"{}"
        assert apple.connections == 2


def test_hanging_up_leaves_no_thread_behind(ask: Asking) -> None:
    before = threading.enumerate()
    with origin(drips(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x")) as apple:
        client = ask.client(apple.url)
        for _ in range(3):
            with pytest.raises(AppleTooSlowError):
                client.send(GET, Deadline.after(0.2, time), headers=TOKENS)

        for thread in threading.enumerate():
            if thread.name.startswith("apple-music") and thread not in before:
                thread.join(timeout=SAFETY_NET_SECONDS)
                assert not thread.is_alive()


def test_what_was_hung_up_while_a_name_was_looked_up_is_never_sent(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def slowly(*arguments: Any, **named: Any) -> Any:
        time.sleep(0.5)
        return look_up(*arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    with origin(sends(http(200))) as apple:
        with pytest.raises(AppleTooSlowError):
            ask.once(apple, seconds=0.2)

        assert apple.hung_up.wait(SAFETY_NET_SECONDS)
        assert apple.requests == []


def test_an_odd_header_is_not_logged(ask: Asking, caplog: pytest.LogCaptureFixture) -> None:
    echo = b"HTTP/1.1 200 OK\r\n sample-user-token\r\nnot a header\r\nContent-Length: 0\r\n\r\n"
    with origin(sends_and_closes(echo)) as apple:
        ask.once(apple)

    assert caplog.records == []


def test_without_time_left_apple_is_not_asked(ask: Asking) -> None:
    with origin(sends(http(200))) as apple:
        with pytest.raises(AppleTooSlowError):
            ask.once(apple, seconds=0)

        assert apple.connections == 0


def test_a_closed_port_is_unreachable(ask: Asking) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(AppleUnreachableError):
        ask.client(f"http://127.0.0.1:{port}").send(GET, Deadline.after(5, time), headers=TOKENS)


@pytest.mark.parametrize(
    "answering",
    [sends_and_closes(b""), sends(b"nonsense\r\n\r\n")],
    ids=["nothing", "no HTTP"],
)
def test_no_answer_at_all_is_unreachable(ask: Asking, answering: Answering) -> None:
    with origin(answering) as apple, pytest.raises(AppleUnreachableError):
        ask.once(apple)


@pytest.mark.parametrize(
    "answering",
    [
        sends_and_closes(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"),
        sends_and_closes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        sends(http(200, b"not gzip", "Content-Encoding: gzip")),
        sends(http(200, b"x" * (MAX_BODY_BYTES + 1))),
        sends(http(200, gzip.compress(b"x" * (50 * MAX_BODY_BYTES)), "Content-Encoding: gzip")),
    ],
    ids=["truncated", "bad chunk", "bad gzip", "too large", "gzip bomb"],
)
def test_a_body_that_cannot_be_read_is_unusable(ask: Asking, answering: Answering) -> None:
    with origin(answering) as apple, pytest.raises(AppleAnswerUnusableError):
        ask.once(apple)


@pytest.mark.parametrize(
    "answering",
    [sends_and_closes(b""), sends(http(200, b"not gzip", "Content-Encoding: gzip"))],
)
def test_no_error_tells_a_token(ask: Asking, answering: Answering) -> None:
    unanswered = pytest.raises((AppleUnreachableError, AppleAnswerUnusableError))
    with origin(answering) as apple, unanswered as raised:
        ask.once(apple)

    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    for token in TOKENS.values():
        assert token not in repr(raised.value)
