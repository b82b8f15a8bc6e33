import socket
import ssl
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from functions.token_rotation.apple_music import AppleMusic
from functions.token_rotation.errors import AppleUnavailableError, TokenRefusedError
from tests.fakes.origin import (
    Answering,
    drips,
    http,
    origin,
    sends,
    sends_and_closes,
    stays_silent,
)
from tests.fakes.signing_keys import p256_key, pem
from tests.patience import LATE_SECONDS, SAFETY_NET_SECONDS

TOKEN = "developer.token.one"


def test_the_token_alone_is_sent_and_an_ok_accepts_it() -> None:
    with origin(sends(http(200, b'{"whatever": 1}'))) as apple:
        AppleMusic(apple.url, clock=time).try_token(TOKEN)

    (request,) = apple.requests
    head, *headers = request.decode().strip().split("\r\n")
    assert head == "GET /v1/test HTTP/1.1"
    assert f"Authorization: Bearer {TOKEN}" in headers
    assert request.count(TOKEN.encode()) == 1
    assert b"music-user-token" not in request.lower()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_told_from_all_else(status: int) -> None:
    refused = pytest.raises(TokenRefusedError, match=f"refuses the new token.*{status}")
    with origin(sends(http(status, b"{}"))) as apple, refused:
        AppleMusic(apple.url, clock=time).try_token(TOKEN)


@pytest.mark.parametrize("status", [201, 204, 304, 400, 404, 429, 500, 502, 503, 504])
def test_any_other_status_says_nothing_of_the_token(status: int) -> None:
    unavailable = pytest.raises(AppleUnavailableError, match=f"down.*{status}")
    with origin(sends(http(status))) as apple, unavailable:
        AppleMusic(apple.url, clock=time).try_token(TOKEN)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(status: int) -> None:
    with origin(sends(http(200))) as elsewhere:
        there = sends(http(status, b"", f"Location: {elsewhere.url}/"))
        with origin(there) as apple, pytest.raises(AppleUnavailableError):
            AppleMusic(apple.url, clock=time).try_token(TOKEN)
        assert elsewhere.connections == 0


def test_not_even_to_the_same_origin_is_a_redirect_followed() -> None:
    redirect = sends(http(307, b"", "Location: /elsewhere"))
    with origin(redirect, sends(http(200))) as apple, pytest.raises(AppleUnavailableError):
        AppleMusic(apple.url, clock=time).try_token(TOKEN)
    assert len(apple.requests) == 1


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with origin(sends(http(500))) as proxy, origin(sends(http(200))) as apple:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        AppleMusic(apple.url, clock=time).try_token(TOKEN)

        assert (proxy.connections, apple.connections) == (0, 1)


@pytest.mark.parametrize(
    "answering",
    [
        stays_silent,
        drips(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x"),
        sends(b"HTTP/1.1 100 Continue\r\n\r\n" * 16),
    ],
    ids=["silence", "a header", "continue"],
)
def test_an_answer_that_never_ends_is_hung_up_on(answering: Answering) -> None:
    before = threading.enumerate()
    with origin(answering) as apple:
        started = time.monotonic()
        with pytest.raises(AppleUnavailableError, match="slow"):
            AppleMusic(apple.url, clock=time, probe_seconds=0.4).try_token(TOKEN)

        assert 0.3 < time.monotonic() - started < 0.4 + LATE_SECONDS
        assert apple.hung_up.wait(SAFETY_NET_SECONDS), "the connection was left open"
    for thread in threading.enumerate():
        if thread.name.startswith("apple-music") and thread not in before:
            thread.join(timeout=SAFETY_NET_SECONDS)
            assert not thread.is_alive()


def test_a_body_that_never_ends_is_not_waited_for() -> None:
    with origin(drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x")) as apple:
        AppleMusic(apple.url, clock=time, probe_seconds=2).try_token(TOKEN)

        assert apple.hung_up.wait(SAFETY_NET_SECONDS), "the connection was left open"


def test_a_closed_port_is_an_apple_that_is_down() -> None:
    with origin(stays_silent) as apple:
        url = apple.url
    with pytest.raises(AppleUnavailableError, match="down"):
        AppleMusic(url, clock=time).try_token(TOKEN)


@pytest.mark.parametrize(
    "answering",
    [sends_and_closes(b""), sends_and_closes(b"SSH-2.0\r\n"), sends(http(401)), sends(http(503))],
)
def test_no_error_tells_the_token(answering: Answering) -> None:
    failed = pytest.raises((AppleUnavailableError, TokenRefusedError))
    with origin(answering) as apple, failed as raised:
        AppleMusic(apple.url, clock=time).try_token(TOKEN)

    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    assert TOKEN not in f"{raised.value} {raised.value!r}"


def test_an_apple_whose_certificate_nobody_vouches_for_gets_no_token(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    received: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            received.append(context.wrap_socket(connection, server_side=True).recv(1))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(AppleUnavailableError, match="TlsError"):
            AppleMusic(f"https://localhost:{listener.getsockname()[1]}", clock=time).try_token(
                TOKEN
            )
        thread.join()

    assert received in ([], [b""])


def self_signed(folder: Path) -> Path:
    """A certificate for localhost, with its key, that only itself vouches for."""
    key = p256_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, SHA256())
    )
    file = folder / "localhost.pem"
    file.write_text(pem(key) + certificate.public_bytes(Encoding.PEM).decode())
    return file
