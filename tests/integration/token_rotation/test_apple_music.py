import ssl
import time

import pytest
import trustme

from functions.token_rotation.apple_music import AppleMusic
from functions.token_rotation.errors import (
    AppleUnavailableError,
    TokenRejectedError,
    TokenRotationError,
)
from tests.fakes.origin import drips, http, origin, refusing_port, sends, stays_silent
from tests.patience import ENDLESS_SECONDS, LATE_SECONDS, SAFETY_NET_SECONDS

TOKEN = "developer.token.one"


def check(url: str, error: type[TokenRotationError], message: str, seconds: float = 5.0) -> None:
    """Expect the check of the token to fail with this message, without quoting the token."""
    with pytest.raises(error, match=message) as raised:
        AppleMusic(url, clock=time, timeout_seconds=seconds).check_token(TOKEN)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    assert TOKEN not in f"{raised.value} {raised.value!r}"


def test_only_the_token_is_sent_and_200_accepts_it() -> None:
    with origin(sends(http(200, b'{"any": 1}'))) as apple:
        AppleMusic(apple.url, clock=time).check_token(TOKEN)
    (request,) = apple.requests
    head, *headers = request.decode().strip().split("\r\n")
    assert head == "GET /v1/test HTTP/1.1"
    assert f"Authorization: Bearer {TOKEN}" in headers
    assert request.count(TOKEN.encode()) == 1
    assert b"music-user-token" not in request.lower()


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (401, TokenRejectedError, "rejected the new token.*401"),
        (403, TokenRejectedError, "rejected the new token.*403"),
        *[
            (status, AppleUnavailableError, f"unavailable.*{status}")
            for status in (201, 204, 302, 304, 400, 404, 429, 500, 502, 503, 504)
        ],
    ],
)
def test_only_401_and_403_reject_the_token(
    status: int, error: type[TokenRotationError], message: str
) -> None:
    with origin(sends(http(status))) as apple:
        check(apple.url, error, message)


def test_silence_times_out_and_a_closed_port_is_unavailable() -> None:
    with origin(stays_silent) as apple:
        check(apple.url, AppleUnavailableError, "slow", seconds=0.4)
        assert apple.disconnected.wait(SAFETY_NET_SECONDS), "the connection was left open"
    with refusing_port() as port:
        check(f"http://127.0.0.1:{port}", AppleUnavailableError, "ConnectError")


def test_the_check_does_not_wait_for_the_body() -> None:
    with origin(drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x")) as apple:
        started = time.monotonic()
        AppleMusic(apple.url, clock=time, timeout_seconds=ENDLESS_SECONDS).check_token(TOKEN)

        assert time.monotonic() - started < LATE_SECONDS
        assert apple.disconnected.wait(SAFETY_NET_SECONDS), "the connection was left open"


def test_no_token_is_sent_to_a_server_with_an_untrusted_certificate() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with origin(sends(http(200)), tls=context) as apple:
        check(apple.url, AppleUnavailableError, "TlsError")
    assert apple.requests == []
