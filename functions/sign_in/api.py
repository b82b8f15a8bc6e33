"""Reads API Gateway's proxy event, checks the origin, and writes the response.

Event and response have the shapes of the Lambda proxy integration, payload 1.0:
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from functions.shared.documents import as_mapping
from functions.sign_in.errors import OriginNotAllowedError, SignInError
from functions.sign_in.tokens import IssuedToken

ProxyResponse = dict[str, Any]  # `statusCode`, `headers` and `body`, as the gateway expects them

EXPOSED_HEADERS: Final = "Retry-After, X-Request-Id"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """A request for a token; `origins` are the values of its `Origin` header."""

    request_id: str
    origins: tuple[str, ...]

    @classmethod
    def from_event(cls, event: Any, *, fallback_request_id: str) -> SignInRequest:
        """Read a proxy event; treat a missing or malformed object or list as empty."""
        event = as_mapping(event)
        context = as_mapping(event.get("requestContext"))
        # A client can set `requestId` with a header. The gateway generates `extendedRequestId`.
        ids = (context.get("extendedRequestId"), context.get("requestId"), fallback_request_id)
        return cls(
            request_id=next(id_ for id_ in ids if isinstance(id_, str) and id_),
            origins=tuple(
                str(value)
                for name, values in as_mapping(event.get("multiValueHeaders")).items()
                if str(name).lower() == "origin" and isinstance(values, list)
                for value in values
            ),
        )

    def allowed_origin(self, allowed: Collection[str]) -> str | None:
        """Return the origin of a web page, or None for an app, which sends no `Origin`.

        Raises:
            OriginNotAllowedError: if the origin is not in `allowed`, or there are several.
        """
        if not self.origins:
            return None
        if len(self.origins) == 1 and self.origins[0] in allowed:
            return self.origins[0]
        raise OriginNotAllowedError("the origin is not listed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A token or an error; web pages of `origin` may read the response."""

    request_id: str
    result: IssuedToken | SignInError
    origin: str | None

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.result.status if isinstance(self.result, SignInError) else 200

    def to_proxy(self) -> ProxyResponse:
        """Return the proxy response."""
        headers = {
            "Content-Type": "application/json",
            "Cache-Control": "private, no-store",
            "Vary": "Origin",
            "X-Request-Id": self.request_id,
        }
        if self.origin is not None:
            headers["Access-Control-Allow-Origin"] = self.origin
            headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        if isinstance(self.result, SignInError):
            document = _error(self.result, self.request_id)
            if self.result.retry_after is not None:
                headers["Retry-After"] = str(self.result.retry_after)
        else:
            token = self.result.token
            expires_at = datetime.fromtimestamp(token.expires_at, UTC)
            document = {
                "token": token.jwt,
                "expiresAt": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        return {
            "statusCode": self.status,
            "headers": headers,
            "body": json.dumps(document, separators=(",", ":")),
            "isBase64Encoded": False,
        }


def _error(error: SignInError, request_id: str) -> dict[str, Any]:
    """Source: https://developer.apple.com/documentation/applemusicapi/error."""
    described = {
        "id": request_id,
        "title": error.title,
        "detail": error.detail,
        "status": str(error.status),
        "code": error.code,
    }
    return {"errors": [described]}
