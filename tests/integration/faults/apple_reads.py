"""The tables: Apple's response to a read, and our response in each state of the cache."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from functions.ratings.apple.client import MAX_BODY_BYTES
from tests.fakes.apple_music import rating
from tests.fakes.lambda_function import AS_DEPLOYED, found
from tests.fakes.origin import (
    Answering,
    after,
    drips,
    http,
    resets,
    sends,
    sends_and_closes,
    stays_silent,
)
from tests.fakes.ratings_function import ADA, DEVELOPER_JWT
from tests.integration.faults.cells import (
    HIT,
    OK,
    REREAD,
    STALE,
    STALE_AGE,
    STATES,
    Cell,
    Expected,
    Row,
    date,
    document,
    errors,
    holding,
    html,
    repeating,
    throttles,
    zipped,
)

SECONDS: Final = 2.5
"""Lambda's remaining time if Apple is slow; the deadline is half a second earlier."""

CHUNKED: Final = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def row(
    fault: str, apple: tuple[Answering, ...], nothing: Expected, stale: Expected, **more: Any
) -> Row:
    """Make a cell for each cache state: a fresh copy is a hit, a copy past the limit is a miss."""
    by_state = {"fresh": HIT, "stale": stale}
    return tuple(
        Cell(
            fault=fault,
            case=state,
            apple=apple,
            items=holding(state),
            expected=by_state.get(state, nothing),
            **more,
        )
        for state in STATES
    )


def final(
    fault: str,
    *apple: Answering,
    status: int = 200,
    code: str | None = None,
    stored: bool = False,
    calls: int = 1,
    retry_after: range | None = None,
    **more: Any,
) -> Row:
    """Make the row of a response by Apple that no stale copy replaces."""
    nothing, stale = (
        Expected(
            status=status,
            code=code,
            cache=f"fwd={reason}; stored" if stored else f"fwd={reason}",
            calls=calls,
            retry_after=retry_after,
        )
        for reason in ("miss", "stale")
    )
    return row(fault, apple, nothing, stale, **more)


def fails(
    fault: str,
    *apple: Answering,
    status: int,
    code: str,
    calls: int = 1,
    stale_calls: int | None = None,
    retry_after: range | None = None,
    **more: Any,
) -> Row:
    """Make the row of a failure of Apple, for which a stale copy is served."""
    nothing = Expected(
        status=status,
        code=code,
        cache="fwd=miss",
        calls=calls,
        retry_after=retry_after,
    )
    stale = replace(STALE, calls=calls if stale_calls is None else stale_calls)
    return row(fault, apple, nothing, stale, **more)


rated = partial(final, stored=True)
not_rated = partial(final, status=404, code="40400", stored=True)
unreachable = partial(fails, status=502, code="50290")
invalid = partial(fails, status=502, code="50291")


def slow(fault: str, answering: Answering) -> Row:
    """Make the row of a slow response: the copy is a second older after the call to Apple."""
    nothing = Expected(status=504, code="50490", cache="fwd=miss")
    cache = "fwd=stale; ttl=-31; detail=stale-if-error"
    stale = Expected(status=200, cache=cache, age=STALE_AGE + 1)
    return row(fault, (answering,), nothing, stale, seconds=SECONDS, apple_seconds=AS_DEPLOYED)


def invalid_body(fault: str, body: bytes, *headers: str) -> Row:
    return invalid(f"200, {fault}", sends(http(200, body, *headers)))


def invalid_chunk(size: str, rest: bytes = b"") -> Row:
    body = f"{size}\r\n".encode() + (rest or document(rating("i.a")) + b"\r\n0\r\n\r\n")
    return invalid(f"200, a chunk of size {size}", sends(CHUNKED + body))


def interim(fault: str, status: int, *, times: int = 1, seconds: float = 0.0) -> Row:
    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(f"HTTP/1.1 {status} Interim\r\n\r\n".encode() * times)
        after(seconds, found())(connection, request)

    return rated(fault, answer)


COOL_OFF: Final = range(1, 3)  # the second cool-off, 1 to 2 s; the first ends before the retry

WAITS: Final[tuple[tuple[str, Callable[[], str] | None, range, range | None], ...]] = (
    ("without Retry-After", None, range(5, 6), None),
    ("Retry-After in seconds", lambda: "7", range(7, 8), range(7, 8)),
    ("Retry-After as a date", lambda: date(30), range(10, 31), range(10, 31)),
    ("Retry-After in the past", lambda: date(-30), range(1, 2), range(1, 2)),
    ("Retry-After of junk", lambda: "soon", range(5, 6), None),
    ("Retry-After negative", lambda: "-5", range(5, 6), None),
    ("Retry-After huge", lambda: "9" * 30, range(60, 61), range(60, 61)),
)
"""A name, Apple's header or None, our `Retry-After` with 503, and with 429 (None: our cool-off)."""


