"""Everything that can go wrong, as one tree of exceptions and one table of HTTP answers.

::

    RatingsError
    ├── RequestError                    the caller can mend it
    │   ├── RouteNotFoundError · MethodNotAllowedError
    │   ├── UserTokenMalformedError
    │   ├── UnknownTypeError · InvalidIdError · InvalidBodyError
    │   ├── MissingParameterError · InvalidParameterError
    │   └── NotRatedError
    ├── IdentityError                   Apple refuses; no copy may stand in for that
    │   ├── NotSignedInError · UserTokenRefusedError
    │   ├── DeveloperTokenRefusedError
    │   └── RequestRefusedError · ItemNotFoundError · RequestRejectedError
    ├── DependencyError                 a copy may stand in
    │   ├── AppleUnreachableError · AppleUntrustedError · AppleTooSlowError
    │   ├── AppleAnswerUnusableError · AppleUnavailableError · AppleThrottlesError
    │   ├── AppleNotAskedError
    │   └── DeveloperTokenMissingError
    ├── CacheUnavailableError           never reaches a caller: the answer goes on without
    └── InternalError                   a defect

Messages are for engineers and hold no token, key or upstream text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from functions.ratings.cache_status import CacheStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSource:
    """Where in the request the fault is, as Apple's `source`: a query parameter or a pointer."""

    parameter: str | None = None
    pointer: str | None = None

    def document(self) -> dict[str, str]:
        """The object that stands under `source`."""
        given = {"parameter": self.parameter, "pointer": self.pointer}
        return {name: value for name, value in given.items() if value is not None}


class RatingsError(Exception):
    """The root: something that an HTTP answer is owed for.

    `cache_status` is filled in once the cache has been asked, for the header of that name.
    `outcome_unknown` says of a write whether it may still take effect at Apple.
    """

    source: ErrorSource | None = None
    cache_status: CacheStatus | None = None
    outcome_unknown = True

    def headers(self) -> Mapping[str, str]:
        """The headers that belong to this error alone."""
        return {}


class RequestError(RatingsError):
    """The caller's request cannot be answered as it is."""


class RouteNotFoundError(RequestError):
    """There is nothing at this path."""


class MethodNotAllowedError(RequestError):
    """The path is there, but not for this method."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(f"only {', '.join(allowed)}")
        self.allowed = allowed

    def headers(self) -> Mapping[str, str]:
        """RFC 9110 section 15.5.6 asks for `Allow`."""
        return {"Allow": ", ".join(self.allowed)}


class UserTokenMalformedError(RequestError):
    """`Music-User-Token` is missing, repeated or has characters that no token has."""


class UnknownTypeError(RequestError):
    """Apple has no such rating type."""


class InvalidIdError(RequestError):
    """The id does not have the shape of its type's ids."""


class InvalidBodyError(RequestError):
    """The body is no RatingRequest; `pointer` (RFC 6901) says where it is not."""

    def __init__(self, pointer: str) -> None:
        super().__init__(f"body at {pointer!r}")
        self.source = ErrorSource(pointer=pointer)


class MissingParameterError(RequestError):
    """A query parameter that has to be there is not."""

    def __init__(self, parameter: str) -> None:
        super().__init__(f"query parameter {parameter}")
        self.source = ErrorSource(parameter=parameter)


class InvalidParameterError(RequestError):
    """A query parameter has a value that it cannot have."""

    def __init__(self, parameter: str) -> None:
        super().__init__(f"query parameter {parameter}")
        self.source = ErrorSource(parameter=parameter)


class NotRatedError(RequestError):
    """The item has no rating, which Apple answers with 404."""


class IdentityError(RatingsError):
    """Apple refused the request; no cached copy may be served instead."""

    outcome_unknown = False


class NotSignedInError(IdentityError):
    """Apple says that the user is not signed in, or has no subscription."""


class UserTokenRefusedError(IdentityError):
    """Apple says that the music user token is invalid, expired or revoked."""


class DeveloperTokenRefusedError(IdentityError):
    """Apple does not accept our developer token, or would not say whose token it refused."""


class RequestRefusedError(IdentityError):
    """Apple answered 400; `code` is Apple's own, five digits, where it gave one."""

    def __init__(self, code: str | None) -> None:
        super().__init__(f"400 from Apple Music, code {code}")
        self.code = code


class ItemNotFoundError(IdentityError):
    """Apple answered a write with 404: there is nothing to rate."""


class RequestRejectedError(IdentityError):
    """Apple found fault with the request, in a way that only a defect of ours explains."""


