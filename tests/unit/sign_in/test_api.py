from __future__ import annotations

import json
from typing import Any

import pytest

from functions.sign_in import errors
from functions.sign_in.api import Response, SignInRequest
from functions.sign_in.tokens import DeveloperToken, IssuedToken

PAGE = "https://app.example"
ALLOWED = (PAGE, "http://localhost:3000")
ISSUED = IssuedToken(
    DeveloperToken(jwt="a-signed-token", issued_at=1_767_225_600, expires_at=1_767_226_500),
    is_new=True,
)
COMMON = {
    "Content-Type": "application/json",
    "Cache-Control": "private, no-store",
    "Vary": "Origin",
    "X-Request-Id": "request-1",
}


def request(**event: Any) -> SignInRequest:
    return SignInRequest.from_event(event, fallback_request_id="lambda-1")


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({}, None),
        (None, None),
        ({"Accept": ["*/*"]}, None),
        ({"Origin": [PAGE]}, PAGE),
        ({"origin": ["http://localhost:3000"]}, "http://localhost:3000"),
    ],
)
def test_an_app_has_no_origin_and_an_allowed_page_has_its_own(
    headers: object, origin: str | None
) -> None:
    assert request(multiValueHeaders=headers).allowed_origin(ALLOWED) == origin


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ["https://other.example"]},
        {"Origin": ["null"]},
        {"Origin": ["*"]},
        {"Origin": [""]},
        {"Origin": [None]},
        {"Origin": [PAGE.upper()]},
        {"Origin": [PAGE + "/"]},
        {"Origin": [PAGE + ":443"]},
        {"Origin": [PAGE + ".other.example"]},
        {"Origin": ["http://app.example"]},
        {"Origin": ["http://localhost:3001"]},
        {"Origin": [f"{PAGE} http://localhost:3000"]},
        {"Origin": [PAGE, PAGE]},
        {"Origin": [PAGE], "origin": ["http://localhost:3000"]},
    ],
)
def test_every_other_origin_is_rejected(headers: dict[str, list[Any]]) -> None:
    with pytest.raises(errors.OriginNotAllowedError):
        request(multiValueHeaders=headers).allowed_origin(ALLOWED)


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"extendedRequestId": "gateway-1", "requestId": "a client's"}, "gateway-1"),
        ({"requestId": "request-1"}, "request-1"),
        ({"extendedRequestId": 7}, "lambda-1"),
        (None, "lambda-1"),
    ],
)
def test_the_request_id_is_the_gateways_or_else_lambdas(context: object, expected: str) -> None:
    assert request(requestContext=context).request_id == expected
    assert SignInRequest.from_event(None, fallback_request_id="a").request_id == "a"


@pytest.mark.parametrize("origin", [None, PAGE])
def test_a_token_is_returned_with_its_expiry_and_only_the_page_itself_may_read_it(
    origin: str | None,
) -> None:
    response = Response(request_id="request-1", result=ISSUED, origin=origin).to_proxy()

    readable = {
        "Access-Control-Allow-Origin": PAGE,
        "Access-Control-Expose-Headers": "Retry-After, X-Request-Id",
    }
    assert response == {
        "statusCode": 200,
        "headers": COMMON if origin is None else {**COMMON, **readable},
        "body": '{"token":"a-signed-token","expiresAt":"2026-01-01T00:15:00Z"}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("error", errors.SignInError.__subclasses__())
def test_every_error_has_apples_form(error: type[errors.SignInError]) -> None:
    response = Response(request_id="request-1", result=error("a reason"), origin=None).to_proxy()

    assert error.code.startswith(str(error.status))
    assert error.detail.endswith(".")
    wait = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    assert (response["statusCode"], response["headers"]) == (error.status, {**COMMON, **wait})
    (described,) = json.loads(response["body"])["errors"]
    assert described == {
        "id": "request-1",
        "title": error.title,
        "detail": error.detail,
        "status": str(error.status),
        "code": error.code,
    }
