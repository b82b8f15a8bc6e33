"""The gateway's two translations, held against the documented shapes of payload 1.0.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

from typing import Any

import pytest

from local.api_gateway import (
    MalformedProxyAnswerError,
    find_route,
    head_size,
    http_answer,
    proxy_event,
)
from local.http_server import HttpAnswer, HttpRequest

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
    assert event(
        f"{SONG}?l=en-GB&l=de&include=",
        ("Host", "127.0.0.1:8080"),
        ("User-Agent", "curl/8.5.0"),
        ("music-USER-token", "sample-user-token-ada"),
    ) == {
        "resource": "/v1/me/ratings/{type}/{id}",
        "path": "/v1/me/ratings/library-songs/i.7PJNN4mfXlD68R",
        "httpMethod": "GET",
        "headers": {
            "Host": "127.0.0.1:8080",
            "User-Agent": "curl/8.5.0",
            "music-USER-token": "sample-user-token-ada",
            "X-Amzn-Trace-Id": "Root=1-6553f100-6f1e3c7a2b4d4e8f9a0b1c2d",
            "X-Forwarded-For": "127.0.0.1",
            "X-Forwarded-Port": "8080",
            "X-Forwarded-Proto": "http",
        },
        "multiValueHeaders": {
            "Host": ["127.0.0.1:8080"],
            "User-Agent": ["curl/8.5.0"],
            "music-USER-token": ["sample-user-token-ada"],
            "X-Amzn-Trace-Id": ["Root=1-6553f100-6f1e3c7a2b4d4e8f9a0b1c2d"],
            "X-Forwarded-For": ["127.0.0.1"],
            "X-Forwarded-Port": ["8080"],
            "X-Forwarded-Proto": ["http"],
        },
        "queryStringParameters": {"l": "de", "include": ""},
        "multiValueQueryStringParameters": {"l": ["en-GB", "de"], "include": [""]},
        "pathParameters": {"type": "library-songs", "id": "i.7PJNN4mfXlD68R"},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "127.0.0.1:8080",
            "domainPrefix": "127",
            "extendedRequestId": "NmYxZTNjN2EtMmI=",
            "httpMethod": "GET",
            "identity": {
                "accessKey": None,
                "accountId": None,
                "caller": None,
                "cognitoAuthenticationProvider": None,
                "cognitoAuthenticationType": None,
                "cognitoIdentityId": None,
                "cognitoIdentityPoolId": None,
                "principalOrgId": None,
                "sourceIp": "127.0.0.1",
                "user": None,
                "userAgent": "curl/8.5.0",
                "userArn": None,
            },
            "path": "/v1/me/ratings/library-songs/i.7PJNN4mfXlD68R",
            "protocol": "HTTP/1.1",
            "requestId": REQUEST_ID,
            "requestTime": "14/Nov/2023:22:13:20 +0000",
            "requestTimeEpoch": 1_700_000_000_250,
            "resourceId": "qz7d1c",
            "resourcePath": "/v1/me/ratings/{type}/{id}",
            "stage": "local",
        },
        "body": None,
        "isBase64Encoded": False,
    }


def test_what_is_absent_is_null() -> None:
    built = event()
    assert built["queryStringParameters"] is None
    assert built["multiValueQueryStringParameters"] is None
    assert built["body"] is None


@pytest.mark.parametrize("raw", ["%2e%2e", "..", "a%2Fb", "i.a%0d%0a", "i.%D9%A1", "i.x;y=1"])
def test_paths_arrive_undecoded(raw: str) -> None:
    built = event(f"/v1/me/ratings/library-songs/{raw}")
    assert built["path"] == f"/v1/me/ratings/library-songs/{raw}"
    assert built["pathParameters"]["id"] == raw


def test_query_parameters_arrive_decoded() -> None:
    built = event("/v1/me/ratings/library-songs?ids=i.a%2Ci.b&x=1+%C3%A9")
    assert built["queryStringParameters"] == {"ids": "i.a,i.b", "x": "1 é"}


def test_of_a_repeated_header_the_single_map_has_the_last_value() -> None:
    built = event(SONG, ("Music-User-Token", "one"), ("Music-User-Token", "two"))
    assert built["headers"]["Music-User-Token"] == "two"
    assert built["multiValueHeaders"]["Music-User-Token"] == ["one", "two"]


def test_headers_of_one_connection_stay_behind() -> None:
    built = event(SONG, ("Connection", "keep-alive"), ("Transfer-Encoding", "chunked"))
    assert not {"Connection", "Transfer-Encoding"} & set(built["multiValueHeaders"])


def test_the_client_is_added_to_those_it_came_through() -> None:
    built = event(SONG, ("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https"))
    assert built["headers"]["X-Forwarded-For"] == "203.0.113.7, 127.0.0.1"
    assert built["multiValueHeaders"]["X-Forwarded-Proto"] == ["http"]


def test_a_text_body_arrives_as_text() -> None:
    built = event(method="PUT", body='{"é": 1}'.encode())
    assert (built["body"], built["isBase64Encoded"]) == ('{"é": 1}', False)


def test_a_body_that_is_no_text_arrives_in_base64() -> None:
    built = event(method="PUT", body=b"\xff\x00")
    assert (built["body"], built["isBase64Encoded"]) == ("/wA=", True)


@pytest.mark.parametrize("method", ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])
def test_a_resource_takes_any_method(method: str) -> None:
    assert event(method=method)["httpMethod"] == method


def test_a_slash_at_the_end_is_overlooked_and_passed_on() -> None:
    built = event("/v1/me/ratings/library-songs/")
    assert built["resource"] == "/v1/me/ratings/{type}"
    assert built["path"] == "/v1/me/ratings/library-songs/"
    assert built["pathParameters"] == {"type": "library-songs"}


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "*",
        "/v1/me/ratings",
        "/v1/me/ratings/",
        "//v1/me/ratings/songs/1",
        "/v1/me/ratings/songs/1/2",
        "/v1/me/ratings//1",
        "/V1/me/ratings/songs/1",
        "/v1/test",
        "http://127.0.0.1/v1/me/ratings/songs/1",
    ],
)
def test_other_paths_have_no_route(target: str) -> None:
    assert find_route(HttpRequest(method="GET", target=target)) is None


def test_methods_that_the_gateway_lacks_have_no_route() -> None:
    assert find_route(HttpRequest(method="TRACE", target=SONG)) is None


def test_request_line_and_header_values_count_towards_the_limit() -> None:
    request = HttpRequest(method="GET", target="/x", headers=(("Some-Name", "12345"),))
    assert head_size(request) == len("GET /x HTTP/1.1") + len("12345")


def test_an_answer_becomes_http() -> None:
    answer = {
        "statusCode": 404,
        "headers": {"Content-Type": "application/json", "Age": 3},
        "multiValueHeaders": {"Allow": ["GET", "PUT"]},
        "body": '{"é": 1}',
        "isBase64Encoded": False,
    }
    assert http_answer(answer) == HttpAnswer(
        status=404,
        headers=(
            ("Allow", "GET"),
            ("Allow", "PUT"),
            ("Content-Type", "application/json"),
            ("Age", "3"),
        ),
        body='{"é": 1}'.encode(),
    )


def test_a_header_in_both_maps_is_sent_once() -> None:
    both = {"headers": {"Age": "1"}, "multiValueHeaders": {"Age": ["1"]}}
    assert http_answer({"statusCode": 200, **both}).headers.count(("Age", "1")) == 1


def test_a_base64_body_is_decoded() -> None:
    assert http_answer({"statusCode": 200, "body": "/wA=", "isBase64Encoded": True}).body == (
        b"\xff\x00"
    )


def test_an_answer_without_a_type_is_json() -> None:
    assert http_answer({"statusCode": 204}).headers == (("Content-Type", "application/json"),)


def test_the_length_is_the_servers_to_say() -> None:
    answer = {"statusCode": 200, "headers": {"content-length": "7", "Content-Type": "text/plain"}}
    assert http_answer(answer).headers == (("Content-Type", "text/plain"),)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "ok",
        {},
        {"statusCode": "200"},
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 200, "headers": []},
        {"statusCode": 200, "headers": {"X": None}},
        {"statusCode": 200, "headers": {"X": "a\r\nb: c"}},
        {"statusCode": 200, "headers": {"X Y": "a"}},
        {"statusCode": 200, "headers": {"X": "\u2713"}},
        {"statusCode": 200, "multiValueHeaders": {"X": "a"}},
        {"statusCode": 200, "body": {}},
        {"statusCode": 200, "body": "?", "isBase64Encoded": True},
    ],
)
def test_a_malformed_answer_is_refused(answer: object) -> None:
    with pytest.raises(MalformedProxyAnswerError):
        http_answer(answer)
