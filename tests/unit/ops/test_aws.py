"""What AWS refuses is told in one line that says what to do, without AWS's own words."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
    UnknownEndpointError,
)

from ops.aws import translated
from ops.errors import OperatorError

CANARY = "canary-secret-of-made-up-words"


def refusal(code: str) -> ClientError:
    answer = {"Error": {"Code": code, "Message": f"no {CANARY}"}}
    return ClientError(answer, "RotateSecret")  # type: ignore[arg-type]  # what is read of it


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (refusal("ExpiredTokenException"), "sign in again"),
        (refusal("UnrecognizedClientException"), "sign in again"),
        (refusal("AccessDeniedException"), "do RotateSecret: have that allowed"),
        (refusal("ResourceNotFoundException"), "deploy the stage again"),
        (refusal("InternalServiceError"), r"refused RotateSecret \(InternalServiceError\)"),
        (NoCredentialsError(), "no AWS credentials: sign in"),
        (UnauthorizedSSOTokenError(), "sign in again"),
        (ProfileNotFound(profile=CANARY), "choose another"),
        (NoRegionError(), "set AWS_REGION"),
        (EndpointConnectionError(endpoint_url=CANARY), "look at the network"),
        (UnknownEndpointError(service_name=CANARY, region_name="-"), "look at the AWS settings"),
    ],
)
def test_an_error_says_what_to_do(error: ClientError | BotoCoreError, told: str) -> None:
    with pytest.raises(OperatorError, match=told) as raised, translated():
        raise error
    assert CANARY not in str(raised.value)
    assert "\n" not in str(raised.value)
