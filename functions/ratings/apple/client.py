"""Calls Apple's ratings API with the developer and the user token; reads the responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from math import ceil
from typing import Final
from urllib.parse import quote, urlencode

from functions.ratings import errors
from functions.ratings.apple.developer_token import DeveloperToken, DeveloperTokenSource
from functions.ratings.apple.documents import confirms, contains_any, rating_request, read_ratings
from functions.ratings.apple.resilient_client import (
    NEW_CONNECTION,
    Attempted,
    Call,
    ResilientClient,
)
from functions.ratings.apple.statuses import error_of, is_absent, is_forbidden
from functions.ratings.metrics import Observer
from functions.ratings.models import (
    NOT_RATED,
    MusicUserToken,
    Rating,
    RatingKey,
    ReadRequest,
    WriteRequest,
    WriteResult,
)
from functions.shared.deadline import Clock, Deadline
from functions.shared.http.messages import (
    ExchangeTimeoutError,
    InvalidResponseError,
    Request,
    Response,
)

MAX_BODY_BYTES: Final = 262_144  # 100 ratings take about 12 kB
EXTENDED_BODY_BYTES: Final = 1_572_864  # 100 ratings with `include` take about 11 kB each

# A connection may die while Lambda is frozen. Writes have the lower limit, because a write on a
# dead connection has an unknown outcome.
READ_IDLE_SECONDS: Final = 20.0
WRITE_IDLE_SECONDS: Final = 1.0

ACCEPTED_SECONDS: Final = 60  # how long a 200 from `/v1/test` is valid

_CONFIRMING_STATUSES: Final = (200, 201, 202, 204)  # for a PUT: other 2xx do not prove the value


@dataclass(eq=False, repr=False)
class AppleClient:
    """Reads and writes a user's ratings at Apple with the developer token.

    Every method raises an `AppleRejectedError` if Apple rejects the request, and a
    `DependencyError` if Apple returns no valid response.
    """

    client: ResilientClient
    developer_tokens: DeveloperTokenSource
    clock: Clock
    observer: Observer
    _accepted: DeveloperToken | None = field(default=None, init=False)
    _accepted_until: float = field(default=0.0, init=False)

    def check_available(self, deadline: Deadline) -> None:
        """Raise an `AppleNotCalledError` if a write would not be sent now."""
        with self._counted():
            call = self.client.prepare(deadline, is_write=True)
            self.developer_tokens.current(call.deadline)
            call.check_time()

    def read(
        self, request: ReadRequest, deadline: Deadline, *, has_stale: bool
    ) -> Mapping[RatingKey, Rating]:
        """Return the rating of each key, except keys that an incomplete list omits."""
        keys, options = request.keys, request.options
        path = f"/v1/me/ratings/{keys[0].type}" if request.is_list else _item_path(keys[0])
        query = {"ids": ",".join(key.id for key in keys)} if request.is_list else {}
        limit = MAX_BODY_BYTES if options.bare else EXTENDED_BODY_BYTES
        http_request = _request(
            "GET", path, {**query, **options.query()}, request.token, max_body_bytes=limit
        )
        with self._counted():
            call = self.client.prepare(deadline, keys=frozenset(keys), has_stale=has_stale)
            response = self._send(http_request, request.token, call).response
            if is_absent(response):
                return dict.fromkeys(keys, NOT_RATED)
            if response.status != HTTPStatus.OK:
                raise self._error_of(response)
            if response.body is None:
                is_slow = isinstance(response.body_error, ExchangeTimeoutError)
                error = errors.AppleTimeoutError if is_slow else errors.InvalidAppleResponseError
                raise error(f"unreadable body: {response.body_error}")
            ratings = read_ratings(response.body, response.content_type, keys, bare=options.bare)
            if not request.is_list and keys[0] not in ratings:
                raise errors.InvalidAppleResponseError("`errors` or `next` instead of the rating")
            return ratings

    def write(self, request: WriteRequest, deadline: Deadline) -> WriteResult:
        """Write a rating. A DELETE succeeds with a 404 that proves "not rated"."""
        key, value = request.key, request.value
        http_request = _request(
            "DELETE" if value is None else "PUT",
            _item_path(key),
            {} if request.language is None else {"l": request.language},
            request.token,
            body=None if value is None else rating_request(value),
        )
        with self._counted():
            call = self.client.prepare(deadline, keys=frozenset((key,)), is_write=True)
            attempted = self._send(http_request, request.token, call)
            response, unknown = attempted.response, attempted.outcome_unknown
            if value is None:
                is_confirmed = response.status == HTTPStatus.NO_CONTENT or is_absent(response)
            else:
                is_confirmed = response.status in _CONFIRMING_STATUSES and confirms(
                    response.body, response.content_type, key, value
                )
            is_success = HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES
            if is_confirmed or (is_success and not unknown):
                return WriteResult(is_confirmed=is_confirmed, outcome_unknown=unknown)
            error = self._error_of(response)
            if is_success:
                error = errors.InvalidAppleResponseError("not confirmed after an unknown outcome")
            error.outcome_unknown = unknown
            raise error

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Count a failure even if a stale copy will hide it."""
        try:
            yield
        except errors.RatingsError as error:
            if error.metric is not None:
                self.observer.count(error.metric, reason=str(error))
            raise

    def _error_of(self, response: Response) -> errors.RatingsError:
        """Return the error for a response; `availability` can increase its `retry_after`."""
        error = error_of(response, self.clock.time())
        if error.retry_after is not None:
            wait = self.client.availability.retry_after(has_stale=False)
            error.retry_after = max(error.retry_after, ceil(wait))
        return error

    def _send(self, request: Request, token: MusicUserToken, call: Call) -> Attempted:
        developer_token = self.developer_tokens.current(call.deadline)
        attempted = self.client.send(_authorized(request, developer_token), call)
        if attempted.response.status != HTTPStatus.UNAUTHORIZED:
            return _without_tokens(attempted, developer_token, token)
        try:
            again = self._after_unauthorized(request, developer_token, token, call)
        except errors.RatingsError as error:
            error.outcome_unknown |= attempted.outcome_unknown
            raise
        unknown = attempted.outcome_unknown or again.outcome_unknown
        return again._replace(outcome_unknown=unknown)

    def _after_unauthorized(
        self, request: Request, rejected: DeveloperToken, token: MusicUserToken, call: Call
    ) -> Attempted:
        """Find the rejected token: try a newer developer token, then a probe without user token."""
        tokens = self.developer_tokens
        try:
            developer_token = tokens.reread(call.deadline)
        except errors.DeveloperTokenUnavailableError as error:
            raise errors.DeveloperTokenRejectedError(
                "401, and no valid token is available", retry_after=error.retry_after
            ) from None
        if developer_token != rejected:
            again = replace(request, max_idle_seconds=NEW_CONNECTION)
            attempted = self.client.send_once(_authorized(again, developer_token), call)
            if attempted.response.status != HTTPStatus.UNAUTHORIZED:
                return _without_tokens(attempted, developer_token, token)
        try:
            is_accepted = self._is_accepted(developer_token, call)
        except errors.DependencyError:
            raise errors.DeveloperTokenRejectedError("401, and the probe failed") from None
        if is_accepted:
            raise errors.NotSignedInError("401 with an accepted developer token")
        tokens.reject(developer_token)
        raise errors.DeveloperTokenRejectedError(
            "401, and the probe was rejected", retry_after=tokens.retry_after()
        )

    def _is_accepted(self, developer_token: DeveloperToken, call: Call) -> bool:
        now = self.clock.monotonic()
        if developer_token == self._accepted and now < self._accepted_until:
            return True
        probe = _authorized(_request("GET", "/v1/test", {}, None), developer_token)
        response = self.client.send_once(probe, call).response
        if response.status == HTTPStatus.OK:
            self._accepted, self._accepted_until = developer_token, now + ACCEPTED_SECONDS
            return True
        if response.status == HTTPStatus.UNAUTHORIZED or is_forbidden(response):
            return False
        raise errors.InvalidAppleResponseError(f"{response.status} to the probe")


