"""Says what AWS's errors mean to an operator, once for all commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

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
from botocore.exceptions import ConnectionError as NoConnectionError

from ops.errors import OperatorError

_SIGN_IN: Final = (
    "AWS does not take the credentials in the environment: sign in again, or choose others with "
    "AWS_PROFILE."
)
_NO_CREDENTIALS: Final = "There are no AWS credentials: sign in, or choose some with AWS_PROFILE."
_BAD_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


@contextmanager
def translated() -> Iterator[None]:
    """Turn what AWS's SDK raises into an `OperatorError`.

    AWS's own text is left out, because it may quote what it was sent.
    """
    try:
        yield
    except ClientError as error:
        raise OperatorError(_of_answer(error)) from None
    except BotoCoreError as error:
        raise OperatorError(_of_sdk(error)) from None


def _of_answer(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    operation = error.operation_name
    if code in _BAD_CREDENTIALS:
        return _SIGN_IN
    if code in _DENIED:
        return (
            f"AWS does not let these credentials do {operation}: have that allowed, or choose "
            "others with AWS_PROFILE."
        )
    if code == "ResourceNotFoundException":
        return "AWS has no such secret, or it has no value: deploy the stage again."
    return f"AWS refused {operation} ({code}): look that up in its documentation, then try again."


def _of_sdk(error: BotoCoreError) -> str:
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return _NO_CREDENTIALS
        case SSOError() | TokenRetrievalError():
            return _SIGN_IN
        case ProfileNotFound():
            return "AWS_PROFILE names no profile of this machine: choose another."
        case NoRegionError():
            return "No AWS region is chosen: set AWS_REGION."
        case HTTPClientError() | NoConnectionError():
            return f"AWS does not answer ({type(error).__name__}): look at the network, try again."
        case _:
            return (
                f"AWS cannot be used from here ({type(error).__name__}): "
                "look at the AWS settings of this machine."
            )
