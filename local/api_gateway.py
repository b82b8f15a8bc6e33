"""API Gateway's two translations: a request into a Lambda proxy event, an answer back into HTTP.

Events are of payload 1.0, as a REST API mapped to the root of a domain sends them.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from local.aws import ACCOUNT_ID
from local.http_server import HttpAnswer, HttpRequest

STAGE: Final = "local"

METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""What `ANY` stands for.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-method-settings.html
"""

HEAD_LIMIT: Final = 10_240
"""The largest request line and header values together, in bytes.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""

BODY_LIMIT: Final = 10 * 1024 * 1024
"""The largest request body, in bytes; same source."""

_RESOURCES: Final = (
    ("/v1/me/ratings/{type}", "xkmg2p", re.compile(r"/v1/me/ratings/(?P<type>[^/]+)/?")),
    (
        "/v1/me/ratings/{type}/{id}",
        "qz7d1c",
        re.compile(r"/v1/me/ratings/(?P<type>[^/]+)/(?P<id>[^/]+)/?"),
    ),
)
_API_ID: Final = "a1b2c3d4e5"
_FORWARDED: Final = ("x-forwarded-for", "x-forwarded-port", "x-forwarded-proto")
_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_SET_BY_SERVER: Final = _HOP_BY_HOP | {"content-length", "date"}
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class MalformedProxyAnswerError(Exception):
    """The function's answer is none that API Gateway could turn into HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The resource that a path belongs to, and its path parameters, still encoded."""

    resource: str
    resource_id: str
    path_parameters: Mapping[str, str]


def find_route(request: HttpRequest) -> Route | None:
    """Find the resource and method that API Gateway would; it overlooks one slash at the end."""
    if request.method not in METHODS:
        return None
    path = request.target.partition("?")[0]
    for resource, resource_id, pattern in _RESOURCES:
        if found := pattern.fullmatch(path):
            return Route(
                resource=resource, resource_id=resource_id, path_parameters=found.groupdict()
            )
    return None


def head_size(request: HttpRequest) -> int:
    """Count what `HEAD_LIMIT` limits."""
    request_line = f"{request.method} {request.target} HTTP/1.1"
    return len(request_line) + sum(len(value) for _, value in request.headers)


def proxy_event(
    request: HttpRequest, route: Route, *, request_id: str, now: float
) -> dict[str, Any]:
    """Build the event that the function gets.

    Header names that differ in case alone stay apart, as the client spelt them: a function that
    copes with that copes with a gateway that folds them, too.
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
        "headers": _last_of_each(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": _last_of_each(parameters) or None,
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": dict(route.path_parameters),
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": _API_ID,
            "domainName": host,
            "domainPrefix": (host or "").partition(".")[0],
            "extendedRequestId": base64.b64encode(request_id.encode()[:11]).decode(),
            "httpMethod": request.method,
            "identity": {
                "accessKey": None,
                "accountId": None,
                "caller": None,
                "cognitoAuthenticationProvider": None,
                "cognitoAuthenticationType": None,
                "cognitoIdentityId": None,
                "cognitoIdentityPoolId": None,
                "principalOrgId": None,
                "sourceIp": request.source_address,
                "user": None,
                "userAgent": user_agent,
                "userArn": None,
            },
            "path": path,
            "protocol": "HTTP/1.1",
            "requestId": request_id,
            "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": int(now * 1000),
            "resourceId": route.resource_id,
            "resourcePath": route.resource,
            "stage": STAGE,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


def http_answer(answer: object) -> HttpAnswer:
    """Turn the function's answer into HTTP.

    Raises:
        MalformedProxyAnswerError: where API Gateway would say "Malformed Lambda proxy response".
    """
    if not isinstance(answer, dict):
        raise MalformedProxyAnswerError("not an object")
    status = answer.get("statusCode")
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:  # noqa: PLR2004 - the statuses of a final answer
        raise MalformedProxyAnswerError("statusCode")
    headers = _answer_headers(answer)
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return HttpAnswer(status=status, headers=tuple(headers), body=_answer_body(answer))


def _forwarded_headers(
    request: HttpRequest, request_id: str, now: float
) -> Iterable[tuple[str, str]]:
    dropped = {*_HOP_BY_HOP, *_FORWARDED}
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


def _last_of_each(groups: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in groups.items()}


def _body_text(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode("utf-8"), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), True


def _answer_headers(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    single, multiple = (_object(answer.get(name)) for name in ("headers", "multiValueHeaders"))
    if not all(isinstance(values, list) for values in multiple.values()):
        raise MalformedProxyAnswerError("multiValueHeaders")
    pairs = [(name, value) for name, values in multiple.items() for value in values]
    pairs += [pair for pair in single.items() if pair not in pairs]
    headers = [(name, _header_text(value)) for name, value in pairs]
    for name, value in headers:
        if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
            raise MalformedProxyAnswerError("a header")
    return [header for header in headers if header[0].lower() not in _SET_BY_SERVER]


def _object(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedProxyAnswerError("headers")
    return value


def _header_text(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
        case _:
            raise MalformedProxyAnswerError("a header's value")


def _answer_body(answer: Mapping[str, Any]) -> bytes:
    body, is_base64 = answer.get("body"), answer.get("isBase64Encoded", False)
    if body is None:
        return b""
    if not isinstance(body, str) or not isinstance(is_base64, bool):
        raise MalformedProxyAnswerError("body")
    try:
        return base64.b64decode(body, validate=True) if is_base64 else body.encode("utf-8")
    except (binascii.Error, UnicodeEncodeError) as error:
        raise MalformedProxyAnswerError("body") from error
