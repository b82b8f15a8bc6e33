from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk.aws_apigateway import ResponseType

from infra.gateway_errors import GATEWAY_ERRORS, GatewayError

REPOSITORY = Path(__file__).resolve().parents[2]

EXPECTED = {
    (404, "40401"): {"MISSING_AUTHENTICATION_TOKEN", "RESOURCE_NOT_FOUND"},
    (429, "42990"): {"THROTTLED", "QUOTA_EXCEEDED"},
    (400, "40092"): {"BAD_REQUEST_PARAMETERS", "BAD_REQUEST_BODY", "DEFAULT_4XX"},
    (401, "40192"): {"UNAUTHORIZED"},
    (403, "40390"): {
        "ACCESS_DENIED",
        "WAF_FILTERED",
        "INVALID_API_KEY",
        "EXPIRED_TOKEN",
        "INVALID_SIGNATURE",
    },
    (413, "41390"): {"REQUEST_TOO_LARGE"},
    (415, "41590"): {"UNSUPPORTED_MEDIA_TYPE"},
    (504, "50490"): {"INTEGRATION_TIMEOUT"},
    (500, "50090"): {
        "INTEGRATION_FAILURE",
        "API_CONFIGURATION_ERROR",
        "AUTHORIZER_FAILURE",
        "AUTHORIZER_CONFIGURATION_ERROR",
        "DEFAULT_5XX",
    },
}


@pytest.fixture(params=sorted(GATEWAY_ERRORS))
def error(request: pytest.FixtureRequest) -> GatewayError:
    return GATEWAY_ERRORS[request.param]


def test_every_response_type_of_api_gateway_has_its_status_and_code() -> None:
    found: dict[tuple[int, str], set[str]] = {}
    for response_type, error in GATEWAY_ERRORS.items():
        found.setdefault((error.status, error.code), set()).add(response_type)

    assert found == EXPECTED


def test_no_response_type_that_cdk_knows_is_left_out() -> None:
    known = {name for name in vars(ResponseType) if name.isupper() and not name.startswith("_")}

    assert set(GATEWAY_ERRORS) == {
        {"DEFAULT_4_XX": "DEFAULT_4XX", "DEFAULT_5_XX": "DEFAULT_5XX"}.get(name, name)
        for name in known
    }


def test_a_body_is_apples_errors_object(error: GatewayError) -> None:
    assert json.loads(error.body("a-request-id")) == {
        "errors": [
            {
                "id": "a-request-id",
                "title": error.title,
                "detail": error.detail,
                "status": str(error.status),
                "code": error.code,
            }
        ]
    }
    assert error.title
    assert error.detail


def test_a_code_has_five_digits_and_begins_with_its_status(error: GatewayError) -> None:
    assert error.code.startswith(str(error.status))
    assert len(error.code) == 5
    assert error.code.isdigit()


def test_no_text_holds_what_a_template_or_json_would_turn_into_something_else(
    error: GatewayError,
) -> None:
    assert not set("$#'\"\\") & set(error.title + error.detail)


def test_no_error_may_be_stored_and_each_names_its_request(error: GatewayError) -> None:
    headers = error.headers("a-request-id")

    assert headers["Cache-Control"] == "private, no-store"
    assert headers["X-Request-Id"] == "a-request-id"


def test_the_throttled_alone_are_told_when_to_come_back() -> None:
    waits = {
        response_type: error.headers("a-request-id")["Retry-After"]
        for response_type, error in GATEWAY_ERRORS.items()
        if "Retry-After" in error.headers("a-request-id")
    }

    assert waits == {"THROTTLED": "1", "QUOTA_EXCEEDED": "1"}


def test_the_table_needs_nothing_but_the_standard_library() -> None:
    # -S leaves site-packages out, as on a machine that has no AWS library.
    command = "import sys; sys.path.insert(0, sys.argv[1]); import infra.gateway_errors"

    result = subprocess.run(  # noqa: S603 - this interpreter, on this repository
        [sys.executable, "-I", "-S", "-c", command, str(REPOSITORY)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
