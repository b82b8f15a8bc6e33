"""Models of Apple Music, DynamoDB and Secrets Manager, which respond after a simulated time."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import inf
from random import Random
from typing import Any, Final, NamedTuple

from bench.fleet.events import EventLoop
from functions.ratings.models import RatingKey, rating_of
from functions.ratings.settings import SORT_KEY
from functions.shared.aws.json_client import AwsError
from functions.shared.deadline import Deadline
from functions.shared.http.messages import ExchangeTimeoutError, Request, Response

RESPONSE_SECONDS: Final = (0.02, 0.08)  # the range of Apple's response times
DYNAMODB_SECONDS: Final = 0.004
DYNAMODB_LIMIT_SECONDS: Final = 0.3
SECRET_SECONDS: Final = 0.03
SECRET_LIMIT_SECONDS: Final = 1.0


class Called(NamedTuple):
    """One call to a service by an environment; times are on the monotonic clock.

    `status` is None if the service did not respond in time.
    """

    at: float
    environment: int
    seconds: float
    status: int | None


def developer_token(name: str) -> str:
    """A JWT that does not expire during a simulation; nothing checks its signature."""
    parts: tuple[Mapping[str, object], ...] = (
        {"alg": "HS256"},
        {"iss": name, "exp": 2_000_000_000},
    )
    encoded = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join((*encoded, "AAAA"))


@dataclass(eq=False, kw_only=True)
class AppleMusic:
    """Rates every item with 1, unless a fault is set.

    `seconds` is the range of the response time. Calls above `quota` per second get a 429; a burst
    may use up to one second's quota.
    """

    clock: EventLoop
    random: Random
    seconds: tuple[float, float] = RESPONSE_SECONDS
    is_silent: bool = False
    quota: float = inf
    broken_id: str | None = None
    revoked: str | None = None
    calls: list[Called] = field(default_factory=list)
    _allowance: float = 0.0
    _allowed_at: float = 0.0

    def send(self, environment: int, request: Request, deadline: Deadline) -> Response:
        """Respond like `Transport.send`."""
        started, remaining = self.clock.monotonic(), deadline.remaining()
        status = self._status(request, started)
        seconds = inf if self.is_silent else self.random.uniform(*self.seconds)
        is_late = seconds > remaining
        self.clock.sleep(min(seconds, remaining))
        took = self.clock.monotonic() - started
        self.calls.append(Called(started, environment, took, None if is_late else status))
        if is_late:
            raise ExchangeTimeoutError("no response in time")
        return Response(
            status=status,
            content_type="application/json",
            retry_after=None,
            body=_body(request) if status == HTTPStatus.OK else b"",
        )

    def _status(self, request: Request, now: float) -> int:
        if not self._is_within_quota(now):
            return HTTPStatus.TOO_MANY_REQUESTS
        if self.revoked is not None and request.headers["Authorization"].endswith(self.revoked):
            return HTTPStatus.UNAUTHORIZED
        if request.target.endswith(f"/{self.broken_id}"):
            return HTTPStatus.INTERNAL_SERVER_ERROR
        return HTTPStatus.OK if request.method == "GET" else HTTPStatus.NO_CONTENT

    def _is_within_quota(self, now: float) -> bool:
        if self.quota == inf:
            return True
        earned = (now - self._allowed_at) * self.quota
        self._allowance, self._allowed_at = min(self.quota, self._allowance + earned), now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


def _body(request: Request) -> bytes:
    *_, type_name, item_id = request.target.split("/")
    resource = rating_of(RatingKey(type=type_name, id=item_id), 1).resource
    return f'{{"data":[{resource}]}}'.encode()


@dataclass(eq=False, kw_only=True)
class SecretsManager:
    """Returns `text` as the value of its only secret."""

    clock: EventLoop
    text: str
    is_silent: bool = False
    calls: list[Called] = field(default_factory=list)

    def call(
        self, environment: int, _operation: str, _request: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Respond like `JsonClient.call`."""
        started = self.clock.monotonic()
        seconds = SECRET_LIMIT_SECONDS if self.is_silent else SECRET_SECONDS
        status = None if self.is_silent else HTTPStatus.OK
        self.calls.append(Called(started, environment, seconds, status))
        self.clock.sleep(seconds)
        if status is None:
            raise AwsError("ExchangeTimeoutError")
        return {"SecretString": self.text}


@dataclass(eq=False, kw_only=True)
class DynamoDB:
    """One table. Every condition is true, because each write in a simulation has its own user."""

    clock: EventLoop
    is_silent: bool = False
    reads: list[Called] = field(default_factory=list)
    items: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def call(self, environment: int, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Respond like `JsonClient.call`."""
        seconds = DYNAMODB_LIMIT_SECONDS if self.is_silent else DYNAMODB_SECONDS
        status = None if self.is_silent else HTTPStatus.OK
        if operation == "BatchGetItem":
            self.reads.append(Called(self.clock.monotonic(), environment, seconds, status))
        self.clock.sleep(seconds)
        if status is None:
            raise AwsError("ExchangeTimeoutError")
        match operation:
            case "BatchGetItem":
                return self._batch_get(request["RequestItems"])
            case "PutItem":
                self.put(request["Item"])
                return {}
            case "UpdateItem":
                return self._update(request)
        raise NotImplementedError(operation)

    def put(self, item: Mapping[str, Any]) -> None:
        """Store an item."""
        self.items[_place(item)] = item

    def _batch_get(self, tables: Mapping[str, Any]) -> dict[str, Any]:
        ((table, request),) = tables.items()
        places = (_place(key) for key in request["Keys"])
        found = [self.items[place] for place in places if place in self.items]
        return {"Responses": {table: found}}

    def _update(self, request: Mapping[str, Any]) -> dict[str, Any]:
        before = self.items.get(_place(request["Key"]), {})
        values = {name[1:]: each for name, each in request["ExpressionAttributeValues"].items()}
        first, one, _ = values.pop("first"), values.pop("one"), values.pop("own", None)
        number = int(before.get("generation", first)["N"]) + int(one["N"])
        after = {**request["Key"], **before, **values, "generation": {"N": str(number)}}
        removed = request["UpdateExpression"].partition(" REMOVE ")[2]
        item = {name: each for name, each in after.items() if name not in removed.split(", ")}
        self.put(item)
        return {"Attributes": item}


def _place(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item[SORT_KEY]["S"]
