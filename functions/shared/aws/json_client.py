"""Calls AWS's JSON services over a persistent connection, signed by botocore's signer.

A botocore client needs over twice the CPU time: decision 0051. Only requests on dead connections
are resent: callers treat a slow dependency as unavailable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import botocore
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from functions.shared.aws.credentials import CredentialSource
from functions.shared.deadline import Clock, Deadline
from functions.shared.documents import parse_object
from functions.shared.http.connection import TrustStore
from functions.shared.http.messages import Request, TransportError
from functions.shared.http.transport import Transport

MAX_BODY_BYTES: Final = 393_216  # a hundred ratings take about 50 kB, a secret 64 KiB at most
MAX_IDLE_SECONDS: Final = 60.0

# A reused connection that is silent for this share of a call's time is replaced. For DynamoDB,
# which responds within milliseconds, that is 0.1 s. The new connection has the remaining time.
FIRST_BYTE_SHARE: Final = 1 / 3

_AUTHORITIES: Final = Path(botocore.__file__).with_name("cacert.pem")
_CODE: Final = re.compile(r"(?:[\w.]+#)?([A-Za-z]\w{0,63})", re.ASCII)


class JsonService(NamedTuple):
    """A service: name in signatures, name in variables, target prefix, protocol version.

    Source: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
    """

    name: str
    variable: str
    target: str
    version: str


DYNAMODB: Final = JsonService("dynamodb", "DYNAMODB", "DynamoDB_20120810", "1.0")
SECRETS_MANAGER: Final = JsonService("secretsmanager", "SECRETS_MANAGER", "secretsmanager", "1.1")


class AwsError(Exception):
    """A call failed; `code` is the service's error code, or the class of the transport error.

    If a condition was false, `item` is the stored item.
    """

    def __init__(self, code: str, item: Any = None) -> None:
        super().__init__(code)
        self.code = code
        self.item: Final[Mapping[str, Any]] = item if isinstance(item, dict) else {}


AwsCall = Callable[[str, Mapping[str, Any]], dict[str, Any]]
"""`JsonClient.call`: takes an operation's name and request, returns the response."""


class JsonClient:
    """One JSON service; the AWS SDKs' variables set region, credentials and endpoint URL."""

    def __init__(
        self,
        service: JsonService,
        environment: Mapping[str, str],
        *,
        trust: TrustStore,
        seconds: float,
        clock: Clock,
    ) -> None:
        """Limit each call to `seconds`."""
        self.name: Final = service.name
        self._service = service
        self._seconds = seconds
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", "")
        self.url: Final = (
            environment.get(f"AWS_ENDPOINT_URL_{service.variable}")
            or environment.get("AWS_ENDPOINT_URL")
            or f"https://{service.name}.{region}.amazonaws.com"
        ).rstrip("/")
        self._region = region
        self._credentials = CredentialSource(environment, clock)
        self._clock = clock
        self._transport = Transport(self.url, trust=trust, clock=clock)

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the response to one operation, or raise an `AwsError`."""
        deadline = Deadline.after(self._seconds, self._clock)
        credentials = self._credentials.read(deadline)
        if credentials is None:
            raise AwsError("NoCredentials")
        body = json.dumps(request, separators=(",", ":")).encode()
        signed = AWSRequest(
            method="POST",
            url=f"{self.url}/",
            data=body,
            headers={
                "Content-Type": f"application/x-amz-json-{self._service.version}",
                "X-Amz-Target": f"{self._service.target}.{operation}",
            },
        )
        SigV4Auth(cast("Any", credentials), self.name, self._region).add_auth(signed)
        try:
            response = self._transport.send(
                Request(
                    method="POST",
                    target="/",
                    headers=dict(signed.headers.items()),
                    body=body,
                    max_body_bytes=MAX_BODY_BYTES,
                    max_idle_seconds=MAX_IDLE_SECONDS,
                    first_byte_seconds=self._seconds * FIRST_BYTE_SHARE,
                ),
                deadline,
            )
        except TransportError as error:
            raise AwsError(type(error).__name__) from None
        document = parse_object(response.body or b"")
        if response.status == HTTPStatus.OK:
            if document is None:
                why = response.body_error
                raise AwsError("InvalidResponse" if why is None else type(why).__name__)
            return document
        failure = document or {}
        code = _CODE.fullmatch(str(failure.get("__type", "")))
        raise AwsError(code[1] if code else f"HTTP {response.status}", failure.get("Item"))


def trust_store(environment: Mapping[str, str]) -> TrustStore:
    """The certificate authorities in `AWS_CA_BUNDLE`, else in botocore's file."""
    return TrustStore(environment.get("AWS_CA_BUNDLE") or str(_AUTHORITIES))
