"""The table: failures of DynamoDB, Secrets Manager and Lambda, our response, and the metrics."""

from __future__ import annotations

import socket
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from functions.ratings.apple.developer_token import READ_SECONDS
from functions.ratings.cache.items import bucket_sort_key, family_item, family_sort_key, item_key
from functions.ratings.cache.policy import Family
from functions.ratings.metrics import Metric
from tests.fakes.lambda_function import PLENTY_SECONDS, SECRET, Answers, aws_json, secret
from tests.fakes.origin import Answering, after, drips, http, resets, sends, stays_silent
from tests.fakes.ratings_function import ADA, SONG, TABLE, developer_jwt
from tests.integration.faults.cells import (
    FRESH_AGE,
    HIT,
    OK,
    STALE_AGE,
    STATES,
    Cell,
    Expected,
    Item,
    Row,
    holding,
    item,
)
from tests.patience import LATE_SECONDS

DYNAMODB_SECONDS: Final = 0.3
"""The time limit of a call in a deployment; most cells use a longer limit."""


WRITTEN: Final = Expected(status=200)
STORED: Final = Expected(status=200, cache="fwd=miss; stored")
NOT_STORED: Final = Expected(status=200, cache="fwd=miss")
STALE_WITHOUT_CALL: Final = Expected(
    status=200, cache="hit; ttl=-30; detail=stale-if-error", age=STALE_AGE, calls=0
)


def aws_error(status: int, code: str) -> Answers:
    return (aws_json({"__type": f"com.amazonaws.v20120810#{code}"}, status),)


def with_apple_failing(cell: Cell, cache: str, dynamodb_calls: int) -> Cell:
    failed = {Metric.UPSTREAM_RETRIED: 1, Metric.UPSTREAM_UNREACHABLE: 1}
    return replace(
        cell,
        case="a read, Apple failing too",
        apple=(sends(http(500)),),
        expected=Expected(status=502, code="50290", cache=cache, calls=2),
        aws_calls=(dynamodb_calls, 1),
        metrics={**(cell.metrics or {}), **failed},
    )


def failing_dynamodb(fault: str, *answers: Answering, cache_seconds: float = PLENTY_SECONDS) -> Row:
    calls = min(1, len(answers))
    read = Cell(
        fault=f"DynamoDB: {fault}",
        case="a read",
        expected=Expected(status=200, cache="fwd=bypass"),
        aws_calls=(calls, 1),
        metrics={Metric.CACHE_READ_FAILED: 1},
        dynamodb=answers,
        cache_seconds=cache_seconds,
    )
    write = replace(
        read,
        case="a write",
        method="PUT",
        expected=WRITTEN,
        aws_calls=(2 * calls, 1),
        metrics={Metric.CACHE_INVALIDATION_FAILED: 2},
    )
    return read, with_apple_failing(read, "fwd=bypass", calls), write


def slow_dynamodb(fault: str, answer: Answering) -> Row:
    """Make the row of a response that is not complete within the timeout of production."""
    return failing_dynamodb(fault, answer, cache_seconds=DYNAMODB_SECONDS)


def unusable(
    fault: str,
    items: Callable[[], Sequence[Item]] = tuple,
    *,
    dynamodb: Answers | None = None,
    invalid: int = 1,
    reads: int = 1,
    expected: Expected = STORED,
) -> Row:
    """Make the row of an unusable DynamoDB result, which the function handles as a miss."""
    stores = int(expected == STORED)
    read = Cell(
        fault=f"DynamoDB: {fault}",
        case="a read",
        expected=expected,
        aws_calls=(reads + stores, 1),
        metrics={Metric.CACHE_ITEM_INVALID: invalid} if invalid else {},
        items=items,
        dynamodb=dynamodb,
    )
    return read, with_apple_failing(read, "fwd=miss", reads)


def invalid_item(fault: str, **changes: object) -> Row:
    return unusable(fault, lambda: [item(FRESH_AGE, **changes)])


FAMILY_KEY: Final = item_key(ADA.hash, family_sort_key("songs"))


def invalid_family(fault: str, **changes: object) -> Row:
    """Make the row of an invalid family: it prevents every store until the next write."""
    family = {**family_item(ADA.hash, "songs", Family(7), expires_at=2_000_000_000), **changes}
    return unusable(fault, lambda: [item(FRESH_AGE), family], expected=NOT_STORED)


