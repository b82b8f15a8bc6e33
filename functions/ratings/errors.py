"""The tree of all errors; each class has its HTTP response, and a failure also its metric.

::

    RatingsError
    ├── RequestError                    the caller must change the request
    │   ├── RouteNotFoundError
    │   ├── MethodNotAllowedError
    │   ├── InvalidUserTokenError       missing, repeated, or with characters that tokens never have
    │   ├── UnknownTypeError
    │   ├── InvalidIdError
    │   ├── InvalidBodyError            `pointer` (RFC 6901) locates the fault
    │   ├── MissingParameterError
    │   ├── InvalidParameterError
    │   └── NotRatedError
    ├── AppleRejectedError              Apple applied nothing; no stale copy replaces the rejection
    │   ├── NotSignedInError            401 with an accepted developer token
    │   ├── UserTokenRejectedError      403
    │   ├── DeveloperTokenRejectedError 401; the developer token may be invalid
    │   ├── BadAppleRequestError        400, with Apple's `code` if there is one
    │   ├── ItemNotFoundError           404 to a write
    │   └── UnexpectedRejectionError    another 4xx, which only a defect of this service causes
    ├── DependencyError                 a stale copy may be served
    │   ├── AppleUnreachableError       no connection, 500 or 502
    │   │   └── AppleTlsError           the certificate does not prove that the peer is Apple
    │   ├── InvalidAppleResponseError   malformed, or from a proxy in front of Apple
    │   ├── AppleTimeoutError           no complete response within the deadline, or 504
    │   ├── AppleUnavailableError       503
    │   ├── AppleRateLimitedError       429; all users share the rate limit
    │   └── AppleNotCalledError
    │       ├── CoolingOffError         after a 429, so also an AppleRateLimitedError
    │       ├── CircuitOpenError        Apple failed, or was slow and a stale copy exists
    │       ├── DeadlineExceededError   too little time remains for a call
    │       └── DeveloperTokenUnavailableError
    ├── CacheUnavailableError           DynamoDB failed; never reaches a caller
    └── InternalError                   a defect

Messages are for engineers and contain no token, key or upstream text. `title` and `detail` are for
callers; docs/errors.md lists them.
"""

# ruff: noqa: D101 - the tree describes the classes

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from functions.ratings.metrics import Metric


