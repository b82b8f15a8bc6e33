"""Kept connections that died, late responses and hanging look-ups, through the whole handler."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from functions.ratings.metrics import Metric
from functions.ratings.models import MusicUserToken
from tests.fakes.origin import (
    Answering,
    http,
    origin,
    resets,
    sends,
    sends_and_closes,
    stays_silent,
)
from tests.integration.faults.apple_behaviours import document, found, resource
from tests.integration.faults.backend import Backend
from tests.integration.faults.dependency_faults import (
    APPLE,
    CACHE_TIMEOUT_MILLISECONDS,
    DYNAMODB_SECONDS,
    GOOD_SECRET,
    PLENTY_MILLISECONDS,
    STORED,
    TAKEN,
    Cell,
    read,
)
from tests.integration.faults.test_dependencies import Context, World, event
from tests.patience import LATE_SECONDS

ADA, GRACE = MusicUserToken("ada"), MusicUserToken("grace")

CACHE_FAILURES = (
    Metric.CACHE_READ_FAILED,
    Metric.CACHE_STORE_FAILED,
    Metric.CACHE_INVALIDATION_FAILED,
)

DEATHS = {"RST on send": resets, "FIN on send": sends_and_closes(), "silent drop": stays_silent}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    with ExitStack() as stack:

        def made(variables: Mapping[str, str] | None = None, **changes: Any) -> World:
            given: dict[str, Any] = {
                "dependency": "DynamoDB",
                "fault": "",
                "case": "",
                "told": STORED,
                "asked": (0, 0, 0),
                "dynamodb": lambda: (read(), TAKEN),
                "secret": GOOD_SECRET,
                "apple": APPLE,
                "cache_milliseconds": 3_000,
            }
            return World(Cell(**{**given, **changes}), stack, monkeypatch, variables or {})

        yield made


def get(world: World, token: str = "ada") -> dict[str, Any]:
    response: dict[str, Any] = world.handle(event("GET", token), Context(PLENTY_MILLISECONDS))
    return response


def cache_status(response: dict[str, Any]) -> str:
    status: str = response["headers"]["Cache-Status"]
    return status.removeprefix("apple-music-ratings; ")


@pytest.mark.parametrize("dies", DEATHS.values(), ids=DEATHS)
def test_a_kept_connection_to_dynamodb_that_died_costs_nothing(
    world: Callable[..., World], dies: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    made = world(dynamodb=lambda: (read(), TAKEN, dies, read(), TAKEN, dies, TAKEN, TAKEN, TAKEN))
    assert cache_status(get(made)) == "fwd=miss; stored"

    response = get(made)
    assert cache_status(response) == "fwd=miss; stored"
    written = made.handle(event("PUT", "ada"), Context(PLENTY_MILLISECONDS))

    assert written["statusCode"] == 200
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert not any(metric.value in line for metric in CACHE_FAILURES for line in lines)


def test_dead_connections_to_apple_leave_the_retry_budget_alone(
    world: Callable[..., World], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = 0

    def every_second_dies(connection: socket.socket) -> None:
        nonlocal asked
        asked += 1
        (found() if asked % 2 else resets)(connection)

    made = world(apple=every_second_dies, dynamodb=lambda: (read(), *[TAKEN, read()] * 30))
    for number in range(20):
        assert get(made, f"user-{number}")["statusCode"] == 200

    assert Metric.UPSTREAM_RETRIED.value not in capsys.readouterr().out


@pytest.mark.parametrize("dies", [resets, sends_and_closes()], ids=["RST on send", "FIN on send"])
def test_a_write_that_was_sent_twice_has_an_unknown_outcome(dies: Answering) -> None:
    with origin(found(), dies, found()) as served:
        backend = Backend(served.url)
        backend.get(GRACE)
        assert backend.write("PUT").status == 200
        backend.close()

    token = MusicUserToken("sample-user-token-ada")
    generation = backend.cache.read(token.owner, "songs", []).generation
    assert generation is not None
    assert generation.unknown_until > time.time() + 30


def liked(value: int) -> bytes:
    return http(200, document(resource(value=value)), "Content-Type: application/json")


@pytest.mark.parametrize("interim", [b"102 Processing", b"103 Early Hints"])
@pytest.mark.parametrize(("seconds", "status"), [(0.0, 200), (0.5, 200), (2.5, 504)])
def test_an_interim_response_never_gives_one_users_rating_to_another(
    interim: bytes, seconds: float, status: int
) -> None:
    sent = threading.Event()

    def late(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 " + interim + b"\r\n\r\n")
        time.sleep(seconds)
        try:
            connection.sendall(liked(-1))
        finally:
            sent.set()

    with origin(late, sends(liked(1))) as served:
        backend = Backend(served.url, deadline_seconds=2.0)
        ada = backend.get(ADA)
        grace = backend.get(GRACE)
        assert sent.wait(60)
        again = backend.get(GRACE)
        backend.close()

    assert ada.status == status
    if status == 200:
        assert '"value":-1' in ada.body.replace(" ", "")
    for response in (grace, again):
        assert response.status == 200
        assert '"value":1' in response.body.replace(" ", "")


def test_a_response_that_nobody_requested_never_reaches_another_user() -> None:
    unasked = threading.Event()

    def twice(connection: socket.socket) -> None:
        connection.sendall(liked(-1))
        time.sleep(0.2)
        connection.sendall(liked(-1))
        unasked.set()

    with origin(twice, sends(liked(1))) as served:
        backend = Backend(served.url)
        assert '"value":-1' in backend.get(ADA).body.replace(" ", "")
        assert unasked.wait(60)
        time.sleep(0.05)
        grace = backend.get(GRACE)
        backend.close()

    assert '"value":1' in grace.body.replace(" ", "")
    assert served.connections == 2


UNREADABLE = {
    "cut off": lambda head: sends_and_closes(head + b"Content-Length: 99\r\n\r\n{"),
    "gzip in name only": lambda head: sends(
        head + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"
    ),
    "over the cap": lambda head: sends(head + b"Content-Length: 99999999\r\n\r\n" + b"x" * 70_000),
    "never comes": lambda head: sends(head + b"Content-Length: 2\r\n\r\n"),
    "ambiguous": lambda head: sends(head + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
}


@pytest.mark.parametrize("broken", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize(("status", "told"), [(401, 503), (403, 403), (429, 200), (503, 200)])
def test_the_status_decides_even_if_the_body_is_unreadable(
    broken: Callable[[bytes], Answering], status: int, told: int
) -> None:
    with origin(broken(f"HTTP/1.1 {status} Status\r\n".encode())) as served:
        backend = Backend(served.url, deadline_seconds=6)
        backend.hold("stale", ADA)
        started = time.monotonic()
        response = backend.get(ADA)
        taken = time.monotonic() - started
        backend.close()

    assert response.status == told
    assert ("stale-if-error" in str(response.cache_status)) == (told == 200)
    assert taken < 6 + LATE_SECONDS


@pytest.fixture
def hanging_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look-ups of names in `.test` take until the end of the test."""
    ends = threading.Event()
    original = socket.getaddrinfo

    def look_up(host: str, *arguments: Any, **named: Any) -> Any:
        if host.endswith(".test"):
            ends.wait(60)
        return original(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield
    ends.set()


@pytest.mark.parametrize("service", ["DYNAMODB", "SECRETS_MANAGER"])
@pytest.mark.parametrize("fault", ["a hanging look-up", "a hanging handshake"])
@pytest.mark.usefixtures("hanging_names")
def test_aws_takes_no_longer_than_promised(
    world: Callable[..., World], service: str, fault: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"https://127.0.0.1:{port}" if "handshake" in fault else f"http://aws.test:{port}"
        made = world(
            {f"AWS_ENDPOINT_URL_{service}": url}, cache_milliseconds=CACHE_TIMEOUT_MILLISECONDS
        )
        started = time.monotonic()
        response = get(made)
        taken = time.monotonic() - started

    if service == "DYNAMODB":
        assert (response["statusCode"], cache_status(response)) == (200, "fwd=bypass")
        assert DYNAMODB_SECONDS <= taken < DYNAMODB_SECONDS + LATE_SECONDS
    else:
        assert response["statusCode"] == 503
        assert 1.0 <= taken < 1.0 + LATE_SECONDS


@pytest.mark.usefixtures("hanging_names")
def test_a_hanging_look_up_of_apple_ends_with_the_deadline() -> None:
    backend = Backend("https://apple.test")
    started = time.monotonic()
    response = backend.get()
    taken = time.monotonic() - started
    backend.close()

    assert response.status == 504
    assert taken < 2.0 + LATE_SECONDS