def returns(*ages: int, unprocessed: Item | None = None, seconds: float = 0.0) -> Answering:
    """Respond to a read with items of these ages, and optionally with an unprocessed key."""

    def answer(connection: socket.socket, request: bytes) -> None:
        left = {} if unprocessed is None else {TABLE: {"Keys": [unprocessed]}}
        items = {TABLE: [item(age) for age in ages]}
        aws_json({"Responses": items, "UnprocessedKeys": left})(connection, request)

    return after(seconds, answer)


STORE: Final = aws_json({})
UNREAD: Final = returns(unprocessed=item_key(ADA.hash, bucket_sort_key(SONG)))


def by_state(cell: Cell, expected: Mapping[str, Expected], aws_calls: tuple[int, int]) -> Row:
    """Make a read's cell for each cache state; a fresh copy needs neither a token nor Apple."""
    return tuple(
        replace(
            cell,
            case=state,
            method="GET",
            items=holding(state),
            expected=expected[state],
            aws_calls=(1, 0) if state == "fresh" else aws_calls,
            metrics={} if state == "fresh" else cell.metrics,
        )
        for state in STATES
    )


def served_stale(error: Expected) -> Mapping[str, Expected]:
    failed = replace(error, cache="fwd=miss")
    return dict.fromkeys(STATES, failed) | {"fresh": HIT, "stale": STALE_WITHOUT_CALL}


def failing_secret(fault: str, answers: Answers) -> Row:
    calls = min(1, len(answers))
    no_token = Expected(status=503, code="50390", calls=0, retry_after=range(1, 3))
    write = Cell(
        fault=f"Secrets Manager: {fault}",
        case="a write",
        method="PUT",
        expected=no_token,
        aws_calls=(0, calls),
        metrics={Metric.DEVELOPER_TOKEN_READ_FAILED: 1, Metric.DEVELOPER_TOKEN_UNAVAILABLE: 1},
        secrets=answers,
    )
    return *by_state(write, served_stale(no_token), (1, calls)), write


def slow_secret(fault: str, answering: Answering) -> Row:
    """Make the row of a slow secret: the copy is a second older after the read of the secret."""
    expected = replace(
        STALE_WITHOUT_CALL, cache="hit; ttl=-31; detail=stale-if-error", age=STALE_AGE + 1
    )
    timeout: dict[str, Any] = {"secret_seconds": READ_SECONDS}
    older: dict[str, Any] = timeout | {
        "items": lambda: [item(STALE_AGE + 0.5)],
        "expected": expected,
    }
    cells = failing_secret(fault, (answering,))
    return tuple(replace(cell, **(older if cell.case == "stale" else timeout)) for cell in cells)


def secret_in_memory() -> Row:
    write = Cell(
        fault="Secrets Manager: down, a token in memory",
        case="a write",
        method="PUT",
        expected=WRITTEN,
        aws_calls=(2, 0),
        metrics={},
        secrets=(*SECRET, stays_silent),
        is_warm=True,
    )
    revalidated = replace(STORED, cache="fwd=stale; stored")
    expected = dict.fromkeys(STATES, STORED) | {"fresh": HIT, "stale": revalidated}
    return *by_state(write, expected, (2, 0)), write


def little_time() -> Row:
    no_time = Expected(status=503, code="50391", calls=0, retry_after=range(1, 2))
    write = Cell(
        fault="Lambda: 0.4 s remain at the start",
        case="a write",
        method="PUT",
        expected=no_time,
        aws_calls=(0, 0),
        metrics={Metric.UPSTREAM_NOT_CALLED: 1},
        seconds=0.4,
    )
    without_dynamodb = replace(
        write,
        case="a read, DynamoDB silent too",
        method="GET",
        expected=replace(no_time, cache="fwd=bypass"),
        aws_calls=(1, 0),
        metrics={Metric.UPSTREAM_NOT_CALLED: 1, Metric.CACHE_READ_FAILED: 1},
        dynamodb=(stays_silent,),
        cache_seconds=DYNAMODB_SECONDS,
    )
    return *by_state(write, served_stale(no_time), (1, 0)), without_dynamodb, write


