"""The table: how Apple may answer a write, what the caller is told, and what is remembered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from tests.fakes.origin import Answering, drips, http, resets, sends, stays_silent
from tests.integration.faults.apple_behaviours import PLENTY_SECONDS, document, found, resource

DEADLINE_SECONDS: Final = 3.0
"""What a request has if Apple is slow, a second of which a write keeps back for its close."""

Method = Literal["PUT", "DELETE"]


@dataclass(frozen=True, kw_only=True)
class WriteBehaviour:
    """One row: Apple's answers, and what comes of them.

    `success` tells of 200 or 204; else the caller is told `status` and `code`. Apple's answer is
    `kept` in the cache, or the outcome is `unknown`, or neither.
    """

    name: str
    answers: tuple[Answering, ...]
    success: bool = False
    status: int = 0
    code: str | None = None
    calls: int = 1
    kept: bool = False
    unknown: bool = False
    retry_after: int | None = None
    seconds: float = 1.0
    deadline_seconds: float = PLENTY_SECONDS

    def told(self, method: Method) -> int:
        if self.success:
            return 200 if method == "PUT" else 204
        return self.status


def succeeds(name: str, *answers: Answering, kept: bool = False) -> WriteBehaviour:
    return WriteBehaviour(name=name, answers=answers, success=True, kept=kept)


def odd_body(name: str, body: bytes, *headers: str) -> WriteBehaviour:
    return succeeds(f"200, {name}", sends(http(200, body, *headers)))


def fails(name: str, status: int, code: str, *answers: Answering, calls: int) -> WriteBehaviour:
    return WriteBehaviour(
        name=name, answers=answers, status=status, code=code, calls=calls, unknown=True
    )


def slow(name: str, answering: Answering) -> WriteBehaviour:
    failing = fails(name, 504, "50490", answering, calls=1)
    return replace(failing, seconds=DEADLINE_SECONDS, deadline_seconds=DEADLINE_SECONDS)


def refuses(name: str, status: int, code: str, *answers: bytes, calls: int = 1) -> WriteBehaviour:
    return WriteBehaviour(
        name=name,
        answers=tuple(sends(answer) for answer in answers),
        status=status,
        code=code,
        calls=calls,
    )


def lost_once(*answers: Answering) -> WriteBehaviour:
    """The second try says what the rating is; the first may still arrive, after a later write."""
    once = succeeds("a lost connection, then as above", resets, *answers, kept=True)
    return replace(once, calls=2, unknown=True)


_BOTH: Final = (
    odd_body("empty", b""),
    odd_body("an empty object", b"{}"),
    odd_body("no data", b'{"data":[]}'),
    odd_body("HTML", b"<html></html>", "Content-Type: text/html"),
    odd_body("another id", document(resource("i.b"))),
    odd_body("another value", document(resource(value=-1))),
    slow("silence after sending", stays_silent),
    slow("a header a byte at a time", drips(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x")),
    replace(
        succeeds(
            "a body a byte at a time",
            drips(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x"),
        ),
        seconds=DEADLINE_SECONDS,
    ),
    fails("reset", 502, "50290", resets, calls=2),
    fails("500", 502, "50290", sends(http(500)), calls=2),
    fails("502", 502, "50290", sends(http(502)), calls=2),
    fails("504", 504, "50490", sends(http(504)), calls=2),
    replace(fails("503", 503, "50391", sends(http(503)), calls=2), retry_after=5),
    replace(
        fails(
            "503 with Retry-After", 503, "50391", sends(http(503, b"", "Retry-After: 7")), calls=1
        ),
        retry_after=7,
    ),
    replace(fails("429", 429, "42991", sends(http(429)), calls=2), retry_after=5, seconds=2.0),
    fails("301", 502, "50291", sends(http(301, b"", "Location: https://elsewhere.test/")), calls=1),
    fails("418", 502, "50291", sends(http(418)), calls=1),
    refuses("400", 400, "40000", http(400)),
    refuses("401, the user's fault", 401, "40191", http(401), http(200), calls=2),
    refuses("401, our fault", 503, "50390", http(401), http(401), calls=2),
    refuses("403", 403, "40300", http(403)),
    refuses("405", 502, "50291", http(405)),
)

WRITES: Final[dict[Method, tuple[WriteBehaviour, ...]]] = {
    "PUT": (
        succeeds("200", found(), kept=True),
        lost_once(found()),
        succeeds("204", sends(http(204))),
        *_BOTH,
        refuses("404", 404, "40400", http(404)),
    ),
    "DELETE": (
        succeeds("204", sends(http(204)), kept=True),
        lost_once(sends(http(204))),
        succeeds("404", sends(http(404)), kept=True),
        *_BOTH,
    ),
}
