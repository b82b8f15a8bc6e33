"""The table: how DynamoDB, Secrets Manager and Lambda may fail us, and what the caller is told."""

from __future__ import annotations

import json
import socket
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import jwt

from functions.ratings.cache_items import generation_sort_key, item_key, rating_item
from functions.ratings.cache_policy import CachedRating
from functions.ratings.metrics import Metric
from functions.ratings.models import Rating
from tests.fakes.origin import Answering, drips, http, resets, sends, stays_silent
from tests.integration.faults.apple_behaviours import (
    ADA,
    AGES,
    FRESH_AGE,
    HIT,
    SONG,
    STALE_AGE,
    STATES,
    State,
    Told,
    error,
    found,
    resource,
)

TABLE: Final = "ratings"
PLENTY_MILLISECONDS: Final = 10_000
CACHE_TIMEOUT_MILLISECONDS: Final = 300
"""What DynamoDB has in a deployment; here it has it only where that is looked at."""

LITTLE_MILLISECONDS: Final = 400

Dependency = Literal["DynamoDB", "Secrets Manager", "Lambda"]
Method = Literal["GET", "PUT"]
Answers = Callable[[], tuple[Answering, ...]]

_KEY: Final = "a key that no one uses for anything else"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell: which dependency fails how, in which case, and what comes of it.

    A dependency whose answers are None refuses connections. `asked` is how often DynamoDB,
    Secrets Manager and Apple are; `noticed` is what the line of the request counts of failures.
    """

    dependency: Dependency
    fault: str
    case: str
    told: Told
    asked: tuple[int, int, int]
    noticed: Mapping[Metric, int] = field(default_factory=dict)
    dynamodb: Answers | None
    secret: Answers | None
    apple: Answering
    method: Method = "GET"
    milliseconds: int = PLENTY_MILLISECONDS
    cache_milliseconds: int = 10 * PLENTY_MILLISECONDS
    warm: bool = False


def json_answer(document: object, status: int = 200) -> Answering:
    body = json.dumps(document).encode()
    return sends(http(status, body, "Content-Type: application/x-amz-json-1.1"))


def fails(status: int, code: str) -> Answering:
    return json_answer({"__type": f"com.amazonaws.v20120810#{code}"}, status)


def slowly(connection: socket.socket) -> None:
    time.sleep(0.5)
    json_answer({"Responses": {}, "UnprocessedKeys": {}})(connection)


TAKEN: Final = json_answer({})
"""DynamoDB's answer to a PutItem, or to an UpdateItem of what was not there."""

APPLE: Final = found()
APPLE_FAILS: Final = sends(http(500))


def item(age: float) -> dict[str, Any]:
    """SONG's rating of ADA, asked of Apple so many seconds ago, as DynamoDB would give it."""
    requested_at = time.time() - age
    cached = CachedRating(
        rating=Rating(json.dumps(resource())), requested_at=requested_at, generation=None
    )
    return {**rating_item(ADA.owner, SONG, cached, expires_at=round(requested_at) + 3_661)}


def read(*items: Mapping[str, Any], unprocessed: object = None) -> Answering:
    left = {} if unprocessed is None else {TABLE: {"Keys": [unprocessed]}}
    return json_answer({"Responses": {TABLE: items}, "UnprocessedKeys": left})


def reads(make: Callable[[], Answering]) -> Answering:
    """An answer that is made when it is given, so that no item in it has grown older meanwhile."""

    def answer(connection: socket.socket) -> None:
        make()(connection)

    return answer


def holding(state: State) -> Answers:
    """A table that holds SONG's rating in that state, and takes whatever is put."""
    return lambda: (reads(lambda: read(*([item(AGES[state])] if state in AGES else []))), TAKEN)


def token(expires_at: float) -> str:
    return jwt.encode({"exp": expires_at}, _KEY)


def secret(text: object) -> Answers:
    return lambda: (json_answer({"SecretString": text}),)


NESTED: Final = f"{b64encode(b'[' * 30_000).decode().rstrip('=')}.e30.x"
TOKEN: Final = token(4_000_000_000)
GOOD_SECRET: Final = secret(TOKEN)

