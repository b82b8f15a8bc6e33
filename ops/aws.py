"""Translates AWS's errors for an operator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as AwsConnectionError

from ops.errors import OperatorError

_STS_CONFIG: Final = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 2})
_SIGN_IN: Final = (
    "AWS rejects the credentials in the environment: sign in again, or choose others with "
    "AWS_PROFILE."
)
_BAD_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignature",
        "SignatureDoesNotMatch",
        "UnrecognizedClient",
    }
)
"""Error codes without the suffix `Exception`, which AWS's JSON services add."""


_DEFAULT_REGION: Final = "us-east-1"
"""The CDK's default, if no setting names a region."""


def caller(region: str | None) -> str:
    """Return the account, region and identity of the AWS credentials in use.

    Raises:
        OperatorError: if credentials are missing, or AWS rejects them.
    """
    with translated():
        session = boto3.Session(region_name=region)
        region = session.region_name or _DEFAULT_REGION
        client = session.client("sts", region_name=region, config=_STS_CONFIG)
        identity = client.get_caller_identity()
    return f"account {identity['Account']}, region {region}, as {identity['Arn']}"


@contextmanager
def translated() -> Iterator[None]:
    """Turn exceptions of AWS's SDK into an `OperatorError`.

    AWS's own text is left out, because it may quote the request.
    """
    try:
        yield
    except ClientError as error:
        raise OperatorError(_describe_response(error)) from None
    except BotoCoreError as error:
        raise OperatorError(_describe_sdk_error(error)) from None


def _describe_response(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "").removesuffix("Exception")
    operation = error.operation_name
    if code in _BAD_CREDENTIALS:
        return _SIGN_IN
    if code == "AccessDenied":
        return (
            f"These credentials may not call {operation}: grant the permission, or "
            "choose other credentials with AWS_PROFILE."
        )
    if code == "ResourceNotFound":
        return "The secret does not exist or has no value: deploy the stage again."
    return f"AWS rejected {operation} ({code}): see AWS's documentation of that code."


def _describe_sdk_error(error: BotoCoreError) -> str:
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return "AWS credentials are missing: sign in, or choose some with AWS_PROFILE."
        case SSOError() | TokenRetrievalError():
            return _SIGN_IN
        case ProfileNotFound():
            return "The profile in AWS_PROFILE does not exist on this machine: choose another."
        case NoRegionError():
            return "The AWS region is missing: set AWS_REGION."
        case HTTPClientError() | AwsConnectionError():
            return f"AWS is unreachable ({type(error).__name__}): check the network, try again."
        case _:
            return f"The AWS SDK failed ({type(error).__name__}): check this machine's settings."
