"""Apple Music in memory: ratings per user token, unless a test scripts the responses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from functions.ratings import errors
from functions.ratings.models import RatingValue
from functions.shared.deadline import Deadline
from functions.shared.http import messages
from functions.shared.http.messages import Request, Response, TransportError
from tests.fakes.clock import FakeClock

LIBRARY_IDS: Final = {"907242702": "i.a"}
"""The id of the same song in the user's library, by its id in the catalog."""

Value = RatingValue | None
"""None means that the item is not rated."""


def rating(item_id: str, value: object = 1, **more: object) -> dict[str, Any]:
    """A Ratings resource as Apple writes it."""
    return {
        "id": item_id,
        "type": "ratings",
        "href": f"/v1/me/ratings/library-songs/{item_id}",
        "attributes": {"value": value},
        **more,
    }


def ok(*resources: Mapping[str, Any]) -> Response:
    return response(200, json.dumps({"data": list(resources)}))


def response(
    status: int,
    body: str | bytes | None = b"",
    *,
    content_type: str = "application/json;charset=utf-8",
    retry_after: str | None = None,
    body_error: TransportError | None = None,
    resent: bool = False,
) -> Response:
    """Return a response; a body of None means that reading it failed with `body_error`."""
    return Response(
        status=status,
        content_type=content_type,
        retry_after=retry_after,
        body=body.encode() if isinstance(body, str) else body,
        body_error=body_error,
        resent=resent,
    )


_RESPONSES: Final[Mapping[type[errors.RatingsError], Response | TransportError]] = {
    errors.AppleUnreachableError: messages.ConnectError("no connection"),
    errors.AppleTlsError: messages.TlsError("no certificate"),
    errors.AppleTimeoutError: messages.ExchangeTimeoutError("late"),
    errors.InvalidAppleResponseError: messages.InvalidResponseError("ambiguous"),
    errors.AppleUnavailableError: response(503, retry_after="5"),
    errors.AppleRateLimitedError: response(429, retry_after="5"),
    errors.NotSignedInError: response(401),
    errors.DeveloperTokenRejectedError: response(401),
    errors.UserTokenRejectedError: response(403),
    errors.BadAppleRequestError: response(400),
    errors.UnexpectedRejectionError: response(410),
}
FAILURES: Final = [error for error in _RESPONSES if issubclass(error, errors.DependencyError)]
REJECTIONS: Final = [error for error in _RESPONSES if error not in FAILURES]


class FakeAppleMusic:
    """Records each request, and the `seconds` that remained of its deadline.

    A read returns the ratings of `lag` seconds ago. If `lost_seconds` is set, a write takes effect
    after this time, and its response is lost. Each response takes `takes` seconds of the clock.
    """

    def __init__(self, *, lag: float = 0.0) -> None:
        self.clock = FakeClock()
        self.lag = lag
        self._scripts: dict[str | None, list[Response | TransportError]] = {}
        self._changes: dict[tuple[str, str], list[tuple[float, Value]]] = {}
        self.takes = 0.0
        self.lost_seconds: float | None = None
        self.requests: list[Request] = []
        self.seconds: list[float] = []

    @property
    def paths(self) -> list[str]:
        """The path of each request, without its query."""
        return [urlsplit(request.target).path for request in self.requests]

    def respond_with(self, *script: Response | TransportError, path: str | None = None) -> None:
        """Respond to `path`, by default to every path that has no other script.

        The responses are used in order; the last one repeats. An empty script restores
        responses from the ratings.
        """
        self._scripts[path] = list(script)

    def fail_with(self, error: type[errors.RatingsError] | None) -> None:
        """Respond so that the function raises `error`; with None, return the ratings."""
        self.respond_with(*([_RESPONSES[error]] if error else []))
        probed = 401 if error is errors.DeveloperTokenRejectedError else 200
        self.respond_with(response(probed), path="/v1/test")

    def rate(self, token: str, item_id: str, value: Value, *, delay: float = 0.0) -> None:
        """Rate an item; the rating changes after `delay` seconds."""
        changes = self._changes.setdefault(self._key(token, item_id), [])
        changes.append((self.clock.time() + delay, value))
        changes.sort(key=itemgetter(0))  # changes at the same time keep their order

    def values(self, token: str, item_id: str, since: float) -> list[Value]:
        """Return all values that the rating of an item had from `since` until now."""
        now, changes = self.clock.time(), self._changes.get(self._key(token, item_id), [])
        before = [value for time, value in changes if time <= since]
        return [
            before[-1] if before else None,
            *(value for time, value in changes if since < time <= now),
        ]

    def value(self, token: str, item_id: str) -> Value:
        """The rating that a read returns now."""
        return self.values(token, item_id, self.clock.time() - self.lag)[0]

    def send(self, request: Request, deadline: Deadline) -> Response:
        self.requests.append(request)
        self.seconds.append(deadline.remaining())
        self.clock.advance(self.takes)
        target = urlsplit(request.target)
        script = self._scripts.get(target.path) or self._scripts.get(None)
        if not script:
            return self._respond(request, target.path, parse_qs(target.query))
        scripted = script[0] if len(script) == 1 else script.pop(0)
        if isinstance(scripted, TransportError):
            raise scripted
        return scripted

    def _respond(self, request: Request, path: str, query: Mapping[str, list[str]]) -> Response:
        if path == "/v1/test":
            return response(200)
        token, (type_name, *item) = request.headers["Music-User-Token"], path.split("/")[4:]
        if request.method == "GET":
            ids = item or query["ids"][0].split(",")
            values = {item_id: self.value(token, item_id) for item_id in ids}
            resources = [
                rating(item_id, value, href=f"/v1/me/ratings/{type_name}/{item_id}")
                for item_id, value in values.items()
                if value is not None
            ]
            return ok(*resources) if resources or not item else response(404)
        written = json.loads(request.body)["attributes"]["value"] if request.body else None
        self.rate(token, item[0], written, delay=self.lost_seconds or 0.0)
        if self.lost_seconds is not None:
            raise messages.ExchangeTimeoutError("lost")
        return response(204) if written is None else ok(rating(item[0], written))

    def _key(self, token: str, item_id: str) -> tuple[str, str]:
        return token, LIBRARY_IDS.get(item_id, item_id)
