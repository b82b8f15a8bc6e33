"""Decides which error the status of Apple's response means; pure.

The status decides first. The body matters only for the code of a 400, and to distinguish Apple's
JSON from an edge's HTML in a 403 or 404.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from functions.ratings import errors
from functions.ratings.apple.documents import is_page, proves_absence, read_error_code
from functions.shared.http.messages import Response

DEFAULT_RETRY_AFTER, MIN_RETRY_AFTER, MAX_RETRY_AFTER = 5, 1, 60

_FAILURES: Final[Mapping[int, type[errors.DependencyError]]] = {
    HTTPStatus.TOO_MANY_REQUESTS: errors.AppleRateLimitedError,
    HTTPStatus.INTERNAL_SERVER_ERROR: errors.AppleUnreachableError,
    HTTPStatus.BAD_GATEWAY: errors.AppleUnreachableError,
    HTTPStatus.SERVICE_UNAVAILABLE: errors.AppleUnavailableError,
    HTTPStatus.GATEWAY_TIMEOUT: errors.AppleTimeoutError,
}
_WITH_RETRY_AFTER: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
# Statuses that blame the request; 418 is registered as unused and means nothing.
_REJECTIONS: Final = frozenset(range(400, 500)) - {403, 404, 418, *_FAILURES}


def error_of(response: Response, now: float) -> errors.RatingsError:
    """The error for a status that is neither a success nor an expected 404; `now` is epoch time."""
    message = f"{response.status} from Apple Music"
    if response.status == HTTPStatus.BAD_REQUEST:
        return errors.BadAppleRequestError(read_error_code(response.body))
    if is_forbidden(response):
        return errors.UserTokenRejectedError(message)
    if is_absent(response):
        return errors.ItemNotFoundError(message)
    if response.status in _REJECTIONS:
        return errors.UnexpectedRejectionError(message)
    error = _FAILURES.get(response.status, errors.InvalidAppleResponseError)
    if response.status in _WITH_RETRY_AFTER:
        return error(message, retry_after=retry_after_seconds(response.retry_after, now))
    return error(message)


def is_forbidden(response: Response) -> bool:
    """Whether this is Apple's 403, not that of an edge in front of Apple."""
    return response.status == HTTPStatus.FORBIDDEN and not is_page(
        response.body, response.content_type
    )


def is_absent(response: Response) -> bool:
    """Whether this 404 proves that the rating, or the item to rate, does not exist."""
    return response.status == HTTPStatus.NOT_FOUND and proves_absence(response.body)


def retry_after_seconds(header: str | None, now: float) -> int:
    """Read `Retry-After`, seconds or a date (RFC 9110 section 10.2.3), and clamp it."""
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
    return round(min(max(seconds, MIN_RETRY_AFTER), MAX_RETRY_AFTER))