ROWS: Final[tuple[Row, ...]] = (
    failing_dynamodb("refused"),
    failing_dynamodb("reset", resets),
    slow_dynamodb("silent", stays_silent),
    slow_dynamodb("slow", returns(seconds=LATE_SECONDS)),
    slow_dynamodb("a header a byte at a time", drips(OK + b"X: ", b"x", 0.15)),
    slow_dynamodb("a body a byte at a time", drips(OK + b"Content-Length: 99\r\n\r\n", b" ", 0.15)),
    slow_dynamodb("an interim response only", sends(b"HTTP/1.1 103 Early Hints\r\n\r\n")),
    failing_dynamodb("a nesting bomb", sends(http(200, b"[" * 300_000))),
    failing_dynamodb("too large", sends(http(200, b"{}" + b" " * 400_000))),
    failing_dynamodb("500", *aws_error(500, "InternalServerError")),
    failing_dynamodb("throttled", *aws_error(400, "ProvisionedThroughputExceededException")),
    failing_dynamodb("access denied", *aws_error(400, "AccessDeniedException")),
    failing_dynamodb("no table", *aws_error(400, "ResourceNotFoundException")),
    failing_dynamodb("not JSON", sends(http(200, b"<html>"))),
    failing_dynamodb("null instead of items", aws_json({"Responses": None, "Attributes": None})),
    failing_dynamodb(
        "a text instead of items", aws_json({"Responses": {TABLE: "x"}, "Attributes": "x"})
    ),
    invalid_item("a malformed bucket", ratings={"N": "1"}),
    invalid_item("a bucket of other JSON types", ratings={"M": None}, schema_version="x"),
    invalid_item("a malformed rating", ratings={"M": {SONG.id: {"L": [{"N": "1"}]}}}),
    invalid_item("a bucket of another user token", token_hash={"S": "0" * 64}),
    invalid_item("a bucket of another type", bucket={"S": "songs#b"}),
    unusable("a future-dated rating", lambda: [item(-30)]),
    invalid_item("a bucket of another schema", schema_version={"N": "99"}),
    invalid_item("a bucket without a TTL", expires_at=None),
    invalid_family("a malformed family", generation={"S": "seven"}),
    invalid_family("a family of another user token", token_hash={"S": "0" * 64}),
    invalid_family("a family of another schema", schema_version={"N": "1"}),
    invalid_family("a future-dated family", unknown_until={"N": "2000000000"}),
    unusable(
        "a bucket left unprocessed", dynamodb=(UNREAD,), invalid=0, reads=2, expected=NOT_STORED
    ),
    unusable(
        "a family left unprocessed",
        dynamodb=(returns(FRESH_AGE, unprocessed=FAMILY_KEY),),
        invalid=0,
        reads=2,
        expected=NOT_STORED,
    ),
    (
        Cell(
            fault="DynamoDB: a bucket left unprocessed once",
            case="a read",
            expected=HIT,
            aws_calls=(2, 0),
            metrics={},
            dynamodb=(UNREAD, returns(FRESH_AGE)),
        ),
        Cell(
            fault="DynamoDB: a bucket not stored",
            case="a read",
            expected=NOT_STORED,
            aws_calls=(2, 1),
            metrics={Metric.CACHE_STORE_FAILED: 1},
            dynamodb=(returns(), *aws_error(400, "ProvisionedThroughputExceededException")),
        ),
    ),
    failing_secret("refused", ()),
    slow_secret("silent", stays_silent),
    slow_secret("a header a byte at a time", drips(OK + b"X: ", b"x", 0.15)),
    failing_secret("500", aws_error(500, "InternalServiceError")),
    failing_secret("access denied", aws_error(400, "AccessDeniedException")),
    failing_secret("not a JWT", secret("no developer token yet: put one here")),
    failing_secret("expired", secret(developer_jwt(expires_at=1_000_000_000))),
    failing_secret("empty", secret("")),
    failing_secret("null", secret(None)),
    failing_secret("a number", secret(7)),
    failing_secret(
        "a JWT of nested JSON", secret(f"{b64encode(b'[' * 30_000).decode().rstrip('=')}.e30.x")
    ),
    secret_in_memory(),
    little_time(),
)
DEPENDENCIES: Final = tuple(cell for cells in ROWS for cell in cells)
