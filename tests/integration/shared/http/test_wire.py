"""No request gets the response to another request, even from a hostile peer."""

from __future__ import annotations

import gzip
import os
import random
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest

from functions.shared.http import transport
from functions.shared.http.messages import Response, TransportError
from tests.integration.shared.http.client import GET, Client
from tests.patience import LATE_SECONDS

SCRIPTS = int(os.environ.get("WIRE_SCRIPTS", "500"))
MANY_SCRIPTS = 10_000
USERS = ("ada", "grace")
REQUESTS = 4
MARK = re.compile(rb"<mark of \w+>")
SHORT_SECONDS, LONG_SECONDS = 0.03, 60.0
GIVES_UP_SECONDS = 45.0

INTERIM = (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
STATUSES = (200, 200, 200, 200, 204, 304, 401, 403, 404, 429, 500, 503)


@dataclass
class Script:
    """The peer's actions, by the number of the request: bytes, pauses in seconds, -1 to close."""

    actions: list[list[bytes | float]]
    statuses: list[int]
    bodies: list[bytes | None]
    """The body that must be returned; None if the request may also fail."""

    deadlines: list[float]
    finished: list[threading.Event] = field(default_factory=list)


def mark(number: int) -> bytes:
    return b"<mark of %s%d>" % (USERS[number % 2].encode(), number)


def chunked(body: bytes, rng: random.Random, *, size: bytes = b"") -> bytes:
    chunks = []
    while body:
        cut = rng.randint(1, len(body))
        chunks.append(b"%x\r\n%s\r\n" % (cut, body[:cut]))
        body = body[cut:]
    if size:
        chunks.insert(rng.randint(0, len(chunks)), size)
    trailer = b"X-Trailer: a\r\n" if rng.random() < 0.3 else b""
    return b"".join(chunks) + b"0\r\n" + trailer + b"\r\n"


def response(number: int, status: int, rng: random.Random) -> tuple[bytes, bytes | None, bool]:
    """A response, its body if the response is valid, and whether the peer closes after it."""
    body = mark(number) * rng.choice((1, 1, 50))
    head = b"HTTP/1.1 %d Status\r\n" % status
    if status in (204, 304):
        return head + b"\r\n", b"", False
    sent = body
    if rng.random() < 0.2:
        head, sent = head + b"Content-Encoding: gzip\r\n", gzip.compress(body, mtime=0)
    length, coding = b"Content-Length: %d\r\n" % len(sent), b"Transfer-Encoding: chunked\r\n"
    size = rng.choice((b"-1\r\n", b"-5\r\n", b"+4\r\n", b"4_0\r\n", b"fffffffff\r\n"))
    framings = {
        "length": head + length + b"\r\n" + sent,
        "chunks": head + coding + b"\r\n" + chunked(sent, rng),
        "until closed": head + b"\r\n" + sent,
        "length and chunks": head + length + coding + b"\r\n" + chunked(sent, rng),
        "two lengths": head + length + b"Content-Length: 1\r\n\r\n" + sent,
        "no chunk size": head + coding + b"\r\n" + chunked(sent, rng, size=size),
        "cut off": head + length + b"\r\n" + sent[: len(sent) // 2],
        "a folded header": head + length + b" folded\r\n\r\n" + sent,
        "not HTTP": mark(number) + b"\r\n\r\n" + sent,
        "another protocol": b"HTTP/1.1 101 Switching\r\n\r\n" + head + length + b"\r\n" + sent,
    }
    framing = rng.choice(("length", "chunks") * 6 + tuple(framings))
    is_valid = framing in ("length", "chunks", "until closed")
    return framings[framing], body if is_valid else None, framing in ("until closed", "cut off")


def fragments(data: bytes, rng: random.Random) -> Iterator[bytes | float]:
    """Cut bytes into pieces with pauses between them."""
    for _ in range(rng.choice((0, 0, 0, 1, 3))):
        cut = rng.randint(0, len(data))
        yield data[:cut]
        yield rng.choice((0.0, 0.001))
        data = data[cut:]
    yield data


def script(seed: int) -> Script:
    rng = random.Random(seed)
    made = Script(actions=[], statuses=[], bodies=[], deadlines=[])
    for number in range(REQUESTS):
        status = rng.choice(STATUSES)
        data, body, closes = response(number, status, rng)
        interim = rng.choice((0, 0, 0, 1, 2, 16, 17))
        if interim == 17:
            body = None
        play: list[bytes | float] = list(
            fragments(b"".join(rng.choices(INTERIM, k=interim)) + data, rng)
        )
        if rng.random() < 0.15:  # an unrequested response
            late, _, _ = response(number, 200, rng)
            play += [rng.choice((0.0, 0.001)), rng.choice((late, INTERIM[1], b"\r\n"))]
            body = None
        stalls = rng.random() < 0.03
        if stalls:
            play = [*play[: rng.randint(0, len(play) - 1)], GIVES_UP_SECONDS]
            body = None
        if closes or stalls or rng.random() < 0.1:
            play.append(-1.0)
        made.actions.append(play)
        made.statuses.append(status)
        made.bodies.append(body)
        made.deadlines.append(SHORT_SECONDS if stalls else LONG_SECONDS)
        made.finished.append(threading.Event())
    return made


def converse(peer: socket.socket, plays: Script) -> None:
    """Answer every request on one connection with the actions of the request's number."""
    with peer, suppress(OSError):
        while received := peer.recv(65_536):
            number = int(received.partition(b"X-Number: ")[2].partition(b"\r\n")[0])
            plays.finished[number].clear()  # the request may be resent
            try:
                for part in plays.actions[number]:
                    if isinstance(part, bytes):
                        peer.sendall(part)
                    elif part < 0:
                        peer.shutdown(socket.SHUT_WR)
                    elif part == GIVES_UP_SECONDS:
                        plays.finished[number].set()
                        peer.settimeout(part)
                        peer.recv(1, socket.MSG_PEEK)  # until the client closes the connection
                    else:
                        time.sleep(part)
            finally:
                plays.finished[number].set()


@contextmanager
def peer_that_plays(plays: Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    threads: list[threading.Thread] = []

    def connect(*_: object) -> socket.socket:
        ours, theirs = socket.socketpair()
        thread = threading.Thread(target=converse, args=(theirs, plays), daemon=True)
        threads.append(thread)
        thread.start()
        return ours

    # A socket pair delivers bytes at once: no byte arrives after the peer has finished.
    monkeypatch.setattr(transport, "create_connection", connect)
    yield
    for thread in threads:
        thread.join()


def check(got: Response, number: int, plays: Script, seed: int) -> None:
    assert got.status == plays.statuses[number], seed
    assert set(MARK.findall(got.body or b"")) <= {mark(number)}, seed
    # On a busy machine, the body of an error may be abandoned.
    if plays.bodies[number] is not None and (got.status < 400 or got.body is not None):
        assert got.body == plays.bodies[number], seed


def run(seed: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run one script; return the number of complete responses."""
    plays, complete = script(seed), 0
    with peer_that_plays(plays, monkeypatch):
        client = Client("http://127.0.0.1:1")
        for number in range(REQUESTS):
            request = replace(GET, headers={"X-Number": str(number)})
            started = time.monotonic()
            try:
                got = client.send(request, plays.deadlines[number])
            except TransportError:
                assert plays.bodies[number] is None, seed
            else:
                check(got, number, plays, seed)
                complete += got.body is not None
                # Bytes after a response arrive before the next request is written.
                assert plays.finished[number].wait(GIVES_UP_SECONDS), seed
            assert time.monotonic() - started < plays.deadlines[number] + LATE_SECONDS, seed
        client.close()
    return complete


def run_all(scripts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    complete = sum(run(seed, monkeypatch) for seed in range(scripts))

    assert complete > scripts * REQUESTS * 0.4, "too few complete responses"


def test_no_request_gets_the_response_to_another_request(monkeypatch: pytest.MonkeyPatch) -> None:
    run_all(SCRIPTS, monkeypatch)


@pytest.mark.long
def test_no_request_gets_the_response_to_another_in_many_scripts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_all(MANY_SCRIPTS, monkeypatch)
