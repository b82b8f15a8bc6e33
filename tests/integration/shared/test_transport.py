"""One exchange over a real socket: framing, limits of time, kept and dead connections, TLS."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import trustme

from functions.shared.transport import (
    ERROR_BYTES,
    ConnectError,
    ConnectionLostError,
    ExchangeTimeoutError,
    InvalidRequestError,
    InvalidResponseError,
    Request,
    Response,
    ResponseTooLargeError,
    TlsError,
    Transport,
    TransportError,
    TrustStore,
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

GET = Request(method="GET", target="/", headers={}, max_body_bytes=10_000, max_idle_seconds=60)
AWS = replace(GET, method="POST", body=b"{}", first_byte_seconds=0.1)
SAFETY_SECONDS = 60.0
OK = b"HTTP/1.1 200 OK\r\n"

Connect = Callable[..., Transport]


@pytest.fixture
def connect() -> Iterator[Connect]:
    made: list[Transport] = []

    def connected(url: str, **arguments: Any) -> Transport:
        made.append(Transport(url, **{"trust": TrustStore(), "clock": time, **arguments}))
        return made[-1]

    yield connected
    for transport in made:
        transport.close()


TWO_BYTES_IN_CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"


def chunked(*parts: bytes) -> bytes:
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(parts)


def exchange(connect: Connect, answering: Answering) -> tuple[Response, Origin]:
    """The response to a first request; a second one shows whether the connection is kept."""
    with origin(answering) as served:
        transport = connect(served.url)
        response = transport.send(GET, SAFETY_SECONDS)
        transport.send(GET, SAFETY_SECONDS)
    return response, served


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (OK + b"Content-Length: 2\r\n\r\n{}", b"{}"),
        (OK + b"content-length:2 \r\nX-Odd: \t\x80\xff\r\nX:\r\n\r\n{}", b"{}"),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 16 + http(200, b"{}"), b"{}"),
        (b"HTTP/1.1 102 Processing\r\n\r\n" + http(404, b"{}"), b"{}"),
        (chunked(b"2\r\n{}\r\n", b"0\r\n\r\n"), b"{}"),
        (chunked(b"02;a=b\r\n{ \r\n1  \r\n}\r\n", b"000\r\nX: y\r\nZ: \r\n\r\n"), b"{ }"),
        (http(200, gzip.compress(b"{}", mtime=0), "Content-Encoding: gzip"), b"{}"),
        (http(200, gzip.compress(b"{}", mtime=0), "Content-Encoding: X-GZIP"), b"{}"),
        (http(200, zlib.compress(b"{}"), "Content-Encoding: deflate"), b"{}"),
        (http(200, b"{}", "Content-Encoding: identity"), b"{}"),
        (http(200, b"", "Content-Encoding: gzip"), b""),
    ],
)
def test_a_complete_response_is_read_and_its_connection_kept(
    connect: Connect, data: bytes, body: bytes
) -> None:
    response, served = exchange(connect, sends(data))

    assert (response.body, response.body_error) == (body, None)
    assert (served.connections, len(served.requests)) == (1, 2)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"Connection: Close\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"Connection: x, close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_a_connection_that_is_not_clearly_at_a_responses_end_is_closed(
    connect: Connect, data: bytes
) -> None:
    response, served = exchange(connect, sends(data))

    assert response.body in (b"", b"{}")
    assert served.connections == 2


def test_without_framing_the_body_ends_with_the_connection(connect: Connect) -> None:
    response, served = exchange(connect, sends_and_closes(OK + b"\r\n{}"))

    assert response.body == b"{}"
    assert served.connections == 2


FRAMINGS = {
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "two equal lengths": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": OK + b"Content-Length: 2, 2\r\n\r\n{}",
    "a negative length": OK + b"Content-Length: -1\r\n\r\n{}",
    "a signed length": OK + b"Content-Length: +2\r\n\r\n{}",
    "a length with an underscore": OK + b"Content-Length: 0_2\r\n\r\n{}",
    "an empty length": OK + b"Content-Length:\r\n\r\n{}",
    "length and chunks": OK
    + b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n"
    + TWO_BYTES_IN_CHUNKS,
    "an unknown transfer coding": OK
    + b"Transfer-Encoding: gzip, chunked\r\n\r\n"
    + TWO_BYTES_IN_CHUNKS,
    "chunks in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + TWO_BYTES_IN_CHUNKS,
    "a negative chunk": chunked(b"-5\r\n{}\r\n0\r\n\r\n"),
    "a chunk of minus one": chunked(b"-1\r\n{}\r\n0\r\n\r\n"),
    "a signed chunk": chunked(b"+2\r\n{}\r\n0\r\n\r\n"),
    "a chunk with an underscore": chunked(b"0_2\r\n{}\r\n0\r\n\r\n"),
    "a chunk with a prefix": chunked(b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk after a space": chunked(b" 2\r\n{}\r\n0\r\n\r\n"),
    "an empty chunk size": chunked(b"\r\n{}\r\n0\r\n\r\n"),
    "a chunk that is longer than its size": chunked(b"1\r\n{}\r\n0\r\n\r\n"),
    "a bare line feed after a size": chunked(b"2\n{}\r\n0\r\n\r\n"),
    "a malformed trailer": chunked(b"2\r\n{}\r\n0\r\nno trailer\r\n\r\n"),
    "a folded header": OK + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    "a header without a name": OK + b": a\r\nContent-Length: 2\r\n\r\n{}",
    "a space before the colon": OK + b"Content-Length : 2\r\n\r\n{}",
    "a header with NUL": OK + b"X: \0\r\nContent-Length: 2\r\n\r\n{}",
    "a bare line feed in a header": OK + b"X: a\nContent-Length: 2\r\n\r\n{}",
    "bytes after the end": http(200, b"{}") + b"x",
    "another response after the end": http(200, b"{}") + http(200, b"{}"),
    "bytes after the last chunk": chunked(b"2\r\n{}\r\n0\r\n\r\nx"),
    "bytes after a bodiless response": b"HTTP/1.1 204 No Content\r\n\r\nx",
    "gzip in name only": http(200, b"{}", "Content-Encoding: gzip"),
    "gzip that is cut off": http(200, gzip.compress(b"{}", mtime=0)[:-1], "Content-Encoding: gzip"),
    "gzip with something after it": http(
        200, gzip.compress(b"{}", mtime=0) + b"x", "Content-Encoding: gzip"
    ),
    "an unknown content coding": http(200, b"{}", "Content-Encoding: br"),
    "two content codings": http(200, b"{}", "Content-Encoding: gzip, gzip"),
}


@pytest.mark.parametrize("status", [b"200", b"401"])
@pytest.mark.parametrize("data", FRAMINGS.values(), ids=FRAMINGS)
def test_a_body_that_is_ambiguous_is_unreadable_and_ends_the_connection(
    connect: Connect, data: bytes, status: bytes
) -> None:
    response, served = exchange(connect, sends(data.replace(b"200", status, 1)))

    assert response.status in (int(status), 204)
    assert response.body is None
    assert type(response.body_error) is InvalidResponseError
    assert served.connections == 2


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"nonsense\r\n\r\n", InvalidResponseError),
        (b"HTTP/2 200 OK\r\n\r\n", InvalidResponseError),
        (b"HTTP/1.1 2OO OK\r\n\r\n", InvalidResponseError),
        (b"HTTP/1.1 +20 OK\r\n\r\n", InvalidResponseError),
        (b"HTTP/1.1 099 OK\r\n\r\n", InvalidResponseError),
        (b"HTTP/1.1 999 OK\r\n\r\n", InvalidResponseError),
        (b"HTTP/1.1 200 O\0K\r\n\r\n", InvalidResponseError),
        (b"\r\nHTTP/1.1 200 OK\r\n\r\n", InvalidResponseError),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + http(200), InvalidResponseError),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 17 + http(200), InvalidResponseError),
        (
            b"HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\n{}" + http(200),
            InvalidResponseError,
        ),
        (OK + b"X: " + b"x" * 100_000, ResponseTooLargeError),
        (OK + b"X: y\r\n" * 20_000, ResponseTooLargeError),
        (b"HTTP/1.1 200 " + b"x" * 100_000, ResponseTooLargeError),
    ],
)
def test_without_a_final_status_there_is_no_response(
    connect: Connect, data: bytes, error: type[TransportError]
) -> None:
    with origin(sends_and_closes(data)) as served:
        transport = connect(served.url)
        with pytest.raises(TransportError) as raised:
            transport.send(GET, SAFETY_SECONDS)

    assert type(raised.value) is error


TOO_LARGE = {
    "a length": OK + b"Content-Length: 10001\r\n\r\n" + b"x" * 10_001,
    "a length in name": OK + b"Content-Length: 99999999999\r\n\r\n",
    "a chunk": chunked(b"2711\r\n" + b"x" * 10_001 + b"\r\n0\r\n\r\n"),
    "a chunk in name": chunked(b"ffffffff\r\n"),
    "until closed": OK + b"\r\n" + b"x" * 10_001,
    "gzip": http(200, gzip.compress(b"x" * 10_001, mtime=0), "Content-Encoding: gzip"),
    "framing": chunked(b"1\r\nx\r\n" * 100_000),
    "a chunk's extension": chunked(b"1;" + b"x" * 100_000),
    "trailers": chunked(b"0\r\n" + b"X: y\r\n" * 100_000),
}


@pytest.mark.parametrize("data", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_body_that_is_too_large_in_any_way_is_unreadable(connect: Connect, data: bytes) -> None:
    response, served = exchange(connect, sends_and_closes(data))

    assert (response.status, response.body) == (200, None)
    assert type(response.body_error) is ResponseTooLargeError
    assert served.connections == 2


def test_a_body_of_just_the_limit_is_read(connect: Connect) -> None:
    for answer in (
        http(200, b"x" * 10_000),
        chunked(b"2710\r\n" + b"x" * 10_000 + b"\r\n0\r\n\r\n"),
    ):
        response, _ = exchange(connect, sends(answer))
        assert response.body == b"x" * 10_000


@pytest.mark.parametrize(
    "answering",
    [
        sends(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\n"),
        drips(b"HTTP/1.1 403 No\r\nContent-Length: 99999\r\n\r\n", b"x"),
        sends(b"HTTP/1.1 403 No\r\nContent-Length: %d\r\n\r\n" % (ERROR_BYTES + 1)),
        sends(
            http(403, gzip.compress(b"x" * (ERROR_BYTES + 1), mtime=0), "Content-Encoding: gzip")
        ),
    ],
)
def test_an_errors_body_is_given_up_soon(connect: Connect, answering: Answering) -> None:
    with origin(answering) as served:
        transport = connect(served.url)
        response = transport.send(replace(GET, max_body_bytes=1_000_000), SAFETY_SECONDS)

        assert (response.status, response.body) == (403, None)
        assert served.hung_up.wait(SAFETY_SECONDS)


def test_the_peer_that_cuts_a_response_off_is_told_from_one_that_is_slow(connect: Connect) -> None:
    for answering, error in (
        (sends_and_closes(OK + b"Content-Length: 9\r\n\r\n{"), ConnectionLostError),
        (sends(OK + b"Content-Length: 9\r\n\r\n{"), ExchangeTimeoutError),
    ):
        with origin(answering) as served:
            response = connect(served.url).send(GET, 0.3)
        assert type(response.body_error) is error


@pytest.mark.parametrize(
    "answering",
    [
        stays_silent,
        drips(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x"),
        drips(b"", b"H"),
    ],
    ids=["silence", "a header", "a status line"],
)
def test_the_deadline_ends_an_exchange_without_a_status(
    connect: Connect, answering: Answering
) -> None:
    with origin(answering) as served:
        started = time.monotonic()
        with pytest.raises((ExchangeTimeoutError, InvalidResponseError)):
            connect(served.url).send(GET, 0.3)

        assert time.monotonic() - started < SAFETY_SECONDS
        assert served.hung_up.wait(SAFETY_SECONDS), "the connection is still open"


@pytest.mark.parametrize(
    "answering",
    [
        drips(OK + b"Content-Length: 9999\r\n\r\n", b"x"),
        drips(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drips(OK + b"\r\n", b"x"),
        drips(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    ],
    ids=["a length", "chunks", "until closed", "trailers"],
)
def test_the_deadline_ends_a_body(connect: Connect, answering: Answering) -> None:
    with origin(answering) as served:
        response = connect(served.url).send(GET, 0.3)

        assert type(response.body_error) is ExchangeTimeoutError
        assert served.hung_up.wait(SAFETY_SECONDS), "the connection is still open"


def test_the_deadline_ends_a_handshake_and_a_request_that_is_not_accepted(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for url, request in (
            (f"https://127.0.0.1:{port}", GET),
            (f"http://127.0.0.1:{port}", replace(GET, body=bytes(30_000_000))),
        ):
            with pytest.raises(ExchangeTimeoutError):
                connect(url).send(request, 0.3)


def test_without_time_left_nothing_is_sent(connect: Connect) -> None:
    with origin(sends(http(200))) as served:
        with pytest.raises(ExchangeTimeoutError):
            connect(served.url).send(GET, 0)

        assert served.connections == 0


class TestLookUp:
    @pytest.fixture
    def look_ups(self, monkeypatch: pytest.MonkeyPatch) -> list[threading.Event]:
        """Look-ups that hang until their event is set."""
        started: list[threading.Event] = []
        original = socket.getaddrinfo

        def hanging(host: str, *arguments: Any, **named: Any) -> Any:
            if host == "apple.test":
                started.append(threading.Event())
                assert started[-1].wait(SAFETY_SECONDS)
                host = "127.0.0.1"
            return original(host, *arguments, **named)

        monkeypatch.setattr(socket, "getaddrinfo", hanging)
        return started

    def test_one_that_hangs_ends_with_the_deadline_and_is_joined_later(
        self, connect: Connect, look_ups: list[threading.Event]
    ) -> None:
        with origin(sends(http(200, b"{}"))) as served:
            transport = connect(served.url.replace("127.0.0.1", "apple.test"))
            for _ in range(3):
                with pytest.raises(ExchangeTimeoutError):
                    transport.send(GET, 0.05)
            (look_up,) = look_ups
            threading.Timer(0.05, look_up.set).start()

            assert transport.send(GET, SAFETY_SECONDS).status == 200
            assert transport.send(GET, SAFETY_SECONDS).status == 200

        assert len(look_ups) == 1
        assert (served.connections, len(served.requests)) == (1, 2)

    def test_the_result_of_one_that_came_too_late_is_not_used(
        self, connect: Connect, look_ups: list[threading.Event]
    ) -> None:
        with origin(sends(http(200, b"{}"))) as served:
            transport = connect(served.url.replace("127.0.0.1", "apple.test"))
            with pytest.raises(ExchangeTimeoutError):
                transport.send(GET, 0.05)
            look_ups[0].set()
            for thread in threading.enumerate():
                if thread.name == "look-up":
                    thread.join(SAFETY_SECONDS)
            assert served.requests == []

            with pytest.raises(ExchangeTimeoutError):
                transport.send(GET, 0.05)
            look_ups[1].set()

        assert len(look_ups) == 2

    def test_a_name_without_an_address_is_no_connection(
        self, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        with pytest.raises(ConnectError):
            connect("http://apple.test").send(GET, SAFETY_SECONDS)

    def test_every_address_is_tried(
        self, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        original = socket.getaddrinfo

        def two(host: str, *arguments: Any, **named: Any) -> Any:
            if host != "apple.test":
                return original(host, *arguments, **named)
            return [(0, 0, 0, "", (address, 0)) for address in ("::1", "127.0.0.1")]

        monkeypatch.setattr(socket, "getaddrinfo", two)
        with origin(sends(http(200))) as served:
            url = served.url.replace("127.0.0.1", "apple.test")
            assert connect(url).send(GET, SAFETY_SECONDS).status == 200


def test_a_closed_port_is_no_connection(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(ConnectError):
        connect(f"http://127.0.0.1:{port}").send(GET, SAFETY_SECONDS)


class TestKeptConnections:
    def test_what_was_sent_unasked_meanwhile_closes_it(self, connect: Connect) -> None:
        second = threading.Event()

        def twice(connection: socket.socket) -> None:
            connection.sendall(http(200, b"first"))
            second.wait(SAFETY_SECONDS)
            connection.sendall(http(200, b"unasked"))
            second.clear()

        with origin(twice, sends(http(200, b"second"))) as served:
            transport = connect(served.url)
            assert transport.send(GET, SAFETY_SECONDS).body == b"first"
            second.set()
            while second.is_set():
                time.sleep(0.001)
            time.sleep(0.05)

            assert transport.send(GET, SAFETY_SECONDS).body == b"second"
            assert served.connections == 2

    def test_a_response_that_is_late_is_not_anothers(self, connect: Connect) -> None:
        def late(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            time.sleep(0.3)
            connection.sendall(http(200, b"late"))

        with origin(late, sends(http(200, b"second"))) as served:
            transport = connect(served.url)
            with pytest.raises(ExchangeTimeoutError):
                transport.send(GET, 0.1)
            assert transport.send(GET, SAFETY_SECONDS).body == b"second"

    @pytest.mark.parametrize(("idle", "connections"), [(60, 1), (60.1, 2), (-1, 2)])
    def test_one_that_was_idle_too_long_by_the_wall_clock_is_replaced(
        self, connect: Connect, idle: float, connections: int
    ) -> None:
        clock = FakeClock()
        clock.monotonic = time.monotonic  # type: ignore[method-assign]  # as while Lambda freezes
        with origin(sends(http(200))) as served:
            transport = connect(served.url, clock=clock)
            transport.send(GET, SAFETY_SECONDS)
            clock.advance(idle)
            transport.send(GET, SAFETY_SECONDS)

            assert served.connections == connections

    @pytest.mark.parametrize("dies", [resets, sends_and_closes()], ids=["RST", "FIN"])
    def test_one_that_dies_before_the_first_byte_costs_one_resend(
        self, connect: Connect, dies: Answering
    ) -> None:
        with origin(sends(http(200)), dies, sends(http(200)), dies) as served:
            transport = connect(served.url)
            assert not transport.send(GET, SAFETY_SECONDS).resent
            assert transport.send(GET, SAFETY_SECONDS).resent
            assert (served.connections, len(served.requests)) == (2, 3)

            with pytest.raises(ConnectionLostError):
                transport.send(GET, SAFETY_SECONDS)
            assert (served.connections, len(served.requests)) == (3, 5)

    def test_one_that_dies_after_the_first_byte_is_not_replaced(self, connect: Connect) -> None:
        with origin(sends(http(200)), sends_and_closes(b"H"), sends(http(200))) as served:
            transport = connect(served.url)
            transport.send(GET, SAFETY_SECONDS)
            with pytest.raises(ConnectionLostError):
                transport.send(GET, SAFETY_SECONDS)

    def test_a_new_one_that_dies_is_not_replaced(self, connect: Connect) -> None:
        with origin(resets, sends(http(200))) as served:
            with pytest.raises(ConnectionLostError):
                connect(served.url).send(GET, SAFETY_SECONDS)
            assert len(served.requests) == 1

    def test_silence_is_death_only_where_the_request_says_so(self, connect: Connect) -> None:
        with origin(sends(http(200)), stays_silent, sends(http(200))) as served:
            transport = connect(served.url)
            transport.send(AWS, SAFETY_SECONDS)
            assert transport.send(AWS, SAFETY_SECONDS).resent
            assert served.connections == 2

        with origin(sends(http(200)), stays_silent, sends(http(200))) as served:
            transport = connect(served.url)
            transport.send(GET, SAFETY_SECONDS)
            with pytest.raises(ExchangeTimeoutError):
                transport.send(GET, 0.3)
            assert len(served.requests) == 2

    def test_a_new_one_may_be_silent_for_longer(self, connect: Connect) -> None:
        def slow(connection: socket.socket) -> None:
            time.sleep(0.3)
            connection.sendall(http(200))

        with origin(slow) as served:
            assert connect(served.url).send(AWS, SAFETY_SECONDS).status == 200


class TestRequests:
    @pytest.mark.parametrize(
        "request_",
        [
            replace(GET, headers={"X": "secret\r\nY: z"}),
            replace(GET, headers={"X": "secret\0"}),
            replace(GET, headers={"X": "sécret"}),
            replace(GET, headers={"X\nY": "secret"}),
            replace(GET, target="/secret\r\n"),
        ],
    )
    def test_one_with_a_control_character_is_not_sent_or_quoted(
        self, connect: Connect, request_: Request
    ) -> None:
        with origin(sends(http(200))) as served:
            with pytest.raises(InvalidRequestError) as raised:
                connect(served.url).send(request_, SAFETY_SECONDS)
            assert served.connections == 0

        assert "secret" not in repr(raised.value)
        assert raised.value.__context__ is None

    def test_neither_headers_nor_body_show(self) -> None:
        request = replace(GET, headers={"X": "secret"}, body=b"secret")

        assert "secret" not in repr(request)

    @pytest.mark.parametrize(
        ("url", "host"),
        [
            ("http://127.0.0.1:{}", "127.0.0.1:{}"),
            ("http://LOCALHOST:{}", "localhost:{}"),
        ],
    )
    def test_the_host_is_named_with_a_port_that_is_not_the_default(
        self, connect: Connect, url: str, host: str
    ) -> None:
        with origin(sends(http(200))) as served:
            port = served.url.rpartition(":")[2]
            connect(url.format(port)).send(GET, SAFETY_SECONDS)

        assert f"\r\nHost: {host.format(port)}\r\n".encode() in served.requests[0]

    @pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
    def test_a_redirect_is_not_followed(self, connect: Connect, status: int) -> None:
        with origin(sends(http(200))) as elsewhere:
            there = sends(http(status, b"", f"Location: {elsewhere.url}/"))
            with origin(there) as served:
                assert connect(served.url).send(GET, SAFETY_SECONDS).status == status
            assert elsewhere.connections == 0

    def test_a_proxy_of_the_environment_is_not_used(
        self, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with origin(sends(http(200))) as proxy, origin(sends(http(200))) as served:
            for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            connect(served.url).send(GET, SAFETY_SECONDS)

            assert (proxy.connections, served.connections) == (0, 1)


class TestTls:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @pytest.fixture
    def trust(self, authority: trustme.CA, tmp_path: Any) -> TrustStore:
        authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        return TrustStore(str(tmp_path / "authority.pem"))

    @staticmethod
    def served_by(authority: trustme.CA, host: str = "127.0.0.1") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(context)
        return context

    def test_a_connection_is_kept_and_the_authorities_are_loaded_once(
        self,
        connect: Connect,
        authority: trustme.CA,
        trust: TrustStore,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        loads: list[ssl.SSLContext] = []
        load = ssl.SSLContext.load_verify_locations

        def counted(self: ssl.SSLContext, *arguments: Any) -> None:
            loads.append(self)
            load(self, *arguments)

        monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
        with origin(sends(http(200, b"{}")), tls=self.served_by(authority)) as served:
            first, second = (connect(served.url, trust=trust) for _ in range(2))
            assert loads == []
            for transport in (first, first, second, second):
                assert transport.send(GET, SAFETY_SECONDS).body == b"{}"

            assert (served.connections, len(served.requests), len(loads)) == (2, 4, 1)

    def test_what_was_sent_unasked_is_seen_through_tls(
        self, connect: Connect, authority: trustme.CA, trust: TrustStore
    ) -> None:
        answers = (sends(http(200, b"{}"), http(200, b"unasked")), sends(http(200, b"second")))
        with origin(*answers, tls=self.served_by(authority)) as served:
            transport = connect(served.url, trust=trust)
            assert transport.send(GET, SAFETY_SECONDS).body in (b"{}", None)
            time.sleep(0.05)

            assert transport.send(GET, SAFETY_SECONDS).body == b"second"
            assert served.connections == 2

    @pytest.mark.parametrize("host", ["127.0.0.1", "elsewhere.test"])
    def test_a_certificate_of_an_unknown_authority_or_another_host_is_refused(
        self, connect: Connect, authority: trustme.CA, trust: TrustStore, host: str
    ) -> None:
        signing = authority if host == "elsewhere.test" else trustme.CA()
        with origin(sends(http(200)), tls=self.served_by(signing, host)) as served:
            with pytest.raises(TlsError):
                connect(served.url, trust=trust).send(GET, SAFETY_SECONDS)
            assert served.requests == []

    def test_a_peer_that_does_not_speak_tls_is_no_connection(self, connect: Connect) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def answer() -> None:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    connection.recv(1)

            thread = threading.Thread(target=answer)
            thread.start()
            with pytest.raises(ConnectError):
                connect(f"https://127.0.0.1:{listener.getsockname()[1]}").send(GET, SAFETY_SECONDS)
            thread.join()

    def test_authorities_that_cannot_be_loaded_are_no_connection(
        self, connect: Connect, authority: trustme.CA
    ) -> None:
        with (
            origin(sends(http(200)), tls=self.served_by(authority)) as served,
            pytest.raises(ConnectError),
        ):
            connect(served.url, trust=TrustStore("/nowhere")).send(GET, SAFETY_SECONDS)
