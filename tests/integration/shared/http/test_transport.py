"""The bytes that are sent, and how the deadline ends each part of an exchange."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from functions.shared.http.messages import (
    ConnectError,
    ExchangeTimeoutError,
    InvalidRequestError,
    Request,
)
from tests.fakes.origin import Answering, drips, http, origin, refusing_port, sends, stays_silent
from tests.integration.shared.http.client import GET, Client
from tests.patience import SAFETY_NET_SECONDS

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


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
def test_a_request_with_an_invalid_character_is_neither_sent_nor_quoted(request_: Request) -> None:
    with origin(sends(http(200))) as served:
        with pytest.raises(InvalidRequestError) as raised:
            Client(served.url).send(request_)
        assert served.connections == 0

    assert "secret" not in repr(raised.value)
    assert raised.value.__context__ is None


def test_a_request_does_not_show_its_headers_or_body() -> None:
    assert "secret" not in repr(replace(GET, headers={"X": "secret"}, body=b"secret"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_host_header_has_a_port_that_is_not_the_default(host: str) -> None:
    with origin(sends(http(200))) as served:
        port = served.url.rpartition(":")[2]
        Client(f"http://{host.upper()}:{port}").send()

    assert f"\r\nHost: {host}:{port}\r\n".encode() in served.requests[0]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with origin(sends(http(200))) as elsewhere:
        with origin(sends(http(status, b"", f"Location: {elsewhere.url}/"))) as served:
            assert Client(served.url).send().status == status
        assert elsewhere.connections == 0


def test_proxy_variables_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with origin(sends(http(200))) as proxy, origin(sends(http(200))) as served:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        Client(served.url).send()

        assert (proxy.connections, served.connections) == (0, 1)


@pytest.mark.parametrize(
    "answering",
    [stays_silent, drips(OK + b"X-Drip: ", b"x"), drips(b"", b"H")],
    ids=["silence", "a header", "a status line"],
)
def test_the_deadline_ends_an_exchange_without_a_status(answering: Answering) -> None:
    with origin(answering) as served:
        with pytest.raises(ExchangeTimeoutError) as raised:
            Client(served.url).send(seconds=0.3)

        assert raised.value.__cause__ is None
        assert served.disconnected.wait(SAFETY_NET_SECONDS), "the connection is still open"


@pytest.mark.parametrize(
    "answering",
    [
        drips(OK + b"Content-Length: 9999\r\n\r\n", b"x"),
        drips(CHUNKED, b"1\r\nx\r\n"),
        drips(OK + b"\r\n", b"x"),
        drips(CHUNKED + b"0\r\n", b"X: y\r\n"),
    ],
    ids=["a length", "chunks", "until closed", "trailers"],
)
def test_the_deadline_ends_a_body(answering: Answering) -> None:
    with origin(answering) as served:
        response = Client(served.url).send(seconds=0.3)

        assert type(response.body_error) is ExchangeTimeoutError
        assert served.disconnected.wait(SAFETY_NET_SECONDS), "the connection is still open"


@pytest.mark.parametrize(
    ("scheme", "body"), [("https", None), ("http", bytes(30_000_000))], ids=["handshake", "request"]
)
def test_the_deadline_ends_a_handshake_and_the_sending_of_a_request(
    scheme: str, body: bytes | None
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = Client(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(ExchangeTimeoutError):
            client.send(replace(GET, body=body), 0.3)


def test_without_remaining_time_nothing_is_sent() -> None:
    with origin(sends(http(200))) as served:
        with pytest.raises(ExchangeTimeoutError):
            Client(served.url).send(seconds=0)

        assert served.connections == 0


def test_a_closed_port_is_a_connect_error() -> None:
    with refusing_port() as port, pytest.raises(ConnectError):
        Client(f"http://127.0.0.1:{port}").send()


class TestLookUp:
    @pytest.fixture
    def look_up(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
        """Return a function that replaces the look-up of `apple.test`."""
        original = socket.getaddrinfo

        def replaced(found: Callable[[], Any]) -> None:
            monkeypatch.setattr(
                socket,
                "getaddrinfo",
                lambda host, *rest, **named: (
                    found() if host == "apple.test" else original(host, *rest, **named)
                ),
            )

        return replaced

    @pytest.fixture
    def hanging(self, look_up: Callable[[Callable[[], Any]], None]) -> list[threading.Event]:
        """The look-ups that started; each hangs until its event is set."""
        started: list[threading.Event] = []

        def found() -> Any:
            started.append(threading.Event())
            assert started[-1].wait(SAFETY_NET_SECONDS)
            return addresses("127.0.0.1")

        look_up(found)
        return started

    def test_the_deadline_ends_a_hanging_look_up_and_later_requests_wait_for_the_same_look_up(
        self, hanging: list[threading.Event]
    ) -> None:
        with origin(sends(http(200, b"{}"))) as served:
            client = Client(served.url.replace("127.0.0.1", "apple.test"))
            for _ in range(3):
                with pytest.raises(ExchangeTimeoutError):
                    client.send(seconds=0.05)
            threading.Timer(0.05, hanging[0].set).start()

            assert client.send().status == 200
            assert client.send().status == 200

        assert len(hanging) == 1
        assert (served.connections, len(served.requests)) == (1, 2)

    def test_a_look_up_result_after_the_deadline_is_not_used(
        self, hanging: list[threading.Event]
    ) -> None:
        with origin(sends(http(200, b"{}"))) as served:
            client = Client(served.url.replace("127.0.0.1", "apple.test"))
            for number in range(2):
                with pytest.raises(ExchangeTimeoutError):
                    client.send(seconds=0.05)
                hanging[number].set()
                for thread in threading.enumerate():
                    if thread.name == "look-up":
                        thread.join(SAFETY_NET_SECONDS)
            assert served.requests == []

        assert len(hanging) == 2

    def test_a_name_without_an_address_is_a_connect_error(
        self, look_up: Callable[[Callable[[], Any]], None]
    ) -> None:
        def unknown() -> Any:
            raise socket.gaierror

        look_up(unknown)
        with pytest.raises(ConnectError):
            Client("http://apple.test").send()

    def test_every_address_is_tried(self, look_up: Callable[[Callable[[], Any]], None]) -> None:
        look_up(lambda: addresses("::1", "127.0.0.1"))
        with origin(sends(http(200))) as served:
            assert Client(served.url.replace("127.0.0.1", "apple.test")).send().status == 200


def addresses(*hosts: str) -> Any:
    return [(0, 0, 0, "", (host, 0)) for host in hosts]
