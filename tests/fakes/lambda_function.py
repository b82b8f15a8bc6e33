"""The ratings function as Lambda runs it, with Apple and AWS on real sockets."""

from __future__ import annotations

import importlib
import json
import re
import socket
import ssl
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import pytest
import trustme

from functions.ratings import resilience
from functions.ratings.apple import developer_token
from functions.ratings.settings import Settings
from functions.shared.aws.json_client import AwsError
from tests.fakes.apple_music import rating
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.origin import Answering, Origin, certified, http, origin, refusing_port, sends
from tests.fakes.ratings_function import ADA, DEVELOPER_JWT, SONG, TABLE

Wire = Literal["http", "https", "no such name", "untrusted", "expired", "other host"]
Answers = tuple[Answering, ...]
"""A server's responses in turn; the last repeats. An empty tuple: it refuses connections."""

LIKE: Final = json.dumps({"type": "rating", "attributes": {"value": 1}})
PLENTY_SECONDS: Final = 60.0
"""Long enough that a busy machine changes no response."""

PLENTY: Final = (PLENTY_SECONDS, PLENTY_SECONDS)
AS_DEPLOYED: Final = (resilience.SHORT_SECONDS, resilience.LONG_SECONDS)
"""How long a read waits for Apple, with and without a stale copy."""


@dataclass(frozen=True)
class Context:
    """Lambda's context object."""

    seconds: float = PLENTY_SECONDS
    aws_request_id: str = "lambda-1"
    function_name: str = "ratings-dev"
    function_version: str = "7"

    def get_remaining_time_in_millis(self) -> int:
        return round(1000 * self.seconds)


def event(method: str = "GET", token: str = ADA.value, **changes: Any) -> dict[str, Any]:
    """Return the gateway's event for a request for `SONG`."""
    return {
        "resource": "/v1/me/ratings/{type}/{id}",
        "httpMethod": method,
        "pathParameters": {"type": SONG.type, "id": SONG.id},
        "multiValueHeaders": {"Music-User-Token": [token]},
        "requestContext": {"extendedRequestId": "gateway-1"},
        "body": LIKE if method == "PUT" else None,
        **changes,
    }


def found(*headers: str) -> Answering:
    """Apple's response to a read of `SONG`, which the user likes."""
    body = json.dumps({"data": [rating("i.a")]}).encode()
    return sends(http(200, body, "Content-Type: application/json", *headers))


def aws_json(body: object, status: int = 200) -> Answering:
    text = json.dumps(body).encode()
    return sends(http(status, text, "Content-Type: application/x-amz-json-1.1"))


def secret(text: object) -> Answers:
    return (aws_json({"SecretString": text}),)


APPLE: Final[Answers] = (found(),)
SECRET: Final[Answers] = secret(DEVELOPER_JWT)


