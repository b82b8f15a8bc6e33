"""API Gateway's own errors, in Apple's shape, and its responses to preflights.

This module imports no AWS library. The deployed API and `make run` share it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from functions.ratings.settings import EXPOSED_HEADERS

if TYPE_CHECKING:
    from collections.abc import Mapping

CACHE_CONTROL: Final = "private, no-store"

CORS_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": EXPOSED_HEADERS,
    }
)
"""The CORS headers of gateway errors; `*`, because the gateway cannot check a list of origins."""

PREFLIGHT_SECONDS: Final = 7_200
"""Chromium's maximum: it shortens a longer time."""

PREFLIGHT_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, PUT, DELETE, OPTIONS",
        # Clients of Apple's API may keep their `Authorization`.
        "Access-Control-Allow-Headers": "Music-User-Token, Content-Type, X-Api-Key, Authorization",
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }
)
"""The headers of the response to a preflight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayError:
    """An error response of the gateway.

    No text has a character that API Gateway's templates substitute or that JSON escapes.
    """

    code: str
    title: str
    detail: str
    retry_after_seconds: int | None = None

    @property
    def status(self) -> int:
        """The HTTP status: the code's first three digits."""
        return int(self.code[:3])

    def body(self, request_id: str) -> str:
        """Return Apple's `errors` object as JSON."""
        error = {
            "id": request_id,
            "title": self.title,
            "detail": self.detail,
            "status": str(self.status),
            "code": self.code,
        }
        return json.dumps({"errors": [error]}, separators=(",", ":"))

    def headers(self, request_id: str) -> dict[str, str]:
        """Return the headers except content type and length."""
        headers = {"Cache-Control": CACHE_CONTROL, "X-Request-Id": request_id}
        if self.retry_after_seconds is not None:
            headers["Retry-After"] = str(self.retry_after_seconds)
        return headers


_NO_SUCH_ROUTE: Final = GatewayError(
    code="40401",
    title="No Such Route",
    detail="No resource exists at this path.",
)
_THROTTLED: Final = GatewayError(
    code="42990",
    title="Too Many Requests",
    detail="Rate limit of the service reached. Retry after the time in Retry-After.",
    retry_after_seconds=1,
)
_BAD_REQUEST: Final = GatewayError(
    code="40092",
    title="Bad Request",
    detail="The request is malformed.",
)
_UNAUTHORIZED: Final = GatewayError(
    code="40192",
    title="Unauthorized",
    detail="The request has no valid credentials.",
)
_FORBIDDEN: Final = GatewayError(
    code="40390",
    title="Forbidden",
    detail="The gateway or its firewall rejected the request.",
)
_TOO_LARGE: Final = GatewayError(
    code="41390",
    title="Request Too Large",
    detail="The request is too large.",
)
_UNSUPPORTED_MEDIA_TYPE: Final = GatewayError(
    code="41590",
    title="Unsupported Media Type",
    detail="The service does not support this media type.",
)
_TIMEOUT: Final = GatewayError(
    code="50490",
    title="Gateway Timeout",
    detail="The service did not respond in time. The outcome of a write is unknown.",
)
_INTERNAL: Final = GatewayError(
    code="50090",
    title="Internal Server Error",
    detail="The service failed to respond.",
)

GATEWAY_ERRORS: Final[Mapping[str, GatewayError]] = MappingProxyType(
    {
        "MISSING_AUTHENTICATION_TOKEN": _NO_SUCH_ROUTE,  # unknown path
        "RESOURCE_NOT_FOUND": _NO_SUCH_ROUTE,
        "THROTTLED": _THROTTLED,
        "QUOTA_EXCEEDED": _THROTTLED,
        "BAD_REQUEST_PARAMETERS": _BAD_REQUEST,
        "BAD_REQUEST_BODY": _BAD_REQUEST,
        "DEFAULT_4XX": _BAD_REQUEST,
        "UNAUTHORIZED": _UNAUTHORIZED,
        "ACCESS_DENIED": _FORBIDDEN,
        "WAF_FILTERED": _FORBIDDEN,
        "INVALID_API_KEY": _FORBIDDEN,
        "EXPIRED_TOKEN": _FORBIDDEN,
        "INVALID_SIGNATURE": _FORBIDDEN,
        "REQUEST_TOO_LARGE": _TOO_LARGE,
        "UNSUPPORTED_MEDIA_TYPE": _UNSUPPORTED_MEDIA_TYPE,
        "INTEGRATION_TIMEOUT": _TIMEOUT,
        "INTEGRATION_FAILURE": _INTERNAL,
        "API_CONFIGURATION_ERROR": _INTERNAL,
        "AUTHORIZER_FAILURE": _INTERNAL,
        "AUTHORIZER_CONFIGURATION_ERROR": _INTERNAL,
        "DEFAULT_5XX": _INTERNAL,
    }
)
"""The error response for each of API Gateway's response types."""
