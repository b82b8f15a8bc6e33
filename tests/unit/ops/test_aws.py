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

QUOTED = "a text that may contain a secret"


def rejection(code: str) -> ClientError:
    response = {"Error": {"Code": code, "Message": QUOTED}}
    return ClientError(response, "RotateSecret")  # type: ignore[arg-type]  # the parts that are read


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (rejection("ExpiredTokenException"), "sign in again"),
        (rejection("UnrecognizedClientException"), "sign in again"),
        (rejection("InvalidClientTokenId"), "sign in again"),
        (rejection("AccessDeniedException"), "may not call RotateSecret: grant the permission"),
        (rejection("ResourceNotFoundException"), "deploy the stage again"),
        (rejection("InternalServiceError"), r"rejected RotateSecret \(InternalServiceError\)"),
        (NoCredentialsError(), "credentials are missing: sign in"),
        (UnauthorizedSSOTokenError(), "sign in again"),
        (ProfileNotFound(profile=QUOTED), "choose another"),
        (NoRegionError(), "set AWS_REGION"),
        (EndpointConnectionError(endpoint_url=QUOTED), "check the network"),
        (UnknownEndpointError(service_name=QUOTED, region_name="-"), "machine's settings"),
    ],
)
def test_an_error_says_what_to_do_without_awss_own_text(
    error: ClientError | BotoCoreError, expected: str
) -> None:
    with pytest.raises(OperatorError, match=expected) as raised, translated():
        raise error
    assert QUOTED not in str(raised.value)
    assert "\n" not in str(raised.value)
