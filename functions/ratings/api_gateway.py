"""Reads API Gateway's REST proxy events strictly, and writes the answers it expects.

Event and answer have the shapes of the Lambda proxy integration, payload 1.0:
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.ratings.cache_status import CacheStatus
from functions.ratings.errors import HTTP_ERRORS, RatingsError, RequestRefusedError

ProxyAnswer = dict[str, Any]
"""`statusCode`, `headers` and `body`, as the gateway takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One HTTP request as the gateway took it.

    `resource` is the gateway's own name of the path, such as `/v1/me/ratings/{type}/{id}`, and
    `path_parameters` are what stood in the braces, undecoded. Header names are in lower case;
    repeated headers and query parameters keep every value. `body` is None where none was sent, or
    none that could be decoded.
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
        """Read a proxy event; what is absent or of another type reads as if it were empty."""
        event = _mapping(event)
        context = _mapping(event.get("requestContext"))
        # A client can choose `requestId` by a header of its own; the other is the gateway's.
        request_id = _text(context.get("extendedRequestId")) or _text(context.get("requestId"))
        headers: dict[str, tuple[str, ...]] = {}
        for name, values in _all_values(event, "headers", "multiValueHeaders").items():
            headers[name.lower()] = headers.get(name.lower(), ()) + values
        return cls(
            method=_text(event.get("httpMethod")),
            resource=_text(event.get("resource")),
            request_id=request_id or fallback_request_id,
            path_parameters={
                name: _text(value) for name, value in _mapping(event.get("pathParameters")).items()
            },
            headers=headers,
            query=_all_values(event, "queryStringParameters", "multiValueQueryStringParameters"),
            body=_body(event.get("body"), event.get("isBase64Encoded")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is told to the caller; `body` is JSON text, and `error` is what an error came from.

    `cache_status` says what the cache did, where it could have done something.
    """

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cache_status: CacheStatus | None = None
    error: RatingsError | None = None

    def to_proxy(self, request_id: str) -> ProxyAnswer:
        """Write it as the gateway takes it, with the headers that every answer has."""
        content = {"Content-Type": "application/json"} if self.body else {}
        always = {"Cache-Control": "private, no-store", "X-Request-Id": request_id}
        cache = {} if self.cache_status is None else {"Cache-Status": str(self.cache_status)}
        return {
            "statusCode": self.status,
            "headers": {**content, **always, **cache, **self.headers},
            "body": self.body,
            "isBase64Encoded": False,
        }


def error_answer(
    error: RatingsError, request_id: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """Write an error in Apple's shape; `headers` are what it has beside its own.

    Source: https://developer.apple.com/documentation/applemusicapi/error
    """
    told = HTTP_ERRORS[type(error)]
    code = error.code if isinstance(error, RequestRefusedError) and error.code else told.code
    document: dict[str, Any] = {
        "id": request_id,
        "title": told.title,
        "detail": told.detail,
        "status": str(told.status),
        "code": code,
    }
    if error.source is not None:
        document["source"] = error.source.document()
    return Answer(
        status=told.status,
        body=json.dumps({"errors": [document]}, separators=(",", ":")),
        headers={**error.headers(), **(headers or {})},
        cache_status=error.cache_status,
        error=error,
    )


def _all_values(event: Mapping[str, Any], single: str, multi: str) -> dict[str, tuple[str, ...]]:
    """Give every value of a repeated name; the map of single values keeps only the last."""
    repeated = event.get(multi)
    if isinstance(repeated, Mapping):
        return {
            str(name): tuple(_text(value) for value in values)
            for name, values in repeated.items()
            if isinstance(values, list)
        }
    return {str(name): (_text(value),) for name, value in _mapping(event.get(single)).items()}


def _body(text: Any, is_base64: Any) -> bytes | None:
    if not isinstance(text, str):
        return None
    try:
        if not is_base64:
            return text.encode("utf-8")
        decoded = b64decode(text, validate=True)
    except ValueError:
        return None
    # Some versions of Python take more padding than there should be.
    return decoded if b64encode(decoded).decode() == text else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
