"""The events that API Gateway's REST proxy hands to every contestant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

Event = dict[str, Any]

USER_TOKEN: Final = "sample-user-token-" + "0123456789abcdef" * 20

_PATH: Final = "/v1/me/ratings/library-songs"
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate, br",
    "Accept-Language": "en-GB,en;q=0.9",
    "CloudFront-Forwarded-Proto": "https",
    "CloudFront-Is-Mobile-Viewer": "true",
    "CloudFront-Viewer-Country": "GB",
    "Host": "abcdefghij.execute-api.us-east-1.amazonaws.com",
    "Music-User-Token": USER_TOKEN,
    "User-Agent": "Sample/1.0 CFNetwork/1568.100.1 Darwin/24.0.0",
    "X-Amzn-Trace-Id": "Root=1-67000000-0123456789abcdef01234567",
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Proto": "https",
}


def one(song: str) -> Event:
    """Ask for the rating of one library song."""
    return _event("/v1/me/ratings/{type}/{id}", f"{_PATH}/{song}", {"id": song})


def many(songs: Sequence[str]) -> Event:
    """Ask for the ratings of many library songs at once."""
    return _event("/v1/me/ratings/{type}", _PATH, {}, {"ids": ",".join(songs)})


def _event(
    resource: str, path: str, parameters: dict[str, str], query: dict[str, str] | None = None
) -> Event:
    return {
        "resource": resource,
        "path": path,
        "httpMethod": "GET",
        "headers": _HEADERS,
        "multiValueHeaders": {name: [value] for name, value in _HEADERS.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": query and {k: [v] for k, v in query.items()},
        "pathParameters": {"type": "library-songs", **parameters},
        "stageVariables": None,
        "requestContext": {
            "resourceId": "abc123",
            "resourcePath": resource,
            "httpMethod": "GET",
            "extendedRequestId": "ZjQ5NGZkMmEtYjQ=",
            "requestTime": "01/Jan/2026:00:00:00 +0000",
            "path": f"/dev{path}",
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "stage": "dev",
            "domainPrefix": "abcdefghij",
            "requestTimeEpoch": 1_767_225_600_000,
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"sourceIp": "203.0.113.7", "userAgent": _HEADERS["User-Agent"]},
            "domainName": _HEADERS["Host"],
            "apiId": "abcdefghij",
        },
        "body": None,
        "isBase64Encoded": False,
    }