ROWS: Final[tuple[Row, ...]] = (
    rated("200", found()),
    rated(
        "200 with Set-Cookie, Age and Cache-Control: public",
        found("Set-Cookie: a=b", "Age: 999", "Cache-Control: public, max-age=9"),
    ),
    rated("200, compressed without being requested", zipped(document(rating("i.a")))),
    rated("200 over TLS", found(), wire="https"),
    interim("103, then 200 at once", 103),
    interim("102 sixteen times, then 200", 102, times=16),
    interim("103, then 200 a second later", 103, seconds=1.0),
    rated("a kept connection that died", found(), resets, found(), calls=2, is_warm=True),
    rated("500 once, then 200", sends(http(500)), found(), calls=2),
    unreachable("refused", calls=0),
    unreachable("no such name", found(), calls=0, wire="no such name"),
    unreachable("reset", resets, calls=2),
    unreachable("closed without a response", sends_and_closes(b""), calls=2),
    invalid("not HTTP", sends_and_closes(b"nonsense\r\n\r\n")),
    slow("silence", stays_silent),
    slow("a header a byte at a time", drips(OK + b"X-Drip: ", b"x")),
    slow("a body a byte at a time", drips(OK + b"Content-Length: 99999\r\n\r\n", b"x")),
    slow("chunks without end", drips(CHUNKED, b"1\r\nx\r\n")),
    unreachable("certificate of an unknown authority", found(), calls=0, wire="untrusted"),
    unreachable("certificate expired", found(), calls=0, wire="expired"),
    unreachable("certificate for another host", found(), calls=0, wire="other host"),
    unreachable("500", sends(http(500)), calls=2),
    unreachable("502", sends(http(502, b"<html>")), calls=2),
    fails("504", sends(http(504, b"<html>")), status=504, code="50490", calls=2),
    *(  # a 503 without Retry-After is retried, because Apple may recover at once
        fails(
            f"503, {name}",
            throttles(503, header),
            status=503,
            code="50391",
            calls=2 if header is None else 1,
            retry_after=expected,
        )
        for name, header, expected, _ in WAITS
    ),
    *(
        fails(
            f"429, {name}",
            throttles(429, header),
            status=429,
            code="42991",
            calls=2 if cool_off is None else 1,
            stale_calls=1,
            retry_after=cool_off or COOL_OFF,
        )
        for name, header, _, cool_off in WAITS
    ),
    final("400", sends(http(400)), status=400, code="40000"),
    final("400 with Apple's code", sends(http(400, errors("40015"))), status=400, code="40015"),
    *(
        final(
            f"401, {fault}",
            sends(http(401)),
            sends(http(probe)),
            status=status,
            code=code,
            calls=2,
            retry_after=retry_after,
        )
        for fault, probe, status, code, retry_after in (
            ("because of the user", 200, 401, "40191", None),
            ("because of the developer token", 401, 503, "50390", REREAD),
            ("cause unknown", 500, 503, "50390", None),
        )
    ),
    *(
        final(fault, sends(http(403, body)), status=403, code="40300")
        for fault, body in (
            ("403", errors("40300")),
            ("403, empty", b""),
            ("403, neither JSON nor HTML", b"denied"),
        )
    ),
    invalid("403, HTML", sends(html(403))),
    not_rated("404", sends(http(404))),
    not_rated("404, JSON", sends(http(404, errors("40400")))),
    invalid("404, HTML", sends(html(404))),
    invalid("404, code 40401", sends(http(404, errors("40401")))),
    invalid("404, JSON without an error", sends(http(404, b"{}"))),
    not_rated("200 without a value", sends(http(200, document({"id": "i.a", "type": "ratings"})))),
    not_rated("200, value 0", sends(http(200, document(rating("i.a", 0))))),
    not_rated("200, data null", sends(http(200, b'{"data":null}'))),
    rated("200 with errors", sends(http(200, document(rating("i.a"), errors="x")))),
    rated("200 with next", sends(http(200, document(rating("i.a"), next="x")))),
    invalid_body("errors without the rating", document(errors=[{"code": "50000"}])),
    invalid_body("next without the rating", document(next="/v1/me/ratings/library-songs")),
    *(
        invalid_body(f"repeating {whose} token, {form}", body)
        for whose, token in (("the user", ADA.value), ("our", DEVELOPER_JWT))
        for form, body in repeating(token).items()
    ),
    *(
        final(str(status), sends(http(status)), status=502, code="50291")
        for status in (405, 410, 414, 431)
    ),
    *(
        invalid(str(status), sends(http(status, b"", "Location: https://elsewhere.test/")))
        for status in (300, 301, 302, 303, 304, 305, 307, 308)
    ),
    *(invalid(str(status), sends(http(status))) for status in (204, 206, 299, 418, 520)),
    invalid("200, HTML", sends(html(200))),
    invalid_body("JSON with the type of HTML", document(rating("i.a")), "Content-Type: text/html"),
    invalid_body("empty", b""),
    invalid("200, truncated", sends_and_closes(OK + b'Content-Length: 99\r\n\r\n{"data":')),
    invalid_chunk("-5"),
    invalid_chunk("-1", b"x" * 2_000_000),
    invalid_chunk("4_0"),
    invalid_chunk("ffffffffffffffff"),
    invalid("200, two lengths", sends(http(200, b"{}", "Content-Length: 3"))),
    invalid(
        "200, length and chunks",
        sends(http(200, b"2\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked")),
    ),
    invalid("200, bytes after the end", sends(http(200, document(rating("i.a"))) + b"x")),
    invalid("200, a second response", sends(2 * http(200, document(rating("i.a"))))),
    invalid_body("invalid gzip", b"not gzip", "Content-Encoding: gzip"),
    invalid_body("invalid UTF-8", b'{"data":[{"id":"\xff","type":"ratings"}]}'),
    invalid_body("a list", b"[]"),
    invalid_body("data is an object", b'{"data":{}}'),
    invalid_body("attributes are a list", document(rating("i.a", attributes=[]))),
    invalid_body("another id", document(rating("i.b"))),
    invalid_body("more ids than requested", document(rating("i.a"), rating("i.b"))),
    *(
        invalid_body(f"value {json.dumps(value)}", document(rating("i.a", value)))
        for value in (5, "1", True, None)
    ),
    invalid_body("too large", b"x" * (MAX_BODY_BYTES + 1)),
    invalid("200, a gzip bomb", zipped(b"x" * (60 * MAX_BODY_BYTES))),
    invalid_body("a depth bomb", b"[" * 200_000),
)
READS: Final = tuple(cell for cells in ROWS for cell in cells)
