"""Decides which error the status of Apple's response means; pure.

The body matters only for the code of a 400, and to distinguish Apple's 403 and 404 from those of a
proxy in front of Apple.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from functions.ratings import errors
from functions.ratings.apple.documents import is_page, proves_absence, read_error_code
from functions.shared.http.messages import Response

MIN_RETRY_AFTER, MAX_RETRY_AFTER = 1, 60

_FAILURES: Final[Mapping[int, type[errors.DependencyError]]] = {
    HTTPStatus.TOO_MANY_REQUESTS: errors.AppleRateLimitedError,
    HTTPStatus.INTERNAL_SERVER_ERROR: errors.AppleUnreachableError,
    HTTPStatus.BAD_GATEWAY: errors.AppleUnreachableError,
    HTTPStatus.SERVICE_UNAVAILABLE: errors.AppleUnavailableError,
    HTTPStatus.GATEWAY_TIMEOUT: errors.AppleTimeoutError,
}
# In seconds, if Apple sends no valid `Retry-After`; `AppleClient` may increase the value.
_DEFAULT_RETRY_AFTER: Final[Mapping[int, int]] = {
    HTTPStatus.TOO_MANY_REQUESTS: MIN_RETRY_AFTER,
    HTTPStatus.SERVICE_UNAVAILABLE: 5,
}
# Statuses that mean an invalid request; 418 is registered as unused.
_REJECTIONS: Final = frozenset(range(400, 500)) - {403, 404, 418, *_FAILURES}


def error_of(response: Response, now: float) -> errors.RatingsError:
    """The error for a response that the caller does not accept; `now` is in epoch seconds."""
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
    retry_after = _DEFAULT_RETRY_AFTER.get(response.status)
    if retry_after is not None:
        retry_after = read_retry_after(response.retry_after, now) or retry_after
    return error(message, retry_after=retry_after)


def is_forbidden(response: Response) -> bool:
    """Whether Apple sent this 403, and not a proxy in front of Apple."""
    return response.status == HTTPStatus.FORBIDDEN and not is_page(
        response.body, response.content_type
    )


def is_absent(response: Response) -> bool:
    """Whether this 404 proves that the rating, or the item to rate, does not exist."""
    return response.status == HTTPStatus.NOT_FOUND and proves_absence(response.body)


def read_retry_after(header: str | None, now: float) -> int | None:
    """Return `Retry-After`, a number or date (RFC 9110 section 10.2.3), as clamped seconds."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return round(min(max(seconds, MIN_RETRY_AFTER), MAX_RETRY_AFTER))
