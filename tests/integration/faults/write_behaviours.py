"""The table: how Apple may answer a write, what the caller is told, and what is remembered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from tests.fakes.origin import Answering, drips, http, resets, sends, stays_silent
from tests.integration.faults.apple_behaviours import (
    ADA,
    PLENTY_SECONDS,
    document,
    errors,
    found,
    resource,
)

DEADLINE_SECONDS: Final = 3.0
"""What a request has if Apple is slow, a second of which a write keeps back for its close."""

Method = Literal["PUT", "DELETE"]


@dataclass(frozen=True, kw_only=True)
class WriteBehaviour:
    """One row: Apple's answers, and what comes of them.

    `success` tells of 200 or 204; else the caller is told `status` and `code`. What was written is
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


def odd_body(name: str, body: bytes, *headers: str, kept: bool = False) -> WriteBehaviour:
    return succeeds(f"200, {name}", sends(http(200, body, *headers)), kept=kept)


def empty(*, kept: bool) -> tuple[WriteBehaviour, ...]:
    """The ways in which Apple accepts a write without a word."""
    return (
        odd_body("empty", b"", kept=kept),
        odd_body("an empty object", b"{}", kept=kept),
        odd_body("no data", b'{"data":[]}', kept=kept),
        odd_body("data null", b'{"data":null}', kept=kept),
        succeeds("201, empty", sends(http(201)), kept=kept),
        succeeds("202, empty", sends(http(202)), kept=kept),
    )


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


LOST: Final[Mapping[str, Answering]] = {
    "a lost connection": resets,
    **{str(status): sends(http(status)) for status in (500, 502, 503, 504)},
}
"""First attempts after which the retry is sent: they may take effect later, after the retry."""


def after_a_lost_attempt(clear: bytes) -> Iterator[WriteBehaviour]:
    """The retry decides the response; whatever it is, the outcome stays unknown."""
    page = http(200, b"<html></html>", "Content-Type: text/html")
    for name, lost in LOST.items():
        once = succeeds(f"{name}, then as above", lost, sends(clear))
        yield replace(once, calls=2, unknown=True)
    for name, lost in (("a lost connection", resets), ("504", sends(http(504)))):
        for then, status, code, answer in (
            ("400", 400, "40000", http(400)),
            ("403", 403, "40300", http(403)),
            ("404, HTML", 502, "50291", http(404, b"<html></html>")),
            ("200, HTML", 502, "50291", page),
        ):
            yield fails(f"{name}, then {then}", status, code, lost, sends(answer), calls=2)


_BOTH: Final = (
    odd_body("HTML", b"<html></html>", "Content-Type: text/html"),
    odd_body("another id", document(resource("i.b"))),
    odd_body("another value", document(resource(value=-1))),
    odd_body("repeating the user token", document({**resource(), "x": ADA.value})),
    succeeds("206", sends(http(206))),
    slow("silence after sending", stays_silent),
    slow("a header a byte at a time", drips(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x")),
    replace(
        succeeds(
            "a body a byte at a time",
            drips(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x"),
        ),
        seconds=DEADLINE_SECONDS,
        deadline_seconds=DEADLINE_SECONDS,
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
    replace(refuses("429", 429, "42991", http(429), calls=2), retry_after=5, seconds=2.0),
    refuses("301", 502, "50291", http(301, b"", "Location: https://elsewhere.test/")),
    refuses("418", 502, "50291", http(418)),
    refuses("400", 400, "40000", http(400)),
    refuses("401, the user's fault", 401, "40191", http(401), http(200), calls=2),
    refuses("401, our fault", 503, "50390", http(401), http(401), calls=2),
    refuses("403", 403, "40300", http(403)),
    refuses("403, HTML", 502, "50291", http(403, b"<html></html>")),
    refuses("404, HTML", 502, "50291", http(404, b"<html></html>")),
    refuses("404, code 40401", 502, "50291", http(404, errors("40401"))),
    refuses("405", 502, "50291", http(405)),
)

WRITES: Final[dict[Method, tuple[WriteBehaviour, ...]]] = {
    "PUT": (
        succeeds("200", found(), kept=True),
        *after_a_lost_attempt(http(200, document(resource()))),
        fails("504, then 404", 404, "40400", sends(http(504)), sends(http(404)), calls=2),
        succeeds("201", sends(http(201, document(resource()))), kept=True),
        succeeds("204", sends(http(204)), kept=True),
        *empty(kept=True),
        *_BOTH,
        refuses("404", 404, "40400", http(404)),
        refuses("404, JSON", 404, "40400", http(404, errors("40400"))),
    ),
    "DELETE": (
        succeeds("204", sends(http(204)), kept=True),
        *after_a_lost_attempt(http(204)),
        replace(
            succeeds("504, then 404", sends(http(504)), sends(http(404))), calls=2, unknown=True
        ),
        *empty(kept=False),
        *_BOTH,
        succeeds("404", sends(http(404)), kept=True),
        succeeds("404, JSON", sends(http(404, errors("40400"))), kept=True),
    ),
}
