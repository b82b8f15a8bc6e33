"""Requests become events, and responses become HTTP, as documented for payload 1.0."""

from __future__ import annotations

from typing import Any

import pytest

from dev.http.messages import HttpRequest, HttpResponse
from dev.server.proxy_events import (
    MalformedProxyResponseError,
    find_route,
    head_size,
    http_response,
    proxy_event,
)

SONG = "/v1/me/ratings/library-songs/i.7PJNN4mfXlD68R"
REQUEST_ID = "6f1e3c7a-2b4d-4e8f-9a0b-1c2d3e4f5a6b"
NOW = 1_700_000_000.25


def event(
    target: str = SONG, *headers: tuple[str, str], method: str = "GET", body: bytes = b""
) -> dict[str, Any]:
    request = HttpRequest(method=method, target=target, headers=headers, body=body)
    route = find_route(request)
    assert route is not None
    return proxy_event(request, route, request_id=REQUEST_ID, now=NOW)


def test_an_event_has_the_documented_shape() -> None:
    headers = {
        "Host": "127.0.0.1:8080",
        "User-Agent": "curl/8.5.0",
        "music-USER-token": "sample-user-token-ada",
    }
    added = {
        "X-Amzn-Trace-Id": "Root=1-6553f100-6f1e3c7a2b4d4e8f9a0b1c2d",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Port": "8080",
        "X-Forwarded-Proto": "http",
    }
    assert event(f"{SONG}?l=en-GB&l=de&include=", *headers.items()) == {
        "resource": "/v1/me/ratings/{type}/{id}",
        "path": "/v1/me/ratings/library-songs/i.7PJNN4mfXlD68R",
        "httpMethod": "GET",
        "headers": headers | added,
        "multiValueHeaders": {name: [value] for name, value in (headers | added).items()},
        "queryStringParameters": {"l": "de", "include": ""},
        "multiValueQueryStringParameters": {"l": ["en-GB", "de"], "include": [""]},
        "pathParameters": {"type": "library-songs", "id": "i.7PJNN4mfXlD68R"},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "127.0.0.1:8080",
            "extendedRequestId": "NmYxZTNjN2EtMmI=",
            "httpMethod": "GET",
            "identity": {"sourceIp": "127.0.0.1", "userAgent": "curl/8.5.0"},
            "path": "/v1/me/ratings/library-songs/i.7PJNN4mfXlD68R",
            "protocol": "HTTP/1.1",
            "requestId": REQUEST_ID,
            "requestTimeEpoch": 1_700_000_000_250,
            "resourcePath": "/v1/me/ratings/{type}/{id}",
            "stage": "local",
        },
        "body": None,
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("raw", ["%2e%2e", "..", "a%2Fb", "i.a%0d%0a", "i.%D9%A1", "i.x;y=1"])
def test_paths_arrive_undecoded(raw: str) -> None:
    built = event(f"/v1/me/ratings/library-songs/{raw}")
    assert built["path"] == f"/v1/me/ratings/library-songs/{raw}"
    assert built["pathParameters"]["id"] == raw


def test_query_parameters_arrive_decoded_and_a_request_without_a_query_has_null() -> None:
    built = event("/v1/me/ratings/library-songs?ids=i.a%2Ci.b&x=1+%C3%A9")
    assert built["queryStringParameters"] == {"ids": "i.a,i.b", "x": "1 é"}
    assert event()["queryStringParameters"] is None
    assert event()["multiValueQueryStringParameters"] is None


@pytest.mark.parametrize(
    ("name", "sent", "expected"),
    [
        ("Music-User-Token", ["one", "two"], ["one", "two"]),
        ("Connection", ["keep-alive"], []),
        ("Transfer-Encoding", ["chunked"], []),
        ("X-Forwarded-For", ["203.0.113.7"], ["203.0.113.7, 127.0.0.1"]),
        ("X-Forwarded-Proto", ["https"], ["http"]),
    ],
)
def test_headers_are_kept_dropped_or_changed_and_the_single_value_map_has_the_last_value(
    name: str, sent: list[str], expected: list[str]
) -> None:
    built = event(SONG, *[(name, value) for value in sent])
    assert built["multiValueHeaders"].get(name, []) == expected
    assert built["headers"].get(name) == (expected[-1] if expected else None)


@pytest.mark.parametrize(
    ("body", "expected"),
    [('{"é": 1}'.encode(), ('{"é": 1}', False)), (b"\xff\x00", ("/wA=", True))],
)
def test_a_text_body_arrives_as_text_and_a_binary_body_in_base64(
    body: bytes, expected: tuple[str, bool]
) -> None:
    built = event(method="PUT", body=body)
    assert (built["body"], built["isBase64Encoded"]) == expected


def test_a_trailing_slash_does_not_change_the_route_and_stays_in_the_path() -> None:
    built = event("/v1/me/ratings/library-songs/")
    assert built["resource"] == "/v1/me/ratings/{type}"
    assert built["path"] == "/v1/me/ratings/library-songs/"
    assert built["pathParameters"] == {"type": "library-songs"}


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("TRACE", SONG),
        ("GET", "*"),
        ("GET", "/v1/me/ratings"),
        ("GET", "/v1/me/ratings/"),
        ("GET", "//v1/me/ratings/songs/1"),
        ("GET", "/v1/me/ratings/songs/1/2"),
        ("GET", "/v1/me/ratings//1"),
        ("GET", "/V1/me/ratings/songs/1"),
        ("GET", "http://127.0.0.1/v1/me/ratings/songs/1"),
    ],
)
def test_other_methods_and_paths_have_no_route(method: str, target: str) -> None:
    assert find_route(HttpRequest(method=method, target=target)) is None


@pytest.mark.parametrize("method", ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])
def test_a_resource_accepts_every_method_of_the_gateway(method: str) -> None:
    assert event(method=method)["httpMethod"] == method


def test_request_line_and_header_values_count_towards_the_limit() -> None:
    request = HttpRequest(method="GET", target="/x", headers=(("Some-Name", "12345"),))
    assert head_size(request) == len("GET /x HTTP/1.1") + len("12345")


RESPONSE = {
    "statusCode": 404,
    "headers": {"Age": "3"},
    "body": '{"é": 1}',
    "isBase64Encoded": False,
}


def test_a_response_becomes_http_and_is_json_by_default() -> None:
    assert http_response(RESPONSE) == HttpResponse(
        status=404,
        headers=(("Content-Type", "application/json"), ("Age", "3")),
        body='{"é": 1}'.encode(),
    )
    typed = {**RESPONSE, "headers": {"Content-Type": "text/plain"}}
    assert http_response(typed).headers == (("Content-Type", "text/plain"),)


@pytest.mark.parametrize(
    "response",
    [
        None,
        {},
        {**RESPONSE, "statusCode": "200"},
        {**RESPONSE, "statusCode": True},
        {**RESPONSE, "statusCode": 99},
        {**RESPONSE, "headers": []},
        {**RESPONSE, "headers": {"X": None}},
        {**RESPONSE, "headers": {"X": "a\r\nb: c"}},
        {**RESPONSE, "headers": {"X Y": "a"}},
        {**RESPONSE, "headers": {"X": "\u2713"}},
        {**RESPONSE, "multiValueHeaders": {}},
        {**RESPONSE, "body": {}},
        {**RESPONSE, "isBase64Encoded": True},
    ],
)
def test_a_malformed_or_unsupported_response_is_rejected(response: object) -> None:
    with pytest.raises(MalformedProxyResponseError):
        http_response(response)
