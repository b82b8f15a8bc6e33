"""Which connections are kept, when a request is resent, and which peers are trusted."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from functions.shared.http.connection import TrustStore
from functions.shared.http.messages import (
    ConnectError,
    ConnectionLostError,
    ExchangeTimeoutError,
    Request,
    TlsError,
)
from tests.fakes.clock import FakeClock
from tests.fakes.origin import (
    Answering,
    certified,
    http,
    origin,
    resets,
    sends,
    sends_and_closes,
    stays_silent,
)
from tests.integration.shared.http.client import GET, Client
from tests.patience import SAFETY_NET_SECONDS

AWS = replace(GET, method="POST", body=b"{}", first_byte_seconds=0.1)
ON_A_NEW_CONNECTION = replace(GET, max_idle_seconds=-1)


def test_an_unrequested_response_closes_the_connection() -> None:
    is_read, is_sent = threading.Event(), threading.Event()

    def twice(connection: socket.socket, _: bytes) -> None:
        connection.sendall(http(200, b"first"))
        is_read.wait(SAFETY_NET_SECONDS)
        connection.sendall(http(200, b"unrequested"))
        is_sent.set()

    with origin(twice, sends(http(200, b"second"))) as served:
        client = Client(served.url)
        assert client.send().body == b"first"
        is_read.set()
        assert is_sent.wait(SAFETY_NET_SECONDS)
        time.sleep(0.05)

        assert client.send().body == b"second"
        assert served.connections == 2


@pytest.mark.parametrize(
    ("request_", "idle_seconds", "connections"),
    [(GET, 60, 1), (GET, 60.1, 2), (GET, -1, 2), (ON_A_NEW_CONNECTION, 0, 2)],
)
def test_a_connection_that_was_idle_too_long_by_the_wall_clock_is_replaced(
    request_: Request, idle_seconds: float, connections: int
) -> None:
    clock = FakeClock()
    clock.monotonic = time.monotonic  # type: ignore[method-assign]  # only the wall clock jumps
    with origin(sends(http(200))) as served:
        client = Client(served.url, clock=clock)
        client.send()
        clock.advance(idle_seconds)
        client.send(request_)

        assert served.connections == connections


@pytest.mark.parametrize("dies", [resets, sends_and_closes()], ids=["RST", "FIN"])
def test_a_request_is_resent_once_if_its_kept_connection_has_died(dies: Answering) -> None:
    with origin(*(sends(http(200)), dies) * 2, dies) as served:
        client = Client(served.url)
        assert not client.send().resent
        assert client.send().resent
        assert (served.connections, len(served.requests)) == (2, 3)

        with pytest.raises(ConnectionLostError):
            client.send()
        assert (served.connections, len(served.requests)) == (3, 5)


def test_no_request_is_resent_after_the_first_byte_or_if_its_connection_was_new() -> None:
    dies = sends_and_closes(b"H")
    with origin(resets, sends(http(200)), dies, sends(http(200))) as served:
        client = Client(served.url)
        with pytest.raises(ConnectionLostError):
            client.send()
        assert client.send().status == 200
        with pytest.raises(ConnectionLostError):
            client.send()
        assert len(served.requests) == 3


def test_a_silent_kept_connection_counts_as_dead_only_with_a_limit_for_the_first_byte() -> None:
    answers = sends(http(200)), stays_silent, sends(http(200))
    with origin(*answers) as served:
        client = Client(served.url)
        client.send(AWS)
        assert client.send(AWS).resent
        assert served.connections == 2

    with origin(*answers) as served:
        client = Client(served.url)
        client.send()
        with pytest.raises(ExchangeTimeoutError):
            client.send(seconds=0.3)
        assert len(served.requests) == 2


def test_a_new_connection_has_no_limit_for_the_first_byte() -> None:
    def slow(connection: socket.socket, _: bytes) -> None:
        time.sleep(0.3)
        connection.sendall(http(200))

    with origin(slow) as served:
        assert Client(served.url).send(AWS).status == 200


class TestTls:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @pytest.fixture
    def trust(self, authority: trustme.CA, tmp_path: Path) -> TrustStore:
        authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        return TrustStore(str(tmp_path / "authority.pem"))

    def test_a_connection_is_kept_and_the_authorities_are_loaded_once(
        self, authority: trustme.CA, trust: TrustStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loads: list[ssl.SSLContext] = []
        load = ssl.SSLContext.load_verify_locations

        def counted(self: ssl.SSLContext, *arguments: Any) -> None:
            loads.append(self)
            load(self, *arguments)

        monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
        with origin(sends(http(200, b"{}")), tls=certified(authority)) as served:
            first, second = (Client(served.url, trust=trust) for _ in range(2))
            assert loads == []
            for client in (first, first, second, second):
                assert client.send().body == b"{}"

            assert (served.connections, len(served.requests), len(loads)) == (2, 4, 1)

    def test_an_unrequested_response_is_detected_through_tls(
        self, authority: trustme.CA, trust: TrustStore
    ) -> None:
        answers = sends(http(200, b"{}"), http(200, b"unrequested")), sends(http(200, b"second"))
        with origin(*answers, tls=certified(authority)) as served:
            client = Client(served.url, trust=trust)
            assert client.send().body in (b"{}", None)
            time.sleep(0.05)

            assert client.send().body == b"second"
            assert served.connections == 2

    @pytest.mark.parametrize("host", ["127.0.0.1", "elsewhere.test"])
    def test_a_certificate_of_an_unknown_authority_or_another_host_is_a_tls_error(
        self, authority: trustme.CA, trust: TrustStore, host: str
    ) -> None:
        issuer = authority if host == "elsewhere.test" else trustme.CA()
        with origin(sends(http(200)), tls=certified(issuer, host)) as served:
            with pytest.raises(TlsError):
                Client(served.url, trust=trust).send()
            assert served.requests == []

    def test_a_peer_that_does_not_speak_tls_is_a_connect_error(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def answer() -> None:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    connection.recv(1)

            thread = threading.Thread(target=answer)
            thread.start()
            with pytest.raises(ConnectError):
                Client(f"https://127.0.0.1:{listener.getsockname()[1]}").send()
            thread.join()

    def test_authorities_that_cannot_be_loaded_are_a_connect_error(
        self, authority: trustme.CA
    ) -> None:
        with (
            origin(sends(http(200)), tls=certified(authority)) as served,
            pytest.raises(ConnectError),
        ):
            Client(served.url, trust=TrustStore("/nowhere")).send()
