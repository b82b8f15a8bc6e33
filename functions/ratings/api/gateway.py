"""Reads API Gateway's REST proxy events strictly, and writes its proxy responses.

Event and response have the shapes of the Lambda proxy integration, payload 1.0:
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.ratings.cache.status import CacheStatus
from functions.ratings.errors import RatingsError
from functions.shared.documents import as_mapping

ProxyResponse = dict[str, Any]  # `statusCode`, `headers` and `body`, as the gateway expects them


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One HTTP request.

    `resource` is the path as the gateway defines it, such as `/v1/me/ratings/{type}/{id}`;
    `path_parameters` are the undecoded values of the names in braces. Header names are in lower
    case; repeated headers and query parameters keep every value. `body` is None if it is missing
    or cannot be decoded.
    """

    method: str
    resource: str
    request_id: str
    path_parameters: Mapping[str, str]
    headers: Mapping[str, tuple[str, ...]]
    query: Mapping[str, tuple[str, ...]]
    body: bytes | None

    @classmethod
    def from_event(cls, event: Any, *, fallback_request_id: str) -> ApiRequest:
        """Read a proxy event; treat a missing value, or a value of the wrong type, as empty."""
        event = as_mapping(event)
        context = as_mapping(event.get("requestContext"))
        # A client can set `requestId` with a header. The gateway generates `extendedRequestId`.
        request_id = _text(context.get("extendedRequestId")) or _text(context.get("requestId"))
        headers: dict[str, tuple[str, ...]] = {}
        for name, values in _all_values(event, "headers", "multiValueHeaders").items():
            headers[name.lower()] = headers.get(name.lower(), ()) + values
        return cls(
            method=_text(event.get("httpMethod")),
            resource=_text(event.get("resource")),
            request_id=request_id or fallback_request_id,
            path_parameters={
                name: _text(value)
                for name, value in as_mapping(event.get("pathParameters")).items()
            },
            headers=headers,
            query=_all_values(event, "queryStringParameters", "multiValueQueryStringParameters"),
            body=_body(event.get("body"), event.get("isBase64Encoded")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP response; `body` is JSON. Only reads have a `cache_status`."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cache_status: CacheStatus | None = None
    error: RatingsError | None = None

    def to_proxy(self, request_id: str, cors: Mapping[str, str] | None = None) -> ProxyResponse:
        """Return the proxy response; add `cors` and the headers that all responses have."""
        headers = {"Content-Type": "application/json"} if self.body else {}
        headers |= {"Cache-Control": "private, no-store", "X-Request-Id": request_id}
        if self.cache_status is not None:
            headers["Cache-Status"] = str(self.cache_status)
        return {
            "statusCode": self.status,
            "headers": {**headers, **self.headers, **(cors or {})},
            "body": self.body,
            "isBase64Encoded": False,
        }


def error_response(
    error: RatingsError,
    request_id: str,
    *,
    headers: Mapping[str, str] | None = None,
    cache_status: CacheStatus | None = None,
) -> Response:
    """Return an error in Apple's form; `headers` are added to the error's headers.

    Source: https://developer.apple.com/documentation/applemusicapi/error
    """
    document: dict[str, Any] = {
        "id": request_id,
        "title": error.title,
        "detail": error.detail,
        "status": str(error.status),
        "code": error.code,
    }
    if error.source is not None:
        document["source"] = error.source
    return Response(
        status=error.status,
        body=json.dumps({"errors": [document]}, separators=(",", ":")),
        headers={**error.headers(), **(headers or {})},
        cache_status=cache_status,
        error=error,
    )


def _all_values(event: Mapping[str, Any], single: str, multi: str) -> dict[str, tuple[str, ...]]:
    """Return all values of each name from field `multi`, or the last value from `single`."""
    repeated = event.get(multi)
    if isinstance(repeated, Mapping):
        return {
            str(name): tuple(_text(value) for value in values)
            for name, values in repeated.items()
            if isinstance(values, list)
        }
    return {str(name): (_text(value),) for name, value in as_mapping(event.get(single)).items()}


def _body(text: Any, is_base64: Any) -> bytes | None:
    if not isinstance(text, str):
        return None
    try:
        if not is_base64:
            return text.encode("utf-8")
        decoded = b64decode(text, validate=True)
    except ValueError:
        return None
    # Some versions of Python accept excess padding.
    return decoded if b64encode(decoded).decode() == text else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
