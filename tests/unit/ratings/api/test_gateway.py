import json
from base64 import b64encode
from typing import Any

import pytest

from functions.ratings.api.gateway import ApiRequest, Response, error_response
from functions.ratings.cache.status import CacheStatus
from functions.ratings.errors import (
    InvalidParameterError,
    NotRatedError,
)

LIKE = '{"type":"rating","attributes":{"value":1}}'
LIKE_BASE64 = b64encode(LIKE.encode()).decode()


def read(**event: Any) -> ApiRequest:
    return ApiRequest.from_event(event, fallback_request_id="lambda-1")


def test_an_event_is_read_into_a_request() -> None:
    event = {
        "resource": "/v1/me/ratings/{type}",
        "httpMethod": "GET",
        "pathParameters": {"type": "songs"},
        "multiValueHeaders": {"Music-User-Token": ["ada"]},
        "multiValueQueryStringParameters": {"ids": ["1,2"]},
        "requestContext": {"requestId": "request-1"},
        "body": None,
    }

    assert read(**event) == ApiRequest(
        method="GET",
        resource="/v1/me/ratings/{type}",
        request_id="request-1",
        path_parameters={"type": "songs"},
        headers={"music-user-token": ("ada",)},
        query={"ids": ("1,2",)},
        body=None,
    )


@pytest.mark.parametrize("event", [None, [], {}, {"httpMethod": 7, "pathParameters": {"type": 7}}])
def test_a_value_that_is_absent_or_of_another_type_is_read_as_empty(event: Any) -> None:
    request = ApiRequest.from_event(event, fallback_request_id="lambda-1")

    assert (request.method, request.resource, request.request_id) == ("", "", "lambda-1")
    assert not any(request.path_parameters.values())
    assert (request.headers, request.query, request.body) == ({}, {}, None)


TWO = {"token": ("a", "b")}


@pytest.mark.parametrize(
    ("event", "part", "value"),
    [
        ({"multiValueHeaders": {"Token": ["a", "b"]}}, "headers", TWO),
        ({"multiValueHeaders": {"Token": ["a"], "token": ["b"]}}, "headers", TWO),
        ({"multiValueHeaders": {"Token": "a"}}, "headers", {}),
        ({"multiValueHeaders": {"Token": [7]}}, "headers", {"token": ("",)}),
        ({"multiValueHeaders": {}, "headers": {"Token": "a"}}, "headers", {}),
        ({"multiValueHeaders": None, "headers": {"TOKEN": "a"}}, "headers", {"token": ("a",)}),
        ({"queryStringParameters": {"L": "de"}}, "query", {"L": ("de",)}),
        # A client can choose `requestId`, but not `extendedRequestId`.
        ({"requestContext": {"requestId": "x", "extendedRequestId": "1"}}, "request_id", "1"),
        ({"requestContext": {"requestId": "1"}}, "request_id", "1"),
        ({"requestContext": None}, "request_id", "lambda-1"),
        ({"body": LIKE}, "body", LIKE.encode()),
        ({"body": LIKE_BASE64, "isBase64Encoded": True}, "body", LIKE.encode()),
        ({"body": LIKE, "isBase64Encoded": True}, "body", None),
        ({"body": LIKE_BASE64 + "=", "isBase64Encoded": True}, "body", None),
        ({"body": "\ud800"}, "body", None),
        ({"body": 7}, "body", None),
    ],
)
def test_each_part_of_an_event_is_read_in_every_form(
    event: dict[str, Any], part: str, value: object
) -> None:
    assert getattr(read(**event), part) == value


def test_a_response_has_its_own_headers_and_the_common_ones() -> None:
    assert Response(status=204).to_proxy("request-1") == {
        "statusCode": 204,
        "headers": {"Cache-Control": "private, no-store", "X-Request-Id": "request-1"},
        "body": "",
        "isBase64Encoded": False,
    }

    cache_status = CacheStatus(fwd="miss", stored=True)
    response = Response(status=200, body="{}", headers={"Age": "9"}, cache_status=cache_status)

    assert response.to_proxy("request-1")["headers"] == {
        "Content-Type": "application/json",
        "Cache-Control": "private, no-store",
        "X-Request-Id": "request-1",
        "Cache-Status": "apple-music-ratings; fwd=miss; stored",
        "Age": "9",
    }


def test_an_error_is_apples_errors_object_and_names_the_invalid_part_of_the_request() -> None:
    error = NotRatedError("no rating")
    response = error_response(error, "request-1", headers={"Age": "9"})

    assert (response.status, response.error) == (404, error)
    assert (response.headers, response.cache_status) == ({"Age": "9"}, None)
    assert response.body == json.dumps(json.loads(response.body), separators=(",", ":"))
    assert json.loads(response.body) == {
        "errors": [
            {
                "id": "request-1",
                "title": "Resource Not Found",
                "detail": "The user has not rated this item.",
                "status": "404",
                "code": "40400",
            }
        ]
    }

    invalid = error_response(InvalidParameterError("ids", "numbers"), "1")
    assert json.loads(invalid.body)["errors"][0]["source"] == {"parameter": "ids"}