class RatingsError(Exception):
    """The root; `retry_after` is in whole seconds, `source` is part of Apple's error object.

    `outcome_unknown` says whether Apple may have applied a write despite this error.
    """

    status = 500
    code = "50090"
    title = "Internal Server Error"
    detail = "An internal error occurred. The service has logged it under this id."
    metric: Metric | None = None
    outcome_unknown = True
    source: Mapping[str, str] | None = None

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = None if retry_after is None else max(1, ceil(retry_after))

    def headers(self) -> Mapping[str, str]:
        """The headers that only this error has."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class InternalError(RatingsError): ...


class CacheUnavailableError(RatingsError): ...


class RequestError(RatingsError): ...


class RouteNotFoundError(RequestError):
    status, code, title = 404, "40401", "No Such Route"
    detail = "No resource exists at this path."


class MethodNotAllowedError(RequestError):
    status, code, title = 405, "40590", "Method Not Allowed"
    detail = "The resource does not support this method. The Allow header lists its methods."

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(f"only {', '.join(allowed)}")
        self.allowed = allowed

    def headers(self) -> Mapping[str, str]:
        """Return `Allow`, which RFC 9110 section 15.5.6 requires."""
        return {"Allow": ", ".join(self.allowed)}


class InvalidUserTokenError(RequestError):
    status, code, title = 401, "40190", "Music User Token Required"
    detail = "The request needs exactly one valid Music-User-Token header."


class UnknownTypeError(RequestError):
    status, code, title = 400, "40008", "Invalid Path Value"
    detail = "Apple Music has no ratings for this type of resource."


class InvalidIdError(RequestError):
    status, code, title = 400, "40008", "Invalid Path Value"
    detail = "The id is not valid for this resource type."


class InvalidBodyError(RequestError):
    status, code, title = 400, "40091", "Invalid Request Body"
    detail = "The body is not a valid RatingRequest. The pointer locates the error."

    def __init__(self, pointer: str) -> None:
        super().__init__(f"body at {pointer!r}")
        self.source = {"pointer": pointer}


class ParameterError(RequestError):
    def __init__(self, parameter: str) -> None:
        super().__init__(f"query parameter {parameter}")
        self.source = {"parameter": parameter}


class MissingParameterError(ParameterError):
    status, code, title = 400, "40003", "Missing Parameter"
    detail = "A required query parameter is missing."


class InvalidParameterError(ParameterError):
    status, code, title = 400, "40005", "Invalid Parameter Value"
    detail = "A query parameter has an invalid value."

    def __init__(self, parameter: str, accepted: str) -> None:
        super().__init__(parameter)
        self.detail = f"The query parameter {parameter} must be {accepted}."


class NotRatedError(RequestError):
    status, code, title = 404, "40400", "Resource Not Found"
    detail = "The user has not rated this item."


class AppleRejectedError(RatingsError):
    outcome_unknown = False


class NotSignedInError(AppleRejectedError):
    status, code, title = 401, "40191", "Not Signed In"
    detail = "The user is not signed in to Apple Music or has no subscription."


class UserTokenRejectedError(AppleRejectedError):
    status, code, title = 403, "40300", "Forbidden"
    detail = "Apple Music rejected the music user token. The user must sign in again."


class DeveloperTokenRejectedError(AppleRejectedError):
    status, code, title = 503, "50390", "No Developer Token"
    detail = "The service has no valid developer token. Retry later."
    metric = Metric.DEVELOPER_TOKEN_UNAVAILABLE


class BadAppleRequestError(AppleRejectedError):
    status, code, title = 400, "40000", "Bad Request"
    detail = "Apple Music rejected the request."

    def __init__(self, code: str | None) -> None:
        super().__init__(f"400 from Apple Music, code {code}")
        self.code = code or self.code


class ItemNotFoundError(AppleRejectedError):
    status, code, title = 404, "40400", "Resource Not Found"
    detail = "Apple Music did not find the item."


class UnexpectedRejectionError(AppleRejectedError):
    status, code, title = 502, "50291", "Invalid Upstream Response"
    detail = "Apple Music returned an invalid response."
    metric = Metric.UPSTREAM_INVALID_RESPONSE


class DependencyError(RatingsError): ...


class AppleUnreachableError(DependencyError):
    status, code, title = 502, "50290", "Upstream Unreachable"
    detail = "Apple Music cannot be reached, or returned an error."
    metric = Metric.UPSTREAM_UNREACHABLE


class AppleTlsError(AppleUnreachableError):
    metric = Metric.UPSTREAM_TLS_FAILED


class InvalidAppleResponseError(DependencyError):
    status, code, title = 502, "50291", "Invalid Upstream Response"
    detail = "Apple Music returned an invalid response."
    metric = Metric.UPSTREAM_INVALID_RESPONSE


class AppleTimeoutError(DependencyError):
    status, code, title = 504, "50490", "Gateway Timeout"
    detail = "Apple Music did not respond in time. The outcome of a write is unknown."
    metric = Metric.UPSTREAM_TIMEOUT


class AppleUnavailableError(DependencyError):
    status, code, title = 503, "50391", "Upstream Unavailable"
    detail = "Apple Music is temporarily unavailable. Retry later."
    metric = Metric.UPSTREAM_UNAVAILABLE


class AppleRateLimitedError(DependencyError):
    status, code, title = 429, "42991", "Too Many Requests"
    detail = "Apple Music API rate limit reached. Retry after the time in Retry-After."
    metric = Metric.UPSTREAM_RATE_LIMITED


class AppleNotCalledError(DependencyError):
    status, code, title = 503, "50391", "Upstream Unavailable"
    detail = "Apple Music is temporarily unavailable. Retry later."
    metric = Metric.UPSTREAM_NOT_CALLED
    outcome_unknown = False


class CoolingOffError(AppleRateLimitedError, AppleNotCalledError): ...


class CircuitOpenError(AppleNotCalledError): ...


class DeadlineExceededError(AppleNotCalledError): ...


class DeveloperTokenUnavailableError(AppleNotCalledError):
    status, code, title = 503, "50390", "No Developer Token"
    detail = "The service has no valid developer token. Retry later."
    metric = Metric.DEVELOPER_TOKEN_UNAVAILABLE
