"""The parts of the tables: cells, states of the cache, and peers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from functions.ratings.apple.documents import rating_of
from functions.ratings.cache.items import rating_item
from functions.ratings.cache.policy import CachedRating
from functions.ratings.metrics import Metric
from tests.fakes.lambda_function import APPLE, PLENTY_SECONDS, SECRET, Answers, Wire
from tests.fakes.origin import http
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


def document(*resources: object, **members: object) -> bytes:
    return json.dumps({"data": resources, **members}).encode()


def errors(code: str) -> bytes:
    return json.dumps({"errors": [{"code": code}]}).encode()


def html(status: int) -> bytes:
    return http(status, b"<html></html>", "Content-Type: text/html")


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The response, and how often Apple was called.

    After a write, the written value `is_kept` in the cache, or the outcome is unknown, or neither.
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
    """One request while one peer fails.

    `dynamodb` replaces a working DynamoDB that holds `items`. `aws_calls` are those of DynamoDB and
    of Secrets Manager, `metrics` the failures in the line of the request; None is not compared.
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
    """The item of ADA's like of SONG; a change to None removes the attribute."""
    requested_at = time.time() - age
    cached = CachedRating(rating=rating_of(SONG, 1), requested_at=requested_at, generation=None)
    expires_at = POLICY.expires_at(requested_at)
    attributes = {**rating_item(ADA.hash, SONG, cached, expires_at=expires_at), **changes}
    return {name: value for name, value in attributes.items() if value is not None}


def holding(state: str) -> Callable[[], Sequence[Item]]:
    """The table in that state."""
    return lambda: [item(AGES[state])] if state in AGES else []