BYPASS: Final = Told(status=200, cache="fwd=bypass", calls=1)
STORED: Final = Told(status=200, cache="fwd=miss; stored", calls=1)
REVALIDATED: Final = Told(status=200, cache="fwd=stale; stored", calls=1)
WRITTEN: Final = Told(status=200, cache="", calls=1)
AS_IF_UP: Final[Mapping[State, Told]] = {
    "nothing cached": STORED,
    "fresh": HIT,
    "stale": REVALIDATED,
    "past the limit": STORED,
}
NOT_STORED: Final = Told(status=200, cache="fwd=miss", calls=1)
STANDS_IN: Final = Told(
    status=200, cache="hit; ttl=-30; detail=stale-if-error", age=STALE_AGE, calls=0
)

# At most 0.3 s for each call that DynamoDB does not answer, and some for this machine's own work.
DYNAMODB_SECONDS: Final = 0.3
ROOM_SECONDS: Final = 0.25


def failing_dynamodb(fault: str, answering: Answering | None) -> tuple[Cell, ...]:
    answers = None if answering is None else lambda: (answering,)
    asked = 0 if answering is None else 1
    cell = Cell(
        dependency="DynamoDB",
        fault=fault,
        case="a read",
        told=replace(BYPASS, seconds=DYNAMODB_SECONDS + ROOM_SECONDS),
        asked=(asked, 1, 1),
        noticed={Metric.CACHE_READ_FAILED: 1},
        dynamodb=answers,
        secret=GOOD_SECRET,
        apple=APPLE,
        cache_milliseconds=CACHE_TIMEOUT_MILLISECONDS,
    )
    return (
        cell,
        replace(
            cell,
            case="a read, Apple failing too",
            apple=APPLE_FAILS,
            told=error(502, "50290", cache="fwd=bypass", calls=2),
            asked=(asked, 1, 2),
            noticed={
                Metric.CACHE_READ_FAILED: 1,
                Metric.UPSTREAM_RETRIED: 1,
                Metric.UPSTREAM_UNREACHABLE: 1,
            },
        ),
        replace(
            cell,
            case="a write",
            method="PUT",
            # Announced and closed: two calls.
            told=replace(WRITTEN, seconds=2 * DYNAMODB_SECONDS + ROOM_SECONDS),
            asked=(2 * asked, 1, 1),
            noticed={Metric.CACHE_INVALIDATION_FAILED: 2},
        ),
    )


def odd_item(
    fault: str,
    answers: Answers,
    *,
    rejected: int = 1,
    asked: int = 2,
    told: Told = STORED,
) -> tuple[Cell, ...]:
    noticed = {Metric.CACHE_ITEM_REJECTED: rejected} if rejected else {}
    cell = Cell(
        dependency="DynamoDB",
        fault=fault,
        case="a read",
        told=told,
        asked=(asked, 1, 1),
        noticed=noticed,
        dynamodb=answers,
        secret=GOOD_SECRET,
        apple=APPLE,
    )
    stores = int("stored" in told.cache)
    return (
        cell,
        replace(
            cell,
            case="a read, Apple failing too",
            apple=APPLE_FAILS,
            told=error(502, "50290", calls=2),
            asked=(asked - stores, 1, 2),
            noticed={**noticed, Metric.UPSTREAM_RETRIED: 1, Metric.UPSTREAM_UNREACHABLE: 1},
        ),
    )


def changed(**attributes: object) -> Answers:
    """A fresh item with these attributes in place of its own, None for none at all."""

    def answer() -> Answering:
        given = {**item(FRESH_AGE), **attributes}
        return read({name: value for name, value in given.items() if value is not None})

    return lambda: (reads(answer), TAKEN)


def generation_item(**attributes: object) -> dict[str, Any]:
    return {**item_key(ADA.owner, generation_sort_key("songs")), **attributes}


def odd_generation() -> tuple[Answering, ...]:
    return reads(lambda: read(item(FRESH_AGE), generation_item(generation={"S": "seven"}))), TAKEN


def rating_left_unread() -> tuple[Answering, ...]:
    left = item_key(ADA.owner, "library-songs#i.a")
    return read(unprocessed=left), read(unprocessed=left), TAKEN


def rating_read_at_last() -> tuple[Answering, ...]:
    left = item_key(ADA.owner, "library-songs#i.a")
    return read(unprocessed=left), reads(lambda: read(item(FRESH_AGE)))


