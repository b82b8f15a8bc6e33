"""Translates a request into a proxy event, and a proxy response into HTTP, like API Gateway.

Events have payload format 1.0, as from a REST API at the root of a domain, for an HTTP/1.1 client.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from dev.aws_account import ACCOUNT_ID
from dev.http.messages import HttpRequest, HttpResponse
from functions.sign_in.settings import PATH as SIGN_IN_PATH

METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""The methods of `ANY`.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-method-settings.html
"""

HEAD_LIMIT: Final = 10_240
"""The limit of API Gateway on the sum of request line and header values, in bytes.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""

_RESOURCES: Final = {
    SIGN_IN_PATH: re.compile(rf"{SIGN_IN_PATH}/?"),
    "/v1/me/ratings/{type}": re.compile(r"/v1/me/ratings/(?P<type>[^/]+)/?"),
    "/v1/me/ratings/{type}/{id}": re.compile(r"/v1/me/ratings/(?P<type>[^/]+)/(?P<id>[^/]+)/?"),
}
_FORWARDED: Final = frozenset({"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"})
_HOP_BY_HOP: Final = frozenset(
    {"connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
_FINAL_STATUSES: Final = range(200, 600)
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e\x80-\xff]*")


class MalformedProxyResponseError(Exception):
    """API Gateway could not turn the function's response into HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A resource of the API, and the path parameters, still percent-encoded."""

    resource: str
    path_parameters: Mapping[str, str]


def find_route(request: HttpRequest) -> Route | None:
    """Return the resource of a request; a slash at the end of the path is ignored."""
    if request.method not in METHODS:
        return None
    path = request.target.partition("?")[0]
    for resource, pattern in _RESOURCES.items():
        if found := pattern.fullmatch(path):
            if resource == SIGN_IN_PATH and request.method not in {"GET", "OPTIONS"}:
                return None  # the sign-in path accepts no other method
            return Route(resource=resource, path_parameters=found.groupdict())
    return None


def head_size(request: HttpRequest) -> int:
    """Return the size of the request line and all header values; API Gateway limits this sum."""
    request_line = f"{request.method} {request.target} HTTP/1.1"
    return len(request_line) + sum(len(value) for _, value in request.headers)


def proxy_event(
    request: HttpRequest, route: Route, *, request_id: str, now: float
) -> dict[str, Any]:
    """Return the event that the function receives, without fields that no function here reads.

    `now` is in epoch seconds.
    """
    path, _, query = request.target.partition("?")
    headers = _grouped(_forwarded_headers(request, request_id, now))
    parameters = _grouped(parse_qsl(query, keep_blank_values=True))
    host, user_agent = (_header(request, name) for name in ("host", "user-agent"))
    body, is_base64 = _body_text(request.body)
    return {
        "resource": route.resource,
        "path": path,
        "httpMethod": request.method,
        "headers": _last_values(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": _last_values(parameters) or None,
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": dict(route.path_parameters),
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": "a1b2c3d4e5",
            "domainName": host,
            "extendedRequestId": base64.b64encode(request_id.encode()[:11]).decode(),
            "httpMethod": request.method,
            "identity": {"sourceIp": request.source_address, "userAgent": user_agent},
            "path": path,
            "protocol": "HTTP/1.1",
            "requestId": request_id,
            "requestTimeEpoch": int(now * 1000),
            "resourcePath": route.resource,
            "stage": "local",
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


def http_response(response: object) -> HttpResponse:
    """Turn a function's response into HTTP; accept only the fields that our functions use.

    Raises:
        MalformedProxyResponseError: if API Gateway would report "Malformed Lambda proxy response".
    """
    match response:
        case {
            "statusCode": int(status),
            "headers": dict(fields),
            "body": str(body),
            "isBase64Encoded": False,
            **others,
        } if not others and status in _FINAL_STATUSES:
            headers = {"Content-Type": "application/json", **fields}
        case _:
            raise MalformedProxyResponseError("status, headers or body")
    for name, value in headers.items():
        if not (isinstance(value, str) and _HEADER.fullmatch(f"{name}: {value}")):
            raise MalformedProxyResponseError("a header")
    return HttpResponse(status=status, headers=tuple(headers.items()), body=body.encode())


def _forwarded_headers(
    request: HttpRequest, request_id: str, now: float
) -> Iterable[tuple[str, str]]:
    dropped = _HOP_BY_HOP | _FORWARDED
    yield from (header for header in request.headers if header[0].lower() not in dropped)
    if _header(request, "x-amzn-trace-id") is None:
        trace = request_id.replace("-", "")[:24]
        yield "X-Amzn-Trace-Id", f"Root=1-{int(now):08x}-{trace}"
    before = [value for name, value in request.headers if name.lower() == "x-forwarded-for"]
    yield "X-Forwarded-For", ", ".join([*before, request.source_address])
    yield "X-Forwarded-Port", (_header(request, "host") or "").partition(":")[2] or "80"
    yield "X-Forwarded-Proto", "http"


def _header(request: HttpRequest, name: str) -> str | None:
    values = [value for key, value in request.headers if key.lower() == name]
    return values[-1] if values else None


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


def _last_values(groups: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in groups.items()}


def _body_text(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode("utf-8"), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), True
