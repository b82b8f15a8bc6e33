"""The server speaks HTTP/1.1 to well-behaved and to odd clients, over real connections."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.http_server import HttpAnswer, HttpRequest, HttpServer
from tests.patience import SAFETY_NET_SECONDS

BODY_LIMIT = 1_000


class Mirror:
    """Answers with what it was asked; `/204` and such set the status."""

    def answer(self, request: HttpRequest) -> HttpAnswer:
        status = request.target.removeprefix("/")
        seen = {
            "method": request.method,
            "target": request.target,
            "headers": [list(header) for header in request.headers],
            "body": request.body.decode("latin-1"),
        }
        return HttpAnswer(
            status=int(status) if status.isdigit() else 200, body=json.dumps(seen).encode()
        )

    def refusal(self, status: int) -> HttpAnswer:
        return HttpAnswer(status=status, body=b"refused")


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer(body_limit=BODY_LIMIT) as server:
        server.start(Mirror())
        yield server


@pytest.fixture
def connection(server: HttpServer) -> Iterator[HTTPConnection]:
    address = urlsplit(server.url).netloc
    with closing(HTTPConnection(address, timeout=SAFETY_NET_SECONDS)) as connection:
        yield connection


def seen(connection: HTTPConnection) -> dict[str, Any]:
    answer = connection.getresponse()
    assert answer.status == 200
    found: dict[str, Any] = json.loads(answer.read())
    return found


def connected(server: HttpServer) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection(
        (address.hostname, address.port or 0), timeout=SAFETY_NET_SECONDS
    )


def exchange(server: HttpServer, request: bytes) -> tuple[int, bytes]:
    """Send raw bytes, and read one answer."""
    with connected(server) as client:
        client.sendall(request)
        answer = HTTPResponse(client)
        answer.begin()
        with answer:
            return answer.status, answer.read()


def test_a_connection_is_kept_for_the_next_request(connection: HTTPConnection) -> None:
    connection.request("PUT", "/first", body=b"some")
    assert seen(connection)["body"] == "some"
    kept = connection.sock
    connection.request("GET", "/second")
    assert seen(connection)["target"] == "/second"
    assert connection.sock is kept


@pytest.mark.parametrize("target", ["/a/../b", "/%2e%2e/x", "//double", "/a%2Fb?q=%20#f", "*"])
def test_the_target_arrives_as_it_was_sent(server: HttpServer, target: str) -> None:
    _, body = exchange(server, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert json.loads(body)["target"] == target


def test_headers_arrive_in_order_repeated_and_as_spelt(server: HttpServer) -> None:
    _, body = exchange(server, b"GET / HTTP/1.1\r\nX-one: 1\r\nX-ONE:  2 \r\nFold: a\r\n b\r\n\r\n")
    assert json.loads(body)["headers"] == [["X-one", "1"], ["X-ONE", "2"], ["Fold", "a b"]]


def test_a_chunked_body_arrives_whole_and_the_connection_goes_on(
    connection: HTTPConnection,
) -> None:
    for _ in range(2):
        connection.request("PUT", "/", body=iter([b"so", b"me"]), encode_chunked=True)
        assert seen(connection)["body"] == "some"


@pytest.mark.parametrize("request_line", ["HEAD / HTTP/1.1", "GET /204 HTTP/1.1"])
def test_an_answer_that_has_no_body_sends_none(server: HttpServer, request_line: str) -> None:
    with connected(server) as client, client.makefile("rb") as answer:
        client.sendall(f"{request_line}\r\nConnection: close\r\n\r\n".encode())
        assert answer.read().endswith(b"Connection: close\r\n\r\n")


def test_an_unknown_method_is_the_applications_to_judge(connection: HTTPConnection) -> None:
    connection.request("BREW", "/")
    assert seen(connection)["method"] == "BREW"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/3.x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nNo colon\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"PUT / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nab", 400),
        (b"PUT / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", 400),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_cannot_be_read_is_refused_in_the_applications_words(
    server: HttpServer, request_: bytes, status: int
) -> None:
    assert exchange(server, request_) == (status, b"refused")


def test_a_body_over_the_limit_is_refused_without_losing_the_answer(
    connection: HTTPConnection,
) -> None:
    connection.request("PUT", "/", body=b"x" * 5_000_000)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (413, b"refused")


def test_a_chunked_body_over_the_limit_is_refused(connection: HTTPConnection) -> None:
    connection.request("PUT", "/", body=iter([b"x" * BODY_LIMIT, b"x"]), encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (413, b"refused")


@pytest.mark.parametrize(("length", "status"), [(BODY_LIMIT, b"100"), (BODY_LIMIT + 1, b"413")])
def test_a_client_that_asks_first_is_told_to_continue_only_within_the_limit(
    server: HttpServer, length: int, status: bytes
) -> None:
    head = f"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
    with connected(server) as client:
        client.sendall(head.encode())
        assert client.recv(100).startswith(b"HTTP/1.1 " + status)


def test_a_port_that_is_taken_cannot_be_had(server: HttpServer) -> None:
    port = urlsplit(server.url).port
    assert port is not None
    with pytest.raises(OSError, match="in use"):
        HttpServer(port=port)


def test_stopping_ends_idle_connections_and_leaves_no_thread() -> None:
    before = threading.active_count()
    with HttpServer() as server, closing(HTTPConnection(urlsplit(server.url).netloc)) as client:
        server.start(Mirror())
        client.request("GET", "/")
        seen(client)
        server.stop()
        assert threading.active_count() == before
