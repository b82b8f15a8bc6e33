"""Calls AWS's JSON services over a kept connection, signed by botocore's own signer.

botocore's clients do the same and much more, for twice the time of a call: decision 51.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import urllib3
from botocore import exceptions as aws_errors
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from urllib3 import exceptions
from urllib3.connection import HTTPConnection

_KEEP_ALIVE: Final = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonService:
    """How a service is spoken to: its name in signatures, what its operations are called by.

    Source: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
    """

    name: str
    target: str
    version: str


DYNAMODB: Final = JsonService(name="dynamodb", target="DynamoDB_20120810", version="1.0")
SECRETS_MANAGER: Final = JsonService(name="secretsmanager", target="secretsmanager", version="1.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the signer reads of credentials; the module of botocore's own takes long to import."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """As whom and where AWS is called; without credentials every call fails."""

    region: str
    credentials: Credentials | None


class ResponseError(aws_errors.BotoCoreError):
    """An answer that is not what the protocol has."""

    fmt = "{service}: not an answer"


class AwsJson:
    """One JSON service at one endpoint."""

    def __init__(
        self,
        service: JsonService,
        *,
        url: str,
        account: Account,
        timeout: urllib3.Timeout,
        authorities: str,
    ) -> None:
        """Call `url` within `timeout`, and trust the `authorities` in that file alone."""
        self.name: Final = service.name
        self._target = service.target
        self._url = f"{url}/"
        self._signer = SigV4Auth(cast("Any", account.credentials), service.name, account.region)
        self._content_type = f"application/x-amz-json-{service.version}"
        trust = {"ca_certs": authorities} if url.startswith("https:") else {}
        self._pool = urllib3.connection_from_url(
            url,
            maxsize=1,
            retries=False,
            timeout=timeout,
            socket_options=[*HTTPConnection.default_socket_options, _KEEP_ALIVE],
            **trust,
        )

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Give the service's answer to one operation, asked for once.

        Raises:
            ClientError: where the service refuses; its code says why.
            BotoCoreError: where there is no answer, as botocore's clients have it.
        """
        body = json.dumps(request, separators=(",", ":")).encode()
        target = f"{self._target}.{operation}"
        signed = AWSRequest(
            method="POST",
            url=self._url,
            data=body,
            headers={"Content-Type": self._content_type, "X-Amz-Target": target},
        )
        self._signer.add_auth(signed)
        try:
            answer = self._pool.urlopen(
                "POST", "/", body=body, headers=dict(signed.headers.items()), redirect=False
            )
        except exceptions.HTTPError as error:
            raise _no_answer(error, self._url) from None
        document = _document(answer.data)
        if answer.status == 200:  # noqa: PLR2004 - the only status of success
            if document is None:
                raise ResponseError(service=self.name)
            return document
        raise aws_errors.ClientError({"Error": {"Code": _code(document, answer.status)}}, operation)


def _no_answer(error: exceptions.HTTPError, url: str) -> aws_errors.BotoCoreError:
    """Say by which of botocore's exceptions its own clients would tell of that."""
    if isinstance(error, exceptions.NewConnectionError):  # a TimeoutError by descent
        return aws_errors.EndpointConnectionError(endpoint_url=url)
    if isinstance(error, exceptions.ConnectTimeoutError):
        return aws_errors.ConnectTimeoutError(endpoint_url=url)
    if isinstance(error, exceptions.ReadTimeoutError):
        return aws_errors.ReadTimeoutError(endpoint_url=url)
    if isinstance(error, exceptions.SSLError):
        return aws_errors.SSLError(endpoint_url=url, error=error)
    return aws_errors.ConnectionClosedError(endpoint_url=url)


def _document(data: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(data)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _code(document: Mapping[str, Any] | None, status: int) -> str:
    """Read the error's code, which comes behind a namespace, or not."""
    kind = (document or {}).get("__type")
    return kind.rpartition("#")[2] if isinstance(kind, str) else f"HTTP {status}"