def _item_path(key: RatingKey) -> str:
    return f"/v1/me/ratings/{key.type}/{key.id}"


def _request(
    method: str,
    path: str,
    query: Mapping[str, str],
    token: MusicUserToken | None,
    *,
    body: bytes | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> Request:
    headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if token is not None:
        headers["Music-User-Token"] = token.value
    return Request(
        method=method,
        target=quote(path, safe="/.-") + ("?" + urlencode(query, safe=",") if query else ""),
        headers=headers,
        body=body,
        max_body_bytes=max_body_bytes,
        max_idle_seconds=READ_IDLE_SECONDS if method == "GET" else WRITE_IDLE_SECONDS,
    )


def _authorized(request: Request, developer_token: DeveloperToken) -> Request:
    headers = {"Authorization": f"Bearer {developer_token.jwt}", **request.headers}
    return replace(request, headers=headers)


def _without_tokens(
    attempted: Attempted, developer_token: DeveloperToken, token: MusicUserToken
) -> Attempted:
    """Treat a body that contains the developer token or the user token as unreadable."""
    response = attempted.response
    if response.body is None or not contains_any(response.body, (developer_token.jwt, token.value)):
        return attempted
    error = InvalidResponseError("it contains a token")
    return attempted._replace(response=replace(response, body=None, body_error=error))