def generation_left_unread() -> tuple[Answering, ...]:
    answer = reads(lambda: read(item(FRESH_AGE), unprocessed=generation_item()))
    return answer, answer


def failing_store() -> tuple[Answering, ...]:
    return read(), fails(400, "ProvisionedThroughputExceededException")


def by_state(
    cell: Cell,
    told: Mapping[State, Told],
    asked: Mapping[State, tuple[int, int, int]],
    noticed: Mapping[State, Mapping[Metric, int]],
) -> tuple[Cell, ...]:
    return tuple(
        replace(
            cell,
            case=state,
            dynamodb=holding(state),
            told=told[state],
            asked=asked[state],
            noticed=noticed[state],
        )
        for state in STATES
    )


def failing_secret(fault: str, answers: Answers | None) -> tuple[Cell, ...]:
    reads = 0 if answers is None else 1
    missing = {Metric.DEVELOPER_TOKEN_NOT_READ: 1, Metric.NO_DEVELOPER_TOKEN: 1}
    no_token = error(503, "50390", calls=0)
    writing = Cell(
        dependency="Secrets Manager",
        fault=fault,
        case="a write",
        method="PUT",
        told=replace(no_token, cache=""),
        asked=(2, reads, 0),
        noticed=missing,
        dynamodb=lambda: (TAKEN,),
        secret=answers,
        apple=APPLE,
    )
    reading = by_state(
        replace(writing, method="GET"),
        told={
            "nothing cached": no_token,
            "fresh": HIT,
            "stale": STANDS_IN,
            "past the limit": no_token,
        },
        asked=dict.fromkeys(STATES, (1, reads, 0)) | {"fresh": (1, 0, 0)},
        noticed=dict.fromkeys(STATES, missing) | {"fresh": {}},
    )
    return (*reading, writing)


def slow_secret(fault: str, answering: Answering) -> tuple[Cell, ...]:
    """As any other that fails, but that it is waited for."""
    older = replace(
        STANDS_IN, cache="hit; ttl=-31; detail=stale-if-error", age=STALE_AGE + 1, seconds=1.5
    )
    return tuple(
        replace(cell, dynamodb=lambda: (reads(lambda: read(item(STALE_AGE + 0.5))),), told=older)
        if cell.told == STANDS_IN
        else replace(cell, told=replace(cell.told, seconds=1.5))
        for cell in failing_secret(fault, lambda: (answering,))
    )


def secret_that_failed_since() -> tuple[Cell, ...]:
    """One that was read once, with the token still in memory."""
    cell = Cell(
        dependency="Secrets Manager",
        fault="down, a token in memory",
        case="a write",
        method="PUT",
        told=WRITTEN,
        asked=(3, 0, 1),
        dynamodb=lambda: (TAKEN,),
        secret=lambda: (*GOOD_SECRET(), stays_silent),
        apple=APPLE,
        warm=True,
    )
    reading = by_state(
        replace(cell, method="GET"),
        told=AS_IF_UP,
        asked=dict.fromkeys(STATES, (2, 0, 1)) | {"fresh": (1, 0, 0)},
        noticed={state: {} for state in STATES},
    )
    return (*reading, cell)


def little_time() -> tuple[Cell, ...]:
    not_asked = error(
        503, "50391", calls=0, retry_after=range(1, 2), seconds=LITTLE_MILLISECONDS / 1000
    )
    noticed = {Metric.UPSTREAM_NOT_ASKED: 1}
    writing = Cell(
        dependency="Lambda",
        fault=f"{LITTLE_MILLISECONDS} ms left at the start",
        case="a write",
        method="PUT",
        told=replace(not_asked, cache=""),
        asked=(0, 0, 0),
        noticed=noticed,
        dynamodb=lambda: (TAKEN,),
        secret=GOOD_SECRET,
        apple=APPLE,
        milliseconds=LITTLE_MILLISECONDS,
    )
    reading = by_state(
        replace(writing, method="GET"),
        told={
            "nothing cached": not_asked,
            "fresh": HIT,
            "stale": STANDS_IN,
            "past the limit": not_asked,
        },
        asked=dict.fromkeys(STATES, (1, 0, 0)),
        noticed=dict.fromkeys(STATES, noticed) | {"fresh": {}},
    )
    without_dynamodb = replace(
        writing,
        method="GET",
        case="DynamoDB silent too",
        told=replace(not_asked, cache="fwd=bypass"),
        asked=(1, 0, 0),
        noticed={**noticed, Metric.CACHE_READ_FAILED: 1},
        dynamodb=lambda: (stays_silent,),
        cache_milliseconds=CACHE_TIMEOUT_MILLISECONDS,
    )
    return (*reading, without_dynamodb, writing)


