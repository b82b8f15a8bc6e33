"""Dead connections, late responses and hanging look-ups, over real sockets."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.ratings.apple.developer_token import READ_SECONDS
from functions.ratings.cache.items import family_sort_key
from functions.ratings.metrics import Metric
from tests.fakes.apple_music import rating
from tests.fakes.lambda_function import AS_DEPLOYED, PLENTY_SECONDS, cache_status, found
from tests.fakes.origin import (
    Answering,
    after,
    http,
    resets,
    sends,
    sends_and_closes,
    stays_silent,
)
from tests.fakes.ratings_function import ADA
from tests.integration.conftest import Deploy
from tests.integration.faults.cells import document, holding
from tests.integration.faults.dependencies import DYNAMODB_SECONDS
from tests.patience import LATE_SECONDS, SAFETY_NET_SECONDS

DEATHS = {"RST": resets, "FIN": sends_and_closes(), "silence": stays_silent}
LOST = {"RST": resets, "FIN": sends_and_closes()}


@pytest.mark.parametrize("is_applied", [False, True])
@pytest.mark.parametrize("dies", DEATHS.values(), ids=DEATHS)
def test_no_cache_operation_fails_because_a_connection_to_dynamodb_died(
    deploy: Deploy, dies: Answering, capsys: pytest.CaptureFixture[str], *, is_applied: bool
) -> None:
    def works(connection: socket.socket, request: bytes) -> None:
        environment.use_table(connection, request)

    def loses(connection: socket.socket, request: bytes) -> None:
        if is_applied:
            environment.apply(request)
        dies(connection, request)

    environment = deploy(dynamodb=(works, works, loses, works, loses, works, loses, works))

    assert cache_status(environment.call()) == "fwd=miss; stored"
    assert cache_status(environment.call()).startswith("hit")
    assert environment.call("PUT")["statusCode"] == 200
    assert cache_status(environment.call()).startswith("hit"), "a resent announcement is one write"
    assert "Failed" not in capsys.readouterr().out


def test_dead_connections_to_apple_do_not_use_the_retry_budget(
    deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    function = deploy(apple=(found(), *(resets, found()) * 20))

    for number in range(20):
        assert function.call(token=f"user-{number}")["statusCode"] == 200

    assert Metric.UPSTREAM_RETRIED.value not in capsys.readouterr().out


@pytest.mark.parametrize("dies", LOST.values(), ids=LOST)
def test_a_write_that_was_resent_has_an_unknown_outcome(deploy: Deploy, dies: Answering) -> None:
    function = deploy(apple=(found(), dies, found()))

    function.call(token="grace")
    assert function.call("PUT")["statusCode"] == 200

    family = function.table.items[ADA.hash, family_sort_key("songs")]
    assert float(family["unknown_until"]["N"]) > time.time() + 30


def rated(value: int) -> bytes:
    return http(200, document(rating("i.a", value)), "Content-Type: application/json")


@pytest.mark.parametrize("interim", [b"102 Processing", b"103 Early Hints"])
@pytest.mark.parametrize(
    ("seconds", "limit", "status"),
    [(0.0, PLENTY_SECONDS, 200), (0.5, PLENTY_SECONDS, 200), (LATE_SECONDS, 2.5, 504)],
)
def test_a_late_response_after_an_interim_response_never_reaches_another_user(
    deploy: Deploy, interim: bytes, seconds: float, limit: float, status: int
) -> None:
    is_sent = threading.Event()

    def late(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 " + interim + b"\r\n\r\n")
        try:
            after(seconds, sends(rated(-1)))(connection, request)
        finally:
            is_sent.set()

    function = deploy(apple=(late, sends(rated(1))))
    first = function.call(seconds=limit)
    others = [function.call(token="grace")]
    assert is_sent.wait(SAFETY_NET_SECONDS)
    others.append(function.call(token="grace"))

    assert first["statusCode"] == status
    if status == 200:
        assert json.loads(first["body"]) == {"data": [rating("i.a", -1)]}
    for response in others:
        assert json.loads(response["body"]) == {"data": [rating("i.a", 1)]}


UNREADABLE: dict[str, tuple[Callable[..., Answering], bytes]] = {
    "cut off": (sends_and_closes, b"Content-Length: 99\r\n\r\n{"),
    "invalid gzip": (sends, b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
    "too large": (sends, b"Content-Length: 99999999\r\n\r\n" + b"x" * 70_000),
    "never sent": (sends, b"Content-Length: 2\r\n\r\n"),
    "ambiguous": (sends, b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
}


@pytest.mark.parametrize(("answers", "rest"), UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize(("status", "expected"), [(401, 503), (403, 403), (429, 200), (503, 200)])
def test_the_status_decides_even_if_the_body_is_unreadable(
    deploy: Deploy, answers: Callable[..., Answering], rest: bytes, status: int, expected: int
) -> None:
    apple = answers(f"HTTP/1.1 {status} Status\r\n".encode() + rest)
    function = deploy(apple=(apple,), items=holding("stale")(), apple_seconds=AS_DEPLOYED)
    started = time.monotonic()
    response = function.call(seconds=6.5)
    taken = time.monotonic() - started

    assert response["statusCode"] == expected
    assert ("stale-if-error" in cache_status(response)) == (expected == 200)
    assert taken < 6 + LATE_SECONDS


@pytest.fixture
def hanging_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look-ups of names in `.test` hang until the end of the test."""
    ends = threading.Event()
    original = socket.getaddrinfo

    def look_up(host: str, *arguments: Any, **named: Any) -> Any:
        if host.endswith(".test"):
            ends.wait(SAFETY_NET_SECONDS)
        return original(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield
    ends.set()


@pytest.mark.parametrize(
    ("variable", "seconds", "status", "limit"),
    [
        ("AWS_ENDPOINT_URL_DYNAMODB", PLENTY_SECONDS, 200, DYNAMODB_SECONDS),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", 2.5, 503, 1.0),
        ("APPLE_MUSIC_URL", 2.5, 504, 1.4),  # 0.6 s of 2 s are reserved for storing
    ],
)
@pytest.mark.parametrize("url", ["https://service.test:{}", "https://127.0.0.1:{}"])
@pytest.mark.usefixtures("hanging_names")
def test_a_hanging_look_up_or_handshake_ends_with_the_limit(
    deploy: Deploy, variable: str, seconds: float, status: int, limit: float, url: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        variables = {variable: url.format(silent.getsockname()[1])}
        function = deploy(cache_seconds=DYNAMODB_SECONDS, secret_seconds=READ_SECONDS, **variables)
        started = time.monotonic()
        response = function.call(seconds=seconds)
        taken = time.monotonic() - started

    assert response["statusCode"] == status
    assert limit <= taken < limit + LATE_SECONDS
    if status == 200:
        assert cache_status(response) == "fwd=bypass"
