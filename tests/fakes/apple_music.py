"""Apple Music as one exchange after another, each answered as the test has laid it out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from functions.ratings.apple_music import AppleRequest, AppleResponse
from functions.ratings.deadline import Deadline
from functions.ratings.errors import DependencyError
from tests.fakes.clock import FakeClock


def rating(item_id: str, value: object = 1, **more: object) -> dict[str, Any]:
    """A Ratings resource as Apple writes it."""
    return {
        "id": item_id,
        "type": "ratings",
        "href": f"/v1/me/ratings/library-songs/{item_id}",
        "attributes": {"value": value},
        **more,
    }


def ok(*resources: Mapping[str, Any]) -> AppleResponse:
    return answer(200, json.dumps({"data": list(resources)}))


def answer(
    status: int,
    body: str | bytes | None = b"",
    *,
    content_type: str = "application/json;charset=utf-8",
    retry_after: str | None = None,
    body_error: DependencyError | None = None,
) -> AppleResponse:
    """A response; one whose body is None is unreadable, for the reason `body_error`."""
    return AppleResponse(
        status=status,
        body=body.encode() if isinstance(body, str) else body,
        content_type=content_type,
        retry_after=retry_after,
        body_error=body_error,
    )


class FakeExchange:
    """Gives the answers in turn, the last one for ever, and keeps what was sent.

    With a `clock`, each answer takes `takes` seconds of it.
    """

    def __init__(
        self,
        *answers: AppleResponse | DependencyError,
        clock: FakeClock | None = None,
        takes: float = 0.0,
    ) -> None:
        self.answers = list(answers)
        self._clock = clock
        self._takes = takes
        self.requests: list[AppleRequest] = []
        self.headers: list[Mapping[str, str]] = []
        self.seconds: list[float] = []

    def send(
        self, request: AppleRequest, deadline: Deadline, *, headers: Mapping[str, str]
    ) -> AppleResponse:
        self.requests.append(request)
        self.headers.append(headers)
        self.seconds.append(deadline.remaining())
        if self._clock is not None:
            self._clock.advance(self._takes)
        next_answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(next_answer, DependencyError):
            raise next_answer
        return next_answer