CELLS: Final[tuple[Cell, ...]] = (
    *failing_dynamodb("refused", None),
    *failing_dynamodb("reset", resets),
    *failing_dynamodb("a black hole", stays_silent),
    *failing_dynamodb("slow", slowly),
    *failing_dynamodb("a header a byte at a time", drips(b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.15)),
    *failing_dynamodb(
        "a body a byte at a time",
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b" ", 0.15),
    ),
    *failing_dynamodb("an interim response only", sends(b"HTTP/1.1 103 Early Hints\r\n\r\n")),
    *failing_dynamodb("a nesting bomb", sends(http(200, b"[" * 300_000))),
    *failing_dynamodb("over the cap", sends(http(200, b"{}" + b" " * 400_000))),
    *failing_dynamodb("500", fails(500, "InternalServerError")),
    *failing_dynamodb("throttled", fails(400, "ProvisionedThroughputExceededException")),
    *failing_dynamodb("access denied", fails(400, "AccessDeniedException")),
    *failing_dynamodb("no table", fails(400, "ResourceNotFoundException")),
    *failing_dynamodb("not JSON", sends(http(200, b"<html>"))),
    *failing_dynamodb(
        "JSON null in place of items", json_answer({"Responses": None, "Attributes": None})
    ),
    *failing_dynamodb(
        "a text in place of items", json_answer({"Responses": {TABLE: "x"}, "Attributes": "x"})
    ),
    *odd_item("a malformed item", changed(resource={"N": "1"})),
    *odd_item("an item of odd JSON types", changed(resource={"S": None}, schema="x")),
    *odd_item("an item without a time", changed(requested_at=None)),
    *odd_item("another owner's item", changed(owner={"S": "0" * 64})),
    *odd_item("another song's item", changed(id={"S": "i.b"})),
    *odd_item("an item of the future", lambda: (reads(lambda: read(item(-30))), TAKEN)),
    *odd_item("an item of another schema", changed(schema={"N": "99"})),
    *odd_item("an item without a TTL", changed(expires_at=None)),
    *odd_item("a malformed generation", odd_generation, asked=1, told=NOT_STORED),
    *odd_item("a rating left unprocessed", rating_left_unread, rejected=0, asked=3),
    *odd_item(
        "a generation left unprocessed",
        generation_left_unread,
        rejected=0,
        asked=2,
        told=NOT_STORED,
    ),
    Cell(
        dependency="DynamoDB",
        fault="a rating left unprocessed once",
        case="a read",
        told=HIT,
        asked=(2, 0, 0),
        dynamodb=rating_read_at_last,
        secret=GOOD_SECRET,
        apple=APPLE,
    ),
    Cell(
        dependency="DynamoDB",
        fault="a rating not taken",
        case="a read",
        told=NOT_STORED,
        asked=(2, 1, 1),
        noticed={Metric.CACHE_STORE_FAILED: 1},
        dynamodb=failing_store,
        secret=GOOD_SECRET,
        apple=APPLE,
    ),
    *failing_secret("refused", None),
    *slow_secret("silent", stays_silent),
    *slow_secret("a header a byte at a time", drips(b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.15)),
    *failing_secret("500", lambda: (fails(500, "InternalServiceError"),)),
    *failing_secret("access denied", lambda: (fails(400, "AccessDeniedException"),)),
    *failing_secret("not a JWT", secret("no developer token yet: put one here")),
    *failing_secret("expired", secret(token(1_000_000_000))),
    *failing_secret("empty", secret("")),
    *failing_secret("null", secret(None)),
    *failing_secret("a number", secret(7)),
    *failing_secret("a JWT of nested JSON", secret(NESTED)),
    *secret_that_failed_since(),
    *little_time(),
)
