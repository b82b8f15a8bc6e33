"""The results of a request to the function: its response, and the calls to DynamoDB and Apple."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from functions.shared.aws.json_client import AwsCall, AwsError
from tests.contracts.differential.apple import Attempt, Fault, Name
from tests.fakes.clock import FakeClock


class Call(NamedTuple):
    """One call to DynamoDB; `fault` is empty for a call without a fault."""

    operation: str
    fault: str
    applied: bool
    ended: float

    @property
    def failed(self) -> bool:
        return self.fault in ("refused", "lost")


class FaultyDynamoDB:
    """DynamoDB with faults: it refuses a call, receives a call twice, or loses its response."""

    def __init__(self, call: AwsCall, clock: FakeClock) -> None:
        self._call = call
        self._clock = clock
        self.plan: list[str] = []
        self.calls: list[Call] = []

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        fault = self.plan.pop(0) if self.plan else ""
        applied = False
        try:
            if fault == "refused":
                raise AwsError("Refused")
            result = self._call(operation, request)
            applied = True
            if fault == "twice":
                result = self._call(operation, request)
            if fault == "lost":
                raise AwsError("Lost")
        finally:
            self._clock.advance(0.3 if fault in ("refused", "lost") else 0.0)
            self.calls.append(Call(operation, fault, applied, self._clock.time()))
        return result


class Response:
    """A response to a client; `values` has the ids and values of its body, in order."""

    def __init__(self, proxy: Mapping[str, Any]) -> None:
        self.status: int = proxy["statusCode"]
        self.headers: Mapping[str, str] = proxy["headers"]
        document = json.loads(proxy["body"] or "{}")
        self.code = document["errors"][0]["code"] if "errors" in document else ""
        resources = document.get("data", [])
        self.values = {each["id"]: each["attributes"]["value"] for each in resources}
        _, *status = self.headers.get("Cache-Status", "").split("; ")
        self.cache = dict(part.partition("=")[::2] for part in status)

    @property
    def is_refusal(self) -> bool:
        """Whether the status may mean that Apple was not called."""
        return self.status in (429, 503)

    @property
    def is_stale(self) -> bool:
        return self.cache.get("detail") == "stale-if-error"

    @property
    def kind(self) -> str:
        """The status, and Cache-Status without `ttl`."""
        parts = (f"{key}={value}" * (key != "ttl") for key, value in self.cache.items())
        return " ".join((str(self.status), *(part.strip("=") for part in parts if part)))

    def __str__(self) -> str:
        age = self.headers.get("Age", "-")
        return f"{self.status} {self.code} {self.values} {self.cache} age {age}"


class Exchange(NamedTuple):
    """A request with one token to one environment, its response, and its calls.

    `value` is the written value, or None for a read. A read is `extended` if its query has
    `include`. Times are in epoch seconds.
    """

    token: str
    environment: int
    names: Sequence[Name]
    is_list: bool
    extended: bool
    value: int | None
    sent_at: float
    ended_at: float
    response: Response
    attempts: Sequence[Attempt]
    calls: Sequence[Call]

    @property
    def fault(self) -> Fault | None:
        """The fault of the last attempt; None if it had no fault or there was no attempt."""
        return self.attempts[-1].fault if self.attempts else None

    @property
    def forwarded(self) -> Sequence[Name]:
        """The names that were requested from Apple."""
        return self.attempts[0].names if self.attempts else ()

    @property
    def answered_at(self) -> float:
        """When Apple's last response came, or when the request was sent."""
        return self.attempts[-1].ended if self.attempts else self.sent_at

    @property
    def dynamodb_failed(self) -> bool:
        return any(call.failed for call in self.calls)

    @property
    def cache_was_read(self) -> bool:
        return any(call.operation == "BatchGetItem" and not call.failed for call in self.calls)

    def __str__(self) -> str:
        kind = "list" * self.is_list + " extended" * self.extended
        request = kind if self.value is None else f"write {self.value}"
        ids = ",".join(name.id for name in self.names)
        attempts = "; ".join(str(each) for each in self.attempts)
        calls = " ".join(f"{each.operation} {each.fault}" for each in self.calls)
        return (
            f"{self.sent_at - FakeClock().time():.3f} [{self.environment}] "
            f"{self.names[0].type} {ids} {request}\n    {self.response}\n"
            f"    Apple: {attempts}\n    DynamoDB: {calls}"
        )
