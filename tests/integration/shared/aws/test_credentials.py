"""Credentials from the environment or, after a restore from a snapshot, a local server."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from functions.shared.aws.credentials import (
    REFRESH_SECONDS,
    RETRY_SECONDS,
    Credentials,
    CredentialSource,
)
from functions.shared.deadline import Deadline
from tests.fakes.clock import FakeClock
from tests.fakes.origin import (
    Answering,
    http,
    origin,
    parsed,
    refusing_port,
    resets,
    sends,
    stays_silent,
)
from tests.patience import SAFETY_NET_SECONDS

SECRET, AUTHORIZATION = "made-up-secret-key", "made-up-authorization"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAMADEUP", "AWS_SECRET_ACCESS_KEY": SECRET}
HOUR = 3_600.0


def served(access_key: str, *, expires_at: float) -> Answering:
    document = {
        "AccessKeyId": access_key,
        "SecretAccessKey": SECRET,
        "Token": "session-token",
        "Expiration": datetime.fromtimestamp(expires_at, UTC).isoformat().replace("+00:00", "Z"),
    }
    return sends(http(200, json.dumps(document).encode()))


def at(url: str) -> dict[str, str]:
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": url,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": AUTHORIZATION,
    }


def read(source: CredentialSource, clock: FakeClock) -> Credentials | None:
    return source.read(Deadline.after(SAFETY_NET_SECONDS, clock))


def access_key(source: CredentialSource, clock: FakeClock) -> str | None:
    found = read(source, clock)
    return None if found is None else found.access_key


def test_the_environment_is_read_again_for_each_call() -> None:
    clock, environment = FakeClock(), KEYS | {"AWS_SESSION_TOKEN": "session-token"}
    source = CredentialSource(environment, clock)

    assert read(source, clock) == Credentials("AKIAMADEUP", SECRET, "session-token")
    environment["AWS_ACCESS_KEY_ID"] = "AKIAROTATED"
    assert access_key(source, clock) == "AKIAROTATED"
    del environment["AWS_SECRET_ACCESS_KEY"]
    assert read(source, clock) is None


def test_the_server_is_called_once_with_its_authorization_token() -> None:
    clock = FakeClock()
    with origin(served("first", expires_at=clock.time() + HOUR)) as server:
        source = CredentialSource(at(f"{server.url}/2021/credentials?role=a"), clock)
        found = read(source, clock)
        assert read(source, clock) == found

    assert found == Credentials("first", SECRET, "session-token", clock.time() + HOUR)
    assert SECRET not in repr(found)
    (request,) = server.requests
    line, headers, _ = parsed(request)
    assert line == "GET /2021/credentials?role=a HTTP/1.1"
    assert headers["authorization"] == AUTHORIZATION


def test_credentials_are_replaced_before_they_expire() -> None:
    clock = FakeClock()
    first = served("first", expires_at=clock.time() + HOUR)
    with origin(first, served("second", expires_at=clock.time() + 2 * HOUR)) as server:
        source = CredentialSource(at(server.url), clock)
        assert access_key(source, clock) == "first"
        clock.advance(HOUR - REFRESH_SECONDS - 1)
        assert access_key(source, clock) == "first"
        clock.advance(1)
        assert access_key(source, clock) == "second"


def test_a_failed_refresh_is_repeated_after_a_pause_while_the_credentials_are_valid() -> None:
    clock = FakeClock()
    first = served("first", expires_at=clock.time() + HOUR)
    with origin(first, resets) as server:
        source = CredentialSource(at(server.url), clock)
        read(source, clock)
        clock.advance(HOUR - REFRESH_SECONDS)
        for _ in range(3):
            assert access_key(source, clock) == "first"
        assert len(server.requests) == 2
        clock.advance(RETRY_SECONDS)
        assert access_key(source, clock) == "first"
        assert len(server.requests) == 3
        clock.advance(REFRESH_SECONDS)
        assert read(source, clock) is None


@pytest.mark.parametrize(
    "answering",
    [
        sends(http(500, b"{}")),
        sends(http(200, b"<html>")),
        sends(http(200, b'{"Expiration": 7}')),
        sends(http(200, b'{"Expiration": "soon"}')),
        sends(http(200, b'{"Expiration": "2099-01-01T00:00:00Z"}')),
        served("expired", expires_at=FakeClock().time()),
        stays_silent,
    ],
    ids=["500", "HTML", "a number", "no date", "no keys", "expired", "silence"],
)
def test_a_response_without_valid_credentials_is_not_used(answering: Answering) -> None:
    clock = FakeClock()
    with origin(answering) as server:
        assert read(CredentialSource(at(server.url), clock), clock) is None


@pytest.mark.parametrize(
    "url", ["", "http://169.254.170.2/", "https://127.0.0.1/", "http://[::1", "http://localhost:x/"]
)
def test_the_authorization_token_is_sent_only_over_http_to_the_loopback_interface(url: str) -> None:
    clock = FakeClock()

    assert read(CredentialSource(at(url), clock), clock) is None


def test_an_unreachable_server_or_an_invalid_token_returns_no_credentials() -> None:
    clock = FakeClock()

    with refusing_port() as port:
        url = f"http://127.0.0.1:{port}"
        broken = at(url) | {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nb"}

        assert read(CredentialSource(at(url), clock), clock) is None
        assert read(CredentialSource(broken, clock), clock) is None
