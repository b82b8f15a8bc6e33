"""Asks Apple Music for ratings with our developer token, and reads its answers' meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, Protocol

from functions.ratings.apple_music import MAX_BODY_BYTES, AppleRequest, AppleResponse
from functions.ratings.deadline import Clock, Deadline
from functions.ratings.developer_token import DeveloperToken
from functions.ratings.errors import (
    AppleAnswerUnusableError,
    AppleThrottlesError,
    AppleTooSlowError,
    AppleUnavailableError,
    AppleUnreachableError,
    DependencyError,
    DeveloperTokenMissingError,
    DeveloperTokenRefusedError,
    ItemNotFoundError,
    NotSignedInError,
    RatingsError,
    RequestRefusedError,
    RequestRejectedError,
    UserTokenRefusedError,
)
from functions.ratings.models import (
    NOT_RATED,
    MusicUserToken,
    QueryOptions,
    Rating,
    RatingKey,
    RatingValue,
    Written,
)
from functions.ratings.ratings_document import (
    is_clear_answer,
    is_page,
    proves_absence,
    rating_request,
    read_error_code,
    read_ratings,
    repeats,
    write_rating,
)
from functions.ratings.retrying import Exchanged, RetryingExchange

EXTENDED_BODY_BYTES: Final = 1_572_864
"""Cap on a decoded body with `include` or `extend`: a hundred items take some 11 kB each."""

VERDICT_SECONDS: Final = 60
"""How long it is remembered whether Apple accepts the developer token."""

DEFAULT_RETRY_AFTER: Final = 5
LEAST_RETRY_AFTER: Final = 1
MOST_RETRY_AFTER: Final = 60

_FAILURES: Final[Mapping[int, type[DependencyError]]] = {
    HTTPStatus.TOO_MANY_REQUESTS: AppleThrottlesError,
    HTTPStatus.INTERNAL_SERVER_ERROR: AppleUnreachableError,
    HTTPStatus.BAD_GATEWAY: AppleUnreachableError,
    HTTPStatus.SERVICE_UNAVAILABLE: AppleUnavailableError,
    HTTPStatus.GATEWAY_TIMEOUT: AppleTooSlowError,
}
_REJECTIONS: Final = frozenset(range(400, 500)) - {
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.IM_A_TEAPOT,
    *_FAILURES,
}
"""Statuses that find fault with the request; 418 is registered as unused and means nothing."""

_CLEAR: Final = frozenset(
    {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT}
)
"""Statuses to a PUT that its body makes clear; any other 2xx is a success without an answer."""
_MAY_SAY_WHEN: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class DeveloperTokens(Protocol):
    """Where the developer token comes from."""

    def current(self, deadline: Deadline) -> DeveloperToken:
        """Give the token in use, or raise `DeveloperTokenMissingError`."""
        ...

    def reread(self, deadline: Deadline) -> DeveloperToken:
        """Look for a newer token, or raise `DeveloperTokenMissingError`."""
        ...


class Upstream:
    """The ratings of Apple Music, as our developer token lets a user see them."""

    def __init__(
        self, *, exchange: RetryingExchange, developer_tokens: DeveloperTokens, clock: Clock
    ) -> None:
        """Send by `exchange`, with the token of the moment out of `developer_tokens`."""
        self._exchange = exchange
        self._developer_tokens = developer_tokens
        self._clock = clock
        self._verdict: tuple[DeveloperToken, bool, float] | None = None

    def allow(self, deadline: Deadline) -> None:
        """Say beforehand whether a request would be sent.

        Raises:
            AppleNotAskedError: where Apple is down, or there is no time left.
        """
        self._exchange.allow(deadline)

    def get_one(
        self,
        token: MusicUserToken,
        key: RatingKey,
        options: QueryOptions,
        deadline: Deadline,
        *,
        stand_in: bool,
    ) -> Rating:
        """Ask for one rating. `stand_in` tells of a copy at hand.

        Raises:
            IdentityError: where Apple refuses.
            DependencyError: where there is no usable answer.
        """
        ratings = self._get(
            _item_path(key), {}, token, (key,), options, deadline, stand_in=stand_in
        )
        if key not in ratings:
            raise AppleAnswerUnusableError("`errors` or `next` in place of the rating")
        return ratings[key]

    def get_many(
        self,
        token: MusicUserToken,
        keys: Sequence[RatingKey],
        options: QueryOptions,
        deadline: Deadline,
        *,
        stand_in: bool,
    ) -> Mapping[RatingKey, Rating]:
        """Ask for the ratings of several keys of one type; a key without any proof is left out.

        Raises:
            IdentityError: where Apple refuses.
            DependencyError: where there is no usable answer.
        """
        ids = ",".join(key.id for key in keys)
        path = f"/v1/me/ratings/{keys[0].type}"
        return self._get(path, {"ids": ids}, token, keys, options, deadline, stand_in=stand_in)

    def put(
        self,
        token: MusicUserToken,
        key: RatingKey,
        value: RatingValue,
        options: QueryOptions,
        deadline: Deadline,
    ) -> Written:
        """Rate an item.

        Raises:
            IdentityError: where Apple refuses, and nothing was written.
            DependencyError: where the outcome is unknown.
        """
        request = AppleRequest(
            method="PUT", path=_item_path(key), query=options.query(), body=rating_request(value)
        )
        exchanged = self._send(request, token, deadline, stand_in=False)
        response = exchanged.response
        clear = response.status in _CLEAR and is_clear_answer(
            response.body, response.content_type, key, value
        )
        return self._written(exchanged, write_rating(key, value) if clear else None)

    def delete(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> Written:
        """Take a rating away; a 404 that proves that there was none is a success.

        Raises:
            IdentityError: where Apple refuses, and nothing was deleted.
            DependencyError: where the outcome is unknown.
        """
        request = AppleRequest(method="DELETE", path=_item_path(key), query=options.query())
        exchanged = self._send(request, token, deadline, stand_in=False)
        clear = exchanged.response.status == HTTPStatus.NO_CONTENT or _is_absent(exchanged.response)
        return self._written(exchanged, NOT_RATED if clear else None)

    def _written(self, exchanged: Exchanged, rating: Rating | None) -> Written:
        """Conclude a write; after an attempt of unknown outcome only a clear response will do."""
        status = exchanged.response.status
        succeeded = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        if rating is not None or (succeeded and not exchanged.lost):
            return Written(rating=rating, once=not exchanged.lost)
        error: RatingsError = AppleAnswerUnusableError("unclear after an unknown outcome")
        if not succeeded:
            error = self._error(exchanged.response)
        error.outcome_unknown = exchanged.lost
        raise error

    def _get(
        self,
        path: str,
        query: Mapping[str, str],
        token: MusicUserToken,
        keys: Sequence[RatingKey],
        options: QueryOptions,
        deadline: Deadline,
        *,
        stand_in: bool,
    ) -> Mapping[RatingKey, Rating]:
        request = AppleRequest(
            method="GET",
            path=path,
            query={**query, **options.query()},
            max_body_bytes=MAX_BODY_BYTES if options.bare else EXTENDED_BODY_BYTES,
        )
        response = self._send(request, token, deadline, stand_in=stand_in).response
        if _is_absent(response):
            return dict.fromkeys(keys, NOT_RATED)
        if response.status != HTTPStatus.OK:
            raise self._error(response)
        if response.body is None:
            raise response.body_error or AppleAnswerUnusableError("the body is unreadable")
        return read_ratings(response.body, response.content_type, keys, bare=options.bare)

    def _send(
        self, request: AppleRequest, token: MusicUserToken, deadline: Deadline, *, stand_in: bool
    ) -> Exchanged:
        self._exchange.allow(deadline)
        developer_token = self._developer_tokens.current(deadline)
        headers = _headers(request, developer_token, token)
        exchanged = self._exchange.send(request, deadline, headers=headers, stand_in=stand_in)
        if exchanged.response.status != HTTPStatus.UNAUTHORIZED:
            return _without_secrets(exchanged, developer_token, token)
        try:
            again = self._after_refusal(request, developer_token, token, deadline)
        except RatingsError as error:
            error.outcome_unknown |= exchanged.lost
            raise
        return replace(again, lost=exchanged.lost or again.lost)

    def _after_refusal(
        self,
        request: AppleRequest,
        refused: DeveloperToken,
        token: MusicUserToken,
        deadline: Deadline,
    ) -> Exchanged:
        """Settle a 401, which may be about either token: try a newer one of ours, then ask."""
        try:
            developer_token = self._developer_tokens.reread(deadline)
        except DeveloperTokenMissingError:
            raise DeveloperTokenRefusedError("401, and there is no other token") from None
        if developer_token != refused:
            headers = _headers(request, developer_token, token)
            again = replace(request, on_new_connection=True)
            exchanged = self._exchange.send_once(again, deadline, headers=headers)
            if exchanged.response.status != HTTPStatus.UNAUTHORIZED:
                return _without_secrets(exchanged, developer_token, token)
        try:
            accepted = self._is_accepted(developer_token, deadline)
        except DependencyError:
            raise DeveloperTokenRefusedError("a 401 that could not be settled") from None
        if accepted:
            raise NotSignedInError("401 to a good developer token")
        raise DeveloperTokenRefusedError("401 to the developer token alone")

    def _is_accepted(self, developer_token: DeveloperToken, deadline: Deadline) -> bool:
        now = self._clock.monotonic()
        if self._verdict is not None:
            judged, accepted, until = self._verdict
            if judged == developer_token and now < until:
                return accepted
        probe = AppleRequest(method="GET", path="/v1/test")
        headers = _headers(probe, developer_token)
        response = self._exchange.send_once(probe, deadline, headers=headers).response
        accepted = response.status == HTTPStatus.OK
        if not accepted and response.status != HTTPStatus.UNAUTHORIZED and not _forbids(response):
            raise AppleAnswerUnusableError(f"{response.status} to the probe")
        self._verdict = (developer_token, accepted, now + VERDICT_SECONDS)
        return accepted

    def _error(self, response: AppleResponse) -> RatingsError:
        """Say what a status other than success means."""
        message = f"{response.status} from Apple Music"
        if response.status == HTTPStatus.BAD_REQUEST:
            return RequestRefusedError(read_error_code(response.body))
        if _forbids(response):
            return UserTokenRefusedError(message)
        if _is_absent(response):  # a read or a DELETE has already taken that for an answer
            return ItemNotFoundError(message)
        if response.status in _REJECTIONS:
            return RequestRejectedError(message)
        error = _FAILURES.get(response.status, AppleAnswerUnusableError)
        if response.status in _MAY_SAY_WHEN:
            wait = retry_after_seconds(response.retry_after, self._clock.time())
            return error(message, retry_after=wait)
        return error(message)


def _headers(
    request: AppleRequest, developer_token: DeveloperToken, token: MusicUserToken | None = None
) -> dict[str, str]:
    headers = {
        "Authorization": f"Bearer {developer_token.jwt}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
    }
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    if token is not None:
        headers["Music-User-Token"] = token.value
    return headers


def _without_secrets(
    exchanged: Exchanged, developer_token: DeveloperToken, token: MusicUserToken
) -> Exchanged:
    """Treat a body that repeats one of our tokens as unreadable."""
    response = exchanged.response
    if response.body is None or not repeats(response.body, (developer_token.jwt, token.value)):
        return exchanged
    error = AppleAnswerUnusableError("the body repeats a token")
    return replace(exchanged, response=replace(response, body=None, body_error=error))


def _forbids(response: AppleResponse) -> bool:
    """Whether this is a 403 of Apple, and not of an edge before it."""
    return response.status == HTTPStatus.FORBIDDEN and not is_page(
        response.body, response.content_type
    )


def _is_absent(response: AppleResponse) -> bool:
    return response.status == HTTPStatus.NOT_FOUND and proves_absence(response.body)


def _item_path(key: RatingKey) -> str:
    return f"/v1/me/ratings/{key.type}/{key.id}"


def retry_after_seconds(header: str | None, now: float) -> int:
    """Read a `Retry-After`, seconds or a date (RFC 9110 section 10.2.3), within sane bounds."""
    if header is None:
        return DEFAULT_RETRY_AFTER
    text = header.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now
        except (ValueError, OverflowError):
            return DEFAULT_RETRY_AFTER
    return round(min(max(seconds, LEAST_RETRY_AFTER), MOST_RETRY_AFTER))
