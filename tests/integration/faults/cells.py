"""The parts of the tables: cells, states of the cache, and responses of Apple and AWS."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

from functions.ratings.cache.items import bucket_item, bucket_sort_key
from functions.ratings.cache.policy import StoredRating
from functions.ratings.metrics import Metric
from tests.fakes.apple_music import rating
from tests.fakes.lambda_function import APPLE, PLENTY, PLENTY_SECONDS, SECRET, Answers, Wire
from tests.fakes.origin import Answering, http, sends
from tests.fakes.ratings_function import ADA, POLICY, SONG

STATES: Final[tuple[str, ...]] = ("nothing cached", "fresh", "stale", "past the limit")
FRESH_AGE, STALE_AGE, PAST_AGE = 10, 90, 3_700
AGES: Final[Mapping[str, int]] = {
    "fresh": FRESH_AGE,
    "stale": STALE_AGE,
    "past the limit": PAST_AGE,
}

Item = dict[str, Any]
OK: Final = b"HTTP/1.1 200 OK\r\n"
REREAD: Final = range(5, 11)  # seconds until the secret is read again


def document(*resources: object, **members: object) -> bytes:
    return json.dumps({"data": resources, **members}).encode()


def errors(code: str) -> bytes:
    return json.dumps({"errors": [{"code": code}]}).encode()


def html(status: int) -> bytes:
    return http(status, b"<html></html>", "Content-Type: text/html")


def repeating(token: str) -> dict[str, bytes]:
    """Return a rating that contains a token: as plain text, and with each character escaped."""
    escaped = "".join(f"\\u{ord(character):04x}" for character in token)
    template = document(rating("i.a", x="TOKEN"))
    return {
        "plain": template.replace(b"TOKEN", token.encode()),
        "escaped": template.replace(b"TOKEN", escaped.encode()),
    }


def zipped(body: bytes) -> Answering:
    return sends(http(200, gzip.compress(body, mtime=0), "Content-Encoding: gzip"))


def throttles(status: int, retry_after: Callable[[], str] | None) -> Answering:
    def answer(connection: socket.socket, _: bytes) -> None:
        headers = () if retry_after is None else (f"Retry-After: {retry_after()}",)
        connection.sendall(http(status, b'{"message":"API capacity exceeded"}', *headers))

    return answer


def date(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The expected response, and the expected number of calls to Apple.

    If a write `is_kept`, the cache has the written value, and `outcome_unknown` is false.
    """

    status: int
    code: str | None = None
    cache: str = ""
    age: int | None = None
    retry_after: range | None = None
    calls: int = 1
    is_kept: bool = False
    outcome_unknown: bool = False


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One request while Apple or an AWS service fails.

    `items` are in DynamoDB, unless `dynamodb` replaces it. `aws_calls` counts the calls to DynamoDB
    and to Secrets Manager, if not None. `metrics` counts the failures in the log line; if None,
    only failures of the cache must be absent.
    """

    fault: str
    case: str
    expected: Expected
    method: str = "GET"
    apple: Answers = APPLE
    wire: Wire = "http"
    items: Callable[[], Sequence[Item]] = tuple
    dynamodb: Answers | None = None
    secrets: Answers = SECRET
    cache_seconds: float = PLENTY_SECONDS
    secret_seconds: float = PLENTY_SECONDS
    apple_seconds: tuple[float, float] = PLENTY
    seconds: float = PLENTY_SECONDS
    is_warm: bool = False
    aws_calls: tuple[int, int] | None = None
    metrics: Mapping[Metric, int] | None = None

    def __str__(self) -> str:
        return f"{self.fault}, {self.case}"


Row = tuple[Cell, ...]
HIT: Final = Expected(status=200, cache="hit; ttl=50", age=FRESH_AGE, calls=0)
STALE: Final = Expected(
    status=200, cache="fwd=stale; ttl=-30; detail=stale-if-error", age=STALE_AGE
)


def item(age: float, **changes: object) -> Item:
    """Return the bucket item with ADA's like of SONG; a change to None removes an attribute."""
    requested_at = time.time() - age
    bucket = bucket_item(
        ADA.hash,
        bucket_sort_key(SONG),
        {SONG.id: StoredRating(1, requested_at)},
        generation=None,
        expires_at=POLICY.expires_at(requested_at),
    )
    return {name: value for name, value in {**bucket, **changes}.items() if value is not None}


def holding(state: str) -> Callable[[], Sequence[Item]]:
    """Return a function that makes the items of the table in this state."""
    return lambda: [item(AGES[state])] if state in AGES else []
