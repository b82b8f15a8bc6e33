"""Which responses are read, and after which the connection is kept."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from functions.shared.http.connection import ERROR_BYTES
from functions.shared.http.messages import (
    ConnectionLostError,
    ExchangeTimeoutError,
    InvalidResponseError,
    ResponseTooLargeError,
    TransportError,
)
from tests.fakes.origin import Answering, drips, http, origin, sends, sends_and_closes
from tests.integration.shared.http.client import GET, Client, send_two
from tests.patience import SAFETY_NET_SECONDS

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"
GZIP = "Content-Encoding: gzip"


def chunked(body: bytes) -> bytes:
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + body


def zipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


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
        (chunked(CHUNKS), b"{}"),
        (chunked(b"02;a=b\r\n{ \r\n1  \r\n}\r\n000\r\nX: y\r\nZ: \r\n\r\n"), b"{ }"),
        (http(200, zipped(b"{}"), GZIP), b"{}"),
        (http(200, zipped(b"{}"), "Content-Encoding: X-GZIP"), b"{}"),
        (http(200, zlib.compress(b"{}"), "Content-Encoding: deflate"), b"{}"),
        (http(200, b"{}", "Content-Encoding: identity"), b"{}"),
        (http(200, b"", GZIP), b""),
    ],
)
def test_a_complete_response_is_read_and_its_connection_kept(data: bytes, body: bytes) -> None:
    response, served = send_two(sends(data))

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
def test_a_connection_is_closed_unless_the_end_of_the_response_is_proven(data: bytes) -> None:
    response, served = send_two(sends(data))

    assert response.body in (b"", b"{}")
    assert served.connections == 2


def test_without_framing_the_body_ends_with_the_connection() -> None:
    response, served = send_two(sends_and_closes(OK + b"\r\n{}"))

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
    "length and chunks": chunked(CHUNKS).replace(OK, OK + b"Content-Length: 12\r\n"),
    "an unknown transfer coding": chunked(CHUNKS).replace(b"chunked", b"gzip, chunked"),
    "chunks in HTTP/1.0": chunked(CHUNKS).replace(b"1.1", b"1.0"),
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
    "bytes after the last chunk": chunked(CHUNKS + b"x"),
    "bytes after 204": b"HTTP/1.1 204 No Content\r\n\r\nx",
    "gzip in the header only": http(200, b"{}", GZIP),
    "gzip that is cut off": http(200, zipped(b"{}")[:-1], GZIP),
    "gzip with bytes after the end": http(200, zipped(b"{}") + b"x", GZIP),
    "an unknown content coding": http(200, b"{}", "Content-Encoding: br"),
    "two content codings": http(200, b"{}", "Content-Encoding: gzip, gzip"),
}


@pytest.mark.parametrize("status", [b"200", b"401"])
@pytest.mark.parametrize("data", FRAMINGS.values(), ids=FRAMINGS)
def test_an_ambiguous_body_is_unreadable_and_closes_the_connection(
    data: bytes, status: bytes
) -> None:
    response, served = send_two(sends(data.replace(b"200", status, 1)))

    assert response.status in (int(status), 204)  # one case is always a 204
    assert response.body is None
    assert type(response.body_error) is InvalidResponseError
    assert served.connections == 2


@pytest.mark.parametrize(
    ("error", "data"),
    [
        (InvalidResponseError, b"nonsense\r\n\r\n"),
        (InvalidResponseError, b"HTTP/2 200 OK\r\n\r\n"),
        (InvalidResponseError, b"HTTP/1.1 2OO OK\r\n\r\n"),
        (InvalidResponseError, b"HTTP/1.1 +20 OK\r\n\r\n"),
        (InvalidResponseError, b"HTTP/1.1 099 OK\r\n\r\n"),
        (InvalidResponseError, b"HTTP/1.1 999 OK\r\n\r\n"),
        (InvalidResponseError, b"HTTP/1.1 200 O\0K\r\n\r\n"),
        (InvalidResponseError, b"\r\nHTTP/1.1 200 OK\r\n\r\n"),
        (InvalidResponseError, b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + http(200)),
        (InvalidResponseError, b"HTTP/1.1 100 Continue\r\n\r\n" * 17 + http(200)),
        (InvalidResponseError, b"HTTP/1.1 103 Hints\r\nContent-Length: 2\r\n\r\n{}" + http(200)),
        (ResponseTooLargeError, OK + b"X: " + b"x" * 100_000),
        (ResponseTooLargeError, OK + b"X: y\r\n" * 20_000),
        (ResponseTooLargeError, b"HTTP/1.1 200 " + b"x" * 100_000),
        (ConnectionLostError, b""),
        (ConnectionLostError, b"HTTP/1.1 200 O"),
    ],
)
def test_without_a_final_status_there_is_no_response(
    data: bytes, error: type[TransportError]
) -> None:
    with origin(sends_and_closes(data)) as served, pytest.raises(TransportError) as raised:
        Client(served.url).send()

    assert type(raised.value) is error
    assert raised.value.__cause__ is None


TOO_LARGE = {
    "a length": OK + b"Content-Length: 10001\r\n\r\n" + b"x" * 10_001,
    "a length without a body": OK + b"Content-Length: 99999999999\r\n\r\n",
    "a chunk": chunked(b"2711\r\n" + b"x" * 10_001 + b"\r\n0\r\n\r\n"),
    "a chunk size without a chunk": chunked(b"ffffffff\r\n"),
    "until closed": OK + b"\r\n" + b"x" * 10_001,
    "gzip": http(200, zipped(b"x" * 10_001), GZIP),
    "framing": chunked(b"1\r\nx\r\n" * 100_000),
    "a chunk's extension": chunked(b"1;" + b"x" * 100_000),
    "trailers": chunked(b"0\r\n" + b"X: y\r\n" * 100_000),
}


@pytest.mark.parametrize("data", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_body_that_is_too_large_in_any_way_is_unreadable(data: bytes) -> None:
    response, served = send_two(sends_and_closes(data))

    assert (response.status, response.body) == (200, None)
    assert type(response.body_error) is ResponseTooLargeError
    assert served.connections == 2


@pytest.mark.parametrize(
    "data",
    [
        http(200, b"x" * 10_000),
        http(200, zipped(b"x" * 10_000), GZIP),
        chunked(b"2710\r\n" + b"x" * 10_000 + b"\r\n0\r\n\r\n"),
    ],
)
def test_a_body_of_exactly_the_limit_is_read(data: bytes) -> None:
    response, _ = send_two(sends(data))

    assert response.body == b"x" * 10_000


@pytest.mark.parametrize(
    ("answering", "error"),
    [
        (sends(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\n"), ExchangeTimeoutError),
        (drips(b"HTTP/1.1 403 No\r\nContent-Length: 9999\r\n\r\n", b"x"), ExchangeTimeoutError),
        (
            sends(b"HTTP/1.1 403 No\r\nContent-Length: %d\r\n\r\n" % (ERROR_BYTES + 1)),
            ResponseTooLargeError,
        ),
        (sends(http(403, zipped(b"x" * (ERROR_BYTES + 1)), GZIP)), ResponseTooLargeError),
    ],
    ids=["silence", "a slow body", "a length", "gzip"],
)
def test_the_body_of_an_error_is_limited_to_a_quarter_second_and_64_kib(
    answering: Answering, error: type[TransportError]
) -> None:
    with origin(answering) as served:
        response = Client(served.url).send(replace(GET, max_body_bytes=1_000_000))

        assert (response.status, response.body, type(response.body_error)) == (403, None, error)
        assert served.disconnected.wait(SAFETY_NET_SECONDS)


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize(
    ("answers", "error"),
    [(sends_and_closes, ConnectionLostError), (sends, ExchangeTimeoutError)],
)
def test_a_truncated_body_and_a_slow_body_have_different_errors(
    answers: Callable[[bytes], Answering], error: type[TransportError], status: int
) -> None:
    with origin(answers(b"HTTP/1.1 %d Status\r\nContent-Length: 9\r\n\r\n{" % status)) as served:
        response = Client(served.url).send(seconds=0.3)

    assert (response.status, response.body) == (status, None)
    assert type(response.body_error) is error
