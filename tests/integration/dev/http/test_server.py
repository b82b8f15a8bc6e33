"""The server passes on what a client sent, undecoded and unmerged, over real connections."""

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

from dev.http import server
from dev.http.messages import HttpRequest, HttpResponse
from dev.http.server import listen, network_url_of, serve, url_of
from tests.patience import SAFETY_NET_SECONDS

BODY_LIMIT = 10 * 1024 * 1024


def mirror(request: HttpRequest) -> HttpResponse:
    """Respond with the request; a target such as `/204` sets the status."""
    status = request.target.removeprefix("/")
    seen = {
        "method": request.method,
        "target": request.target,
        "headers": [list(header) for header in request.headers],
        "body": request.body.decode("latin-1"),
    }
    return HttpResponse(
        status=int(status) if status.isdigit() else 200, body=json.dumps(seen).encode()
    )


def reject(status: int) -> HttpResponse:
    return HttpResponse(status=status, body=b"rejected")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with listen() as listener, serve(listener, mirror, reject=reject):
        yield url_of(listener)


@pytest.fixture
def connection(url: str) -> Iterator[HTTPConnection]:
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=SAFETY_NET_SECONDS)) as connection:
        yield connection


def seen(connection: HTTPConnection) -> dict[str, Any]:
    response = connection.getresponse()
    assert response.status == 200
    found: dict[str, Any] = json.loads(response.read())
    return found


def exchange(url: str, request: bytes) -> tuple[int, bytes]:
    """Send raw bytes, and read one response."""
    address = urlsplit(url)
    with socket.create_connection(
        (address.hostname, address.port or 0), timeout=SAFETY_NET_SECONDS
    ) as client:
        client.sendall(request)
        response = HTTPResponse(client, method=request.split(b" ")[0].decode())
        response.begin()
        with response:
            return response.status, response.read()


def test_a_connection_is_kept_for_the_next_request(connection: HTTPConnection) -> None:
    connection.request("BREW", "/first", body=b"some")
    assert seen(connection)["body"] == "some"
    kept = connection.sock
    connection.request("PUT", "/second", body=iter([b"so", b"me"]), encode_chunked=True)
    assert seen(connection)["body"] == "some"
    assert connection.sock is kept


@pytest.mark.parametrize(
    "target", ["/a/../b", "/%2e%2e/x", "//double", "/a%2Fb?q=%20", "*", "http://a.test/b?c"]
)
def test_the_target_arrives_as_it_was_sent(url: str, target: str) -> None:
    _, body = exchange(url, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert json.loads(body)["target"] == target


def test_repeated_headers_arrive_separately_and_in_order(url: str) -> None:
    _, body = exchange(
        url, b"GET / HTTP/1.1\r\nHost: x\r\nX-one: 1\r\nX-ONE:  2 \r\nX_One: 3\r\n\r\n"
    )
    assert json.loads(body)["headers"] == [
        ["host", "x"],
        ["x-one", "1"],
        ["x-one", "2"],
        ["x_one", "3"],
    ]


@pytest.mark.parametrize("request_line", ["HEAD / HTTP/1.1", "GET /204 HTTP/1.1"])
def test_head_and_204_responses_have_no_body(url: str, request_line: str) -> None:
    _, body = exchange(url, f"{request_line}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert body == b""


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/3.x\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nNo colon\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 66_000, 431),
    ],
)
def test_an_unreadable_request_gets_the_response_of_reject(
    url: str, request_: bytes, status: int
) -> None:
    assert exchange(url, request_) == (status, b"rejected")


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_client_that_sends_a_body_over_the_limit_receives_413(
    connection: HTTPConnection, is_chunked: bool
) -> None:
    body = iter([b"x" * BODY_LIMIT, b"x"]) if is_chunked else b"x" * (BODY_LIMIT + 1)
    connection.request("PUT", "/", body=body, encode_chunked=is_chunked)
    response = connection.getresponse()
    assert (response.status, response.read()) == (413, b"rejected")


def test_a_port_in_use_is_an_os_error(url: str) -> None:
    with pytest.raises(OSError, match="in use"):
        listen(urlsplit(url).port or 0)


def test_a_server_on_every_network_has_a_url_for_other_devices() -> None:
    with listen(host="0.0.0.0") as listener:  # noqa: S104
        port = listener.getsockname()[1]
        assert url_of(listener) == f"http://127.0.0.1:{port}"
        socket.create_connection(("127.0.0.1", port)).close()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(server, "_ELSEWHERE", ("127.0.0.1", 9))
            assert network_url_of(listener) == f"http://127.0.0.1:{port}"
            patch.setattr(server, "_ELSEWHERE", ("::1", 9))
            assert network_url_of(listener) is None
    with listen() as listener:
        assert network_url_of(listener) is None


def test_stopping_closes_idle_connections_and_leaves_no_thread() -> None:
    before = threading.active_count()
    with listen() as listener, serve(listener, mirror):
        client = HTTPConnection(urlsplit(url_of(listener)).netloc, timeout=SAFETY_NET_SECONDS)
        client.request("GET", "/")
        seen(client)
    assert threading.active_count() == before
    assert client.sock is not None
    assert client.sock.recv(1) == b""
    client.close()
