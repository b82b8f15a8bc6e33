"""The table: how Apple may behave, and what the caller is told of it by what the cache holds."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final, Literal

from functions.ratings.apple_music import MAX_BODY_BYTES
from functions.ratings.models import MusicUserToken, RatingKey
from tests.fakes.origin import (
    Answering,
    drips,
    http,
    resets,
    sends,
    sends_and_closes,
    stays_silent,
)

FRESH_AGE, STALE_AGE, PAST_AGE = 10, 90, 3_700

DEADLINE_SECONDS: Final = 2.0
"""What a request has in these tests if Apple is slow; in a deployment it has 6 s."""

PLENTY_SECONDS: Final = 60.0
"""What it has otherwise, so that a busy machine changes no answer."""

State = Literal["nothing cached", "fresh", "stale", "past the limit"]
STATES: tuple[State, ...] = ("nothing cached", "fresh", "stale", "past the limit")
AGES: Final[Mapping[State, int]] = {
    "fresh": FRESH_AGE,
    "stale": STALE_AGE,
    "past the limit": PAST_AGE,
}

ADA: Final = MusicUserToken("sample-user-token-ada")
DEVELOPER_TOKEN: Final = "developer.token.one"  # made up
SONG: Final = RatingKey(type="library-songs", id="i.a")

Wire = Literal["http", "https", "refused", "no such name", "untrusted", "expired", "other host"]


@dataclass(frozen=True, kw_only=True)
class Told:
    """One cell: what the caller gets, how often Apple was asked, and how long it may take."""

    status: int
    cache: str
    calls: int
    code: str | None = None
    age: int | None = None
    retry_after: range | None = None
    seconds: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """One row. What is past the limit is told as if nothing were cached; what is fresh, itself."""

    name: str
    answers: Callable[[], tuple[Answering, ...]]
    nothing: Told
    stale: Told
    wire: Wire = "http"
    deadline_seconds: float = PLENTY_SECONDS

    def told(self, state: State) -> Told:
        if state == "fresh":
            return HIT
        if state == "stale":
            return self.stale
        return self.nothing


HIT: Final = Told(status=200, cache="hit; ttl=50", age=FRESH_AGE, calls=0, seconds=0.5)
STALE: Final = Told(
    status=200, cache="fwd=stale; ttl=-30; detail=stale-if-error", age=STALE_AGE, calls=1
)


def resource(item_id: str = "i.a", value: object = 1) -> dict[str, object]:
    href = f"/v1/me/ratings/library-songs/{item_id}"
    return {"id": item_id, "type": "ratings", "href": href, "attributes": {"value": value}}


def document(*resources: object, **members: object) -> bytes:
    return json.dumps({"data": resources, **members}).encode()


def errors(code: str) -> bytes:
    return json.dumps({"errors": [{"code": code}]}).encode()


def found(*headers: str) -> Answering:
    return sends(http(200, document(resource()), "Content-Type: application/json", *headers))


def error(status: int, code: str, *, calls: int = 1, **more: object) -> Told:
    return replace(Told(status=status, code=code, cache="fwd=miss", calls=calls), **more)  # type: ignore[arg-type]  # fields of the same class


def always(answering: Answering) -> Callable[[], tuple[Answering, ...]]:
    return lambda: (answering,)


UNREACHABLE = error(502, "50290", calls=2)
UNUSABLE = error(502, "50291")
TOO_SLOW = error(504, "50490", seconds=DEADLINE_SECONDS)
WAIT_5 = range(5, 6)


def unreachable(name: str, answering: Answering) -> Behaviour:
    stale = replace(STALE, calls=2)
    return Behaviour(name=name, answers=always(answering), nothing=UNREACHABLE, stale=stale)


def slow(name: str, answering: Answering) -> Behaviour:
    # Apple is waited for a while, in which the copy grows older.
    stale = Told(
        status=200,
        cache="fwd=stale; ttl=-31; detail=stale-if-error",
        age=STALE_AGE + 1,
        calls=1,
        seconds=2.0,
    )
    return Behaviour(
        name=name,
        answers=always(answering),
        nothing=TOO_SLOW,
        stale=stale,
        deadline_seconds=DEADLINE_SECONDS,
    )


def unusable(name: str, answering: Answering) -> Behaviour:
    return Behaviour(name=name, answers=always(answering), nothing=UNUSABLE, stale=STALE)


def odd_body(name: str, body: bytes, *headers: str) -> Behaviour:
    return unusable(f"200, {name}", sends(http(200, body, *headers)))


def odd_status(status: int, *headers: str) -> Behaviour:
    return unusable(str(status), sends(http(status, b"", *headers)))


def wire(name: str, kind: Wire, *, calls: int) -> Behaviour:
    return Behaviour(
        name=name,
        wire=kind,
        answers=always(found()),
        nothing=replace(UNREACHABLE, calls=calls),
        stale=replace(STALE, calls=calls),
    )


def refusal(name: str, told: Told, *answers: bytes) -> Behaviour:
    """What Apple refuses is told as it is, whatever is cached, unless it is fresh."""
    return Behaviour(
        name=name,
        answers=lambda: tuple(sends(answer) for answer in answers),
        nothing=told,
        stale=replace(told, cache="fwd=stale"),
    )


def not_rated(name: str, answer: bytes) -> Behaviour:
    return Behaviour(
        name=name,
        answers=always(sends(answer)),
        nothing=Told(status=404, code="40400", cache="fwd=miss; stored", calls=1),
        stale=Told(status=404, code="40400", cache="fwd=stale; stored", calls=1),
    )


def repeated(token: str) -> tuple[bytes, ...]:
    """A rating whose resource repeats a token: plain, and with each character escaped."""
    escaped = "".join(f"\\u{ord(character):04x}" for character in token)
    template = document({**resource(), "x": "TOKEN"})
    return tuple(template.replace(b"TOKEN", form.encode()) for form in (token, escaped))


def seconds_from_now(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


WAITS: tuple[tuple[str, Callable[[], str] | None, range], ...] = (
    ("without Retry-After", None, WAIT_5),
    ("Retry-After in seconds", lambda: "7", range(7, 8)),
    ("Retry-After as a date", lambda: seconds_from_now(30), range(10, 31)),
    ("Retry-After in the past", lambda: seconds_from_now(-30), range(1, 2)),
    ("Retry-After of junk", lambda: "soon", WAIT_5),
    ("Retry-After negative", lambda: "-5", WAIT_5),
    ("Retry-After huge", lambda: "9" * 30, range(60, 61)),
)


def unavailable(name: str, wait: Callable[[], str] | None, told: range) -> Behaviour:
    # Without a word of when, a 503 may be over already: it is tried once more.
    calls = 2 if wait is None else 1

    def answers() -> tuple[Answering, ...]:
        headers = () if wait is None else (f"Retry-After: {wait()}",)
        return (sends(http(503, b"", *headers)),)

    return Behaviour(
        name=f"503, {name}",
        answers=answers,
        nothing=error(503, "50391", calls=calls, retry_after=told),
        stale=replace(STALE, calls=calls),
    )


def throttled(name: str, wait: Callable[[], str] | None, told: range) -> Behaviour:
    def answers() -> tuple[Answering, ...]:
        headers = () if wait is None else (f"Retry-After: {wait()}",)
        body = b'{"message":"API capacity exceeded"}'
        return (sends(http(429, body, *headers)),)

    return Behaviour(
        name=f"429, {name}",
        answers=answers,
        nothing=error(429, "42991", calls=2, retry_after=told, seconds=2.0),
        stale=STALE,
    )


def zipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def odd_framing(name: str, header: str, body: bytes) -> Behaviour:
    return unusable(f"200, {name}", sends(f"HTTP/1.1 200 OK\r\n{header}\r\n\r\n".encode() + body))


def odd_chunk(size: str, rest: bytes = b"") -> Behaviour:
    body = f"{size}\r\n".encode() + (rest or document(resource()) + b"\r\n0\r\n\r\n")
    return odd_framing(f"a chunk of size {size}", "Transfer-Encoding: chunked", body)


def interim(name: str, status: int, *, times: int = 1, seconds: float = 0.0) -> Behaviour:
    def answer(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 {status} Interim\r\n\r\n".encode() * times)
        time.sleep(seconds)
        found()(connection)

    told = Told(status=200, cache="fwd=miss; stored", calls=1, seconds=seconds + 1)
    return Behaviour(
        name=name,
        answers=always(answer),
        nothing=told,
        stale=replace(told, cache="fwd=stale; stored"),
    )


BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour(
        name="200",
        answers=always(found()),
        nothing=Told(status=200, cache="fwd=miss; stored", calls=1),
        stale=Told(status=200, cache="fwd=stale; stored", calls=1),
    ),
    Behaviour(
        name="200 with Set-Cookie, Age and Cache-Control: public",
        answers=always(found("Set-Cookie: a=b", "Age: 999", "Cache-Control: public, max-age=9")),
        nothing=Told(status=200, cache="fwd=miss; stored", calls=1),
        stale=Told(status=200, cache="fwd=stale; stored", calls=1),
    ),
    Behaviour(
        name="200, zipped without being asked",
        answers=lambda: (sends(http(200, zipped(document(resource())), "Content-Encoding: gzip")),),
        nothing=Told(status=200, cache="fwd=miss; stored", calls=1),
        stale=Told(status=200, cache="fwd=stale; stored", calls=1),
    ),
    Behaviour(
        name="200 over TLS",
        wire="https",
        answers=always(found()),
        nothing=Told(status=200, cache="fwd=miss; stored", calls=1),
        stale=Told(status=200, cache="fwd=stale; stored", calls=1),
    ),
    interim("103, then 200 at once", 103),
    interim("102 sixteen times, then 200", 102, times=16),
    interim("103, then 200 a second later", 103, seconds=1.0),
    Behaviour(
        name="a kept connection that died meanwhile",
        answers=lambda: (found(), resets, found()),
        nothing=Told(status=200, cache="fwd=miss; stored", calls=2),
        stale=Told(status=200, cache="fwd=stale; stored", calls=2),
    ),
    Behaviour(
        name="500 once, then 200",
        answers=lambda: (sends(http(500)), found()),
        nothing=Told(status=200, cache="fwd=miss; stored", calls=2),
        stale=Told(status=200, cache="fwd=stale; stored", calls=2),
    ),
    wire("refused", "refused", calls=0),
    wire("no such name", "no such name", calls=0),
    unreachable("reset", resets),
    unreachable("closed without an answer", sends_and_closes(b"")),
    unusable("not HTTP", sends_and_closes(b"nonsense\r\n\r\n")),
    slow("silence", stays_silent),
    slow("a header a byte at a time", drips(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x")),
    slow(
        "a body a byte at a time", drips(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x")
    ),
    slow(
        "chunks without end",
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ),
    wire("certificate of an unknown authority", "untrusted", calls=0),
    wire("certificate expired", "expired", calls=0),
    wire("certificate for another host", "other host", calls=0),
    unreachable("500", sends(http(500))),
    unreachable("502", sends(http(502, b"<html>"))),
    Behaviour(
        name="504",
        answers=always(sends(http(504, b"<html>"))),
        nothing=error(504, "50490", calls=2),
        stale=replace(STALE, calls=2),
    ),
    *(unavailable(*wait) for wait in WAITS),
    *(throttled(*wait) for wait in WAITS),
    refusal("400", error(400, "40000"), http(400)),
    refusal(
        "400 with Apple's code", error(400, "40015"), http(400, b'{"errors":[{"code":"40015"}]}')
    ),
    refusal("401, the user's fault", error(401, "40191", calls=2), http(401), http(200)),
    refusal("401, our fault", error(503, "50390", calls=2), http(401), http(401)),
    refusal("401, and nobody can tell", error(503, "50390", calls=2), http(401), http(500)),
    refusal("403", error(403, "40300"), http(403, errors("40300"))),
    refusal("403, empty", error(403, "40300"), http(403)),
    refusal("403, neither JSON nor HTML", error(403, "40300"), http(403, b"denied")),
    unusable("403, HTML", sends(http(403, b"<html></html>", "Content-Type: text/html"))),
    not_rated("404", http(404)),
    not_rated("404, JSON", http(404, errors("40400"))),
    unusable("404, HTML", sends(http(404, b"<html></html>", "Content-Type: text/html"))),
    unusable("404, code 40401", sends(http(404, errors("40401")))),
    unusable("404, JSON without an error", sends(http(404, b"{}"))),
    not_rated("200 without a value", http(200, b'{"data":[{"id":"i.a","type":"ratings"}]}')),
    not_rated("200, value 0", http(200, document(resource(value=0)))),
    not_rated("200, data null", http(200, b'{"data":null}')),
    *(
        Behaviour(
            name=f"200 with {member}",
            answers=always(sends(http(200, document(resource(), **{member: "x"})))),
            nothing=Told(status=200, cache="fwd=miss; stored", calls=1),
            stale=Told(status=200, cache="fwd=stale; stored", calls=1),
        )
        for member in ("errors", "next")
    ),
    odd_body("errors without the rating", document(errors=[{"code": "50000"}])),
    odd_body("next without the rating", document(next="/v1/me/ratings/library-songs")),
    *(
        odd_body(f"repeating {whose} token, {form}", body)
        for whose, token in (("the user", ADA.value), ("our", DEVELOPER_TOKEN))
        for form, body in zip(("plain", "escaped"), repeated(token), strict=True)
    ),
    *(refusal(str(status), UNUSABLE, http(status)) for status in (405, 410, 414, 431)),
    *(
        odd_status(status, "Location: https://elsewhere.test/")
        for status in (300, 301, 302, 303, 304, 305, 307, 308)
    ),
    *(odd_status(status) for status in (204, 206, 299, 418, 520)),
    odd_body("HTML", b"<html></html>", "Content-Type: text/html"),
    odd_body("JSON that calls itself HTML", document(resource()), "Content-Type: text/html"),
    odd_body("empty", b""),
    unusable(
        "200, truncated", sends_and_closes(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"data":')
    ),
    odd_chunk("-5"),
    odd_chunk("-1", b"x" * 2_000_000),
    odd_chunk("4_0"),
    odd_chunk("ffffffffffffffff"),
    odd_framing("two lengths", "Content-Length: 2\r\nContent-Length: 3", b"{}"),
    odd_framing(
        "length and chunks",
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        b"2\r\n{}\r\n0\r\n\r\n",
    ),
    unusable("200, bytes after the end", sends(http(200, document(resource())) + b"x")),
    unusable("200, a second response", sends(2 * http(200, document(resource())))),
    odd_body("badly zipped", b"not gzip", "Content-Encoding: gzip"),
    odd_body("bad UTF-8", b'{"data":[{"id":"\xff","type":"ratings"}]}'),
    odd_body("a list", b"[]"),
    odd_body("data of another type", b'{"data":{}}'),
    odd_body(
        "attributes of another type", b'{"data":[{"id":"i.a","type":"ratings","attributes":[]}]}'
    ),
    odd_body("another id", document(resource("i.b"))),
    odd_body("more ids than asked", document(resource(), resource("i.b"))),
    *(
        odd_body(f"value {json.dumps(value)}", document(resource(value=value)))
        for value in (5, "1", True, None)
    ),
    odd_body("too large", b"x" * (MAX_BODY_BYTES + 1)),
    odd_body("a gzip bomb", zipped(b"x" * (60 * MAX_BODY_BYTES)), "Content-Encoding: gzip"),
    odd_body("a depth bomb", b"[" * 200_000),
)


@dataclass(frozen=True, kw_only=True)
class ListBehaviour:
    """One row: Apple's response to a request for i.a and i.b while nothing is cached.

    `code` is that of an error for the whole list. Else the ids in `served` are in the response,
    and those in `stored` are remembered, as rated or not rated.
    """

    name: str
    answer: bytes
    code: str | None = None
    served: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()


BOTH: Final = ("i.a", "i.b")

LISTS: tuple[ListBehaviour, ...] = (
    ListBehaviour(
        name="200 with both",
        answer=http(200, document(resource(), resource("i.b"))),
        served=BOTH,
        stored=BOTH,
    ),
    ListBehaviour(
        name="200 without i.b",
        answer=http(200, document(resource())),
        served=("i.a",),
        stored=BOTH,
    ),
    ListBehaviour(
        name="200, i.b with value 0",
        answer=http(200, document(resource(), resource("i.b", 0))),
        served=("i.a",),
        stored=BOTH,
    ),
    ListBehaviour(name="200, data empty", answer=http(200, document()), stored=BOTH),
    ListBehaviour(name="200, data null", answer=http(200, b'{"data":null}'), stored=BOTH),
    *(
        ListBehaviour(
            name=f"200 without i.b, with {member}",
            answer=http(200, document(resource(), **{member: "x"})),
            served=("i.a",),
            stored=("i.a",),
        )
        for member in ("errors", "next")
    ),
    ListBehaviour(name="200, data empty, with next", answer=http(200, document(next="x"))),
    ListBehaviour(name="404", answer=http(404), stored=BOTH),
    ListBehaviour(name="404, JSON", answer=http(404, errors("40400")), stored=BOTH),
    ListBehaviour(
        name="404, HTML",
        answer=http(404, b"<html></html>", "Content-Type: text/html"),
        code="50291",
    ),
    ListBehaviour(name="404, code 40401", answer=http(404, errors("40401")), code="50291"),
    ListBehaviour(
        name="200, i.b repeating the user token",
        answer=http(200, document(resource(), {**resource("i.b"), "x": ADA.value})),
        code="50291",
    ),
)