class DependencyError(RatingsError):
    """Something that we depend on failed; a stale copy may be served instead."""

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def headers(self) -> Mapping[str, str]:
        """`Retry-After` in seconds, where there is something to say."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class AppleUnreachableError(DependencyError):
    """No connection, or a 500 or 502."""


class AppleUntrustedError(DependencyError):
    """Whoever answered could not prove to be Apple."""


class AppleAnswerUnusableError(DependencyError):
    """Apple's response cannot be used, or does not come from Apple but from an edge before it."""


class AppleTooSlowError(DependencyError):
    """No whole answer within the deadline, or a 504."""


class AppleUnavailableError(DependencyError):
    """Apple's 503."""


class AppleNotAskedError(DependencyError):
    """Apple was not asked: it has failed too often just now, or there is no time for an answer."""

    outcome_unknown = False


class AppleThrottlesError(DependencyError):
    """Apple's 429, which counts for the whole developer team."""


class DeveloperTokenMissingError(DependencyError):
    """There is no developer token that could be sent."""

    outcome_unknown = False


class CacheUnavailableError(RatingsError):
    """The response cache did not answer in time, or not with what was asked."""


class InternalError(RatingsError):
    """A defect of ours; what it was stands in the log."""


@dataclass(frozen=True, slots=True)
class HttpError:
    """How one kind of error is told to a caller; `detail` is a whole sentence."""

    status: int
    code: str
    title: str
    detail: str


HTTP_ERRORS: Final[Mapping[type[RatingsError], HttpError]] = {
    RequestRefusedError: HttpError(
        400, "40000", "Bad Request", "Apple Music did not accept the request."
    ),
    MissingParameterError: HttpError(
        400, "40003", "Missing Parameter", "A query parameter that has to be there is not."
    ),
    InvalidParameterError: HttpError(
        400, "40005", "Invalid Parameter Value", "A query parameter has an invalid value."
    ),
    UnknownTypeError: HttpError(
        400, "40008", "Invalid Resource Type", "Apple Music rates no such type of resource."
    ),
    InvalidIdError: HttpError(
        400, "40090", "Invalid Path Value", "The id does not have the shape of its type's ids."
    ),
    InvalidBodyError: HttpError(
        400, "40091", "Invalid Request Body", "The body is not a RatingRequest."
    ),
    UserTokenMalformedError: HttpError(
        401,
        "40190",
        "Music User Token Required",
        "Send the user's token once, in a Music-User-Token header.",
    ),
    NotSignedInError: HttpError(
        401,
        "40191",
        "Not Signed In",
        "Apple Music says that the user is not signed in or has no subscription.",
    ),
    UserTokenRefusedError: HttpError(
        403,
        "40300",
        "Forbidden",
        "Apple Music does not accept this music user token: ask the user to sign in again.",
    ),
    NotRatedError: HttpError(
        404, "40400", "Resource Not Found", "The user has not rated this item."
    ),
    ItemNotFoundError: HttpError(
        404, "40400", "Resource Not Found", "Apple Music knows no such item."
    ),
    RouteNotFoundError: HttpError(404, "40401", "No Such Route", "There is nothing at this path."),
    MethodNotAllowedError: HttpError(
        405, "40590", "Method Not Allowed", "This path does not take this method."
    ),
    AppleThrottlesError: HttpError(
        429, "42991", "Too Many Requests", "Apple Music asks us to slow down."
    ),
    InternalError: HttpError(
        500, "50090", "Internal Server Error", "The fault is ours and is logged."
    ),
    AppleUnreachableError: HttpError(
        502, "50290", "Upstream Unreachable", "Apple Music cannot be reached, or failed."
    ),
    AppleUntrustedError: HttpError(
        502, "50290", "Upstream Unreachable", "Apple Music cannot be reached, or failed."
    ),
    RequestRejectedError: HttpError(
        502, "50291", "Upstream Answer Unusable", "Apple Music's answer cannot be used."
    ),
    AppleAnswerUnusableError: HttpError(
        502, "50291", "Upstream Answer Unusable", "Apple Music's answer cannot be used."
    ),
    DeveloperTokenRefusedError: HttpError(
        503, "50390", "No Developer Token", "The service has no working developer token."
    ),
    DeveloperTokenMissingError: HttpError(
        503, "50390", "No Developer Token", "The service has no working developer token."
    ),
    AppleUnavailableError: HttpError(
        503, "50391", "Upstream Unavailable", "Apple Music is not available at the moment."
    ),
    AppleNotAskedError: HttpError(
        503, "50391", "Upstream Unavailable", "Apple Music is not available at the moment."
    ),
    AppleTooSlowError: HttpError(
        504,
        "50490",
        "Gateway Timeout",
        "Apple Music did not answer in time; of a write, the outcome is unknown.",
    ),
}
"""Every error that reaches a caller, with its answer: docs/errors.md is written from this."""