class LambdaFunction:
    """One environment of the function, and the servers that it calls.

    `dynamodb` replaces the `table`. Timeouts are long, so that a busy machine changes no response;
    `apple_seconds=AS_DEPLOYED` uses production's timeouts for Apple. `exchanges` has the
    operations, requests and responses of DynamoDB.
    """

    def __init__(  # noqa: PLR0913 - each peer by its name
        self,
        *,
        authority: trustme.CA,
        stack: ExitStack,
        monkeypatch: pytest.MonkeyPatch,
        folder: Path,
        apple: Answers = APPLE,
        wire: Wire = "http",
        items: Iterable[dict[str, Any]] = (),
        dynamodb: Answers | None = None,
        secrets: Answers = SECRET,
        cache_seconds: float = 3.0,
        secret_seconds: float = PLENTY_SECONDS,
        apple_seconds: tuple[float, float] = PLENTY,
        **variables: str,
    ) -> None:
        self._stack = stack
        self.table = FakeDynamoDB()
        for item in items:
            self.table.items[item["pk"]["S"], item["sk"]["S"]] = item
        apple_url, self.apple = self._serve(apple, _tls(wire, authority))
        self.exchanges: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        answers = (self.use_table,) if dynamodb is None else dynamodb
        dynamodb_url, self.dynamodb = self._serve(answers)
        secrets_url, self.secrets = self._serve(secrets)
        authority.cert_pem.write_to_path(str(folder / "authority.pem"))
        settings = Settings(
            cache_table_name=TABLE,
            developer_token_secret_id="developer-token",
            apple_music_url="https://apple.invalid" if wire == "no such name" else apple_url,
            deadline_seconds=round(PLENTY_SECONDS),
            cache_timeout_milliseconds=round(1000 * cache_seconds),
        )
        for name, value in {
            **settings.to_env(),
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL_DYNAMODB": dynamodb_url,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets_url,
            "POWERTOOLS_SERVICE_NAME": "apple-music-ratings",
            "SSL_CERT_FILE": str(folder / "authority.pem"),
            **variables,
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("SSL_CERT_DIR", raising=False)
        for name, limit in zip(("SHORT_SECONDS", "LONG_SECONDS"), apple_seconds, strict=True):
            monkeypatch.setattr(resilience, name, limit)
        # The module builds its handler when it is imported.
        monkeypatch.delitem(sys.modules, "functions.ratings.handler", raising=False)
        with monkeypatch.context() as building:
            building.setattr(developer_token, "READ_SECONDS", secret_seconds)
            self.handle = importlib.import_module("functions.ratings.handler").lambda_handler

    def call(
        self,
        method: str = "GET",
        token: str = ADA.value,
        *,
        seconds: float = PLENTY_SECONDS,
        **changes: Any,
    ) -> dict[str, Any]:
        response: dict[str, Any] = self.handle(event(method, token, **changes), Context(seconds))
        return response

    def get_list(self, *ids: str) -> dict[str, Any]:
        parameters = {"ids": [",".join(ids)]}
        return self.call(
            resource="/v1/me/ratings/{type}", multiValueQueryStringParameters=parameters
        )

    def calls(self) -> tuple[list[str], int, list[bytes]]:
        """Return and clear DynamoDB's operations, the number of secret reads, Apple's requests."""
        dynamodb, secrets, apple = (
            [] if each is None else each.requests.copy()
            for each in (self.dynamodb, self.secrets, self.apple)
        )
        for each in (self.dynamodb, self.secrets, self.apple):
            if each is not None:
                each.requests.clear()
        return [_operation(request) for request in dynamodb], len(secrets), apple

    def _serve(
        self, answers: Answers, tls: ssl.SSLContext | None = None
    ) -> tuple[str, Origin | None]:
        if not answers:
            return f"http://127.0.0.1:{self._stack.enter_context(refusing_port())}", None
        served = self._stack.enter_context(origin(*answers, tls=tls))
        return served.url, served

    def use_table(self, connection: socket.socket, request: bytes) -> None:
        aws_json(*self.apply(request))(connection, request)

    def apply(self, request: bytes) -> tuple[dict[str, Any], int]:
        """Send a request to the table; return the response and its HTTP status."""
        operation, body = _operation(request), json.loads(request.partition(b"\r\n\r\n")[2])
        response, status = {}, 200
        try:
            response = self.table.call(operation, body)
        except AwsError as error:
            response, status = {"__type": error.code, "Item": error.item}, 400
        self.exchanges.append((operation, body, response))
        return response, status


def _operation(request: bytes) -> str:
    operation = re.search(rb"DynamoDB_20120810\.(\w+)", request)
    assert operation is not None
    return operation[1].decode()


def _tls(wire: Wire, authority: trustme.CA) -> ssl.SSLContext | None:
    if wire in ("http", "no such name"):
        return None
    issuer = trustme.CA() if wire == "untrusted" else authority
    host = "elsewhere.test" if wire == "other host" else "127.0.0.1"
    return certified(
        issuer, host, not_after=datetime(2020, 1, 1, tzinfo=UTC) if wire == "expired" else None
    )


def cache_status(response: Mapping[str, Any]) -> str:
    """The parameters of `Cache-Status`; empty if there is none."""
    header: str = response["headers"].get("Cache-Status", "")
    return header.removeprefix("apple-music-ratings; ")


def error_code(response: Mapping[str, Any]) -> str:
    code: str = json.loads(response["body"])["errors"][0]["code"]
    return code
