"""AWS's JSON protocol over real sockets: what is sent, how it is signed, what an answer means."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import trustme

from functions.ratings.aws_json import (
    DYNAMODB,
    SECRETS_MANAGER,
    AwsError,
    AwsJson,
    JsonService,
    trust_store,
)
from functions.ratings.response_cache import DynamoDBResponseCache
from functions.shared.transport import TrustStore
from tests.contracts.response_cache import POLICY, ResponseCacheContract
from tests.fakes.clock import FakeClock
from tests.fakes.origin import (
    Answering,
    drips,
    http,
    origin,
    resets,
    sends,
    sends_and_closes,
    stays_silent,
)
from tests.integration.conftest import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from types_boto3_dynamodb import DynamoDBClient

SECRET = "made-up-secret-key"
ENVIRONMENT = {
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "AKIAMADEUP",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": "session-token",
}


def client(
    url: str,
    kind: JsonService = DYNAMODB,
    *,
    environment: Mapping[str, str] = ENVIRONMENT,
    trust: TrustStore | None = None,
    seconds: float = 60,
    clock: Any = time,
) -> AwsJson:
    return AwsJson(
        kind,
        {**environment, "AWS_ENDPOINT_URL": url},
        trust=trust or TrustStore(),
        seconds=seconds,
        clock=clock,
    )


def parsed(request: bytes) -> tuple[str, dict[str, str], bytes]:
    """The request line, the headers by lower-case names, and the body."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    return line, {name.lower(): value for name, value in headers.items()}, body


def test_an_operation_is_one_post_of_json_and_its_answer_is_json() -> None:
    with origin(sends(http(200, b'{"Responses":{}}'))) as aws:
        answer = client(aws.url).call("BatchGetItem", {"RequestItems": {"t": {"Keys": []}}})

    assert answer == {"Responses": {}}
    line, headers, body = parsed(aws.requests[0])
    assert line == "POST / HTTP/1.1"
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["x-amz-target"] == "DynamoDB_20120810.BatchGetItem"
    assert headers["x-amz-security-token"] == "session-token"
    assert json.loads(body) == {"RequestItems": {"t": {"Keys": []}}}


def test_each_service_is_called_by_its_own_names() -> None:
    with origin(sends(http(200, b"{}"))) as aws:
        client(aws.url, SECRETS_MANAGER).call("GetSecretValue", {"SecretId": "x"})

    _, headers, _ = parsed(aws.requests[0])
    assert headers["content-type"] == "application/x-amz-json-1.1"
    assert headers["x-amz-target"] == "secretsmanager.GetSecretValue"
    assert "/eu-west-1/secretsmanager/aws4_request" in headers["authorization"]


def test_what_goes_over_the_wire_is_signed_as_aws_documents_it() -> None:
    """By the steps of https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html."""
    with origin(sends(http(200, b"{}"))) as aws:
        client(aws.url).call("PutItem", {"TableName": "t", "Item": {"pk": {"S": 'ß"\\'}}})

    _, headers, body = parsed(aws.requests[0])
    scheme, _, rest = headers["authorization"].partition(" ")
    given = dict(part.strip().split("=", 1) for part in rest.split(","))
    names = given["SignedHeaders"].split(";")
    assert {"host", "x-amz-date", "x-amz-security-token", "x-amz-target"} <= set(names)
    canonical = "\n".join(
        (
            *("POST", "/", ""),
            *(f"{name}:{headers[name]}" for name in names),
            *("", ";".join(names)),
            hashlib.sha256(body).hexdigest(),
        )
    )
    _, date, region, service, end = given["Credential"].split("/")
    to_sign = "\n".join(
        (
            *(scheme, headers["x-amz-date"], f"{date}/{region}/{service}/{end}"),
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    key = f"AWS4{SECRET}".encode()
    for part in (date, region, service, end):
        key = hmac.digest(key, part.encode(), "sha256")
    assert hmac.digest(key, to_sign.encode(), "sha256").hex() == given["Signature"]


def test_the_connection_is_kept_for_a_minute() -> None:
    clock = FakeClock()
    clock.monotonic = time.monotonic  # type: ignore[method-assign]  # only the wall clock jumps
    with origin(sends(http(200, b"{}"))) as aws:
        calling = client(aws.url, clock=clock)
        for seconds, connections in ((0, 1), (60, 1), (60.1, 2)):
            clock.advance(seconds)
            calling.call("PutItem", {})
            assert aws.connections == connections


@pytest.mark.parametrize("dies", [resets, sends_and_closes(), stays_silent])
def test_a_kept_connection_that_died_costs_a_call_nothing(dies: Answering) -> None:
    with origin(sends(http(200, b"{}")), dies, sends(http(200, b"{}"))) as aws:
        calling = client(aws.url, seconds=6)
        for _ in range(3):
            assert calling.call("PutItem", {}) == {}

        assert (aws.connections, len(aws.requests)) == (2, 4)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}, "Throttl"),
        (400, {"__type": "AccessDeniedException", "message": "made up"}, "AccessDeniedException"),
        (500, {"__type": 7}, "HTTP 500"),
        (503, [], "HTTP 503"),
        (302, {}, "HTTP 302"),
        (413, "<html>", "HTTP 413"),
        (400, {"__type": "a b"}, "HTTP 400"),
        (400, {"__type": "x" * 65}, "HTTP 400"),
        (400, "[" * 60_000, "HTTP 400"),
    ],
)
def test_a_refusal_is_told_by_its_code_and_never_tried_again(
    status: int, body: Any, code: str
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    with (
        origin(sends(http(status, text.encode(), "Location: https://elsewhere.test/"))) as aws,
        pytest.raises(AwsError) as raised,
    ):
        client(aws.url).call("PutItem", {})

    assert raised.value.code.startswith(code)
    assert "made up" not in str(raised.value)
    assert len(aws.requests) == 1


@pytest.mark.parametrize(
    ("answering", "code"),
    [
        (stays_silent, "ExchangeTimeoutError"),
        (drips(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x"), "ExchangeTimeoutError"),
        (drips(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"x"), "ExchangeTimeoutError"),
        (resets, "ConnectionLostError"),
        (sends_and_closes(b""), "ConnectionLostError"),
        (sends_and_closes(b"nonsense\r\n\r\n"), "InvalidResponseError"),
        (sends(http(200, b"<html>")), "InvalidResponse"),
        (sends(http(200, b"[]")), "InvalidResponse"),
        (sends(http(200, b"")), "InvalidResponse"),
        (sends(http(200, b"[" * 300_000)), "InvalidResponse"),
        (sends(http(200, b"x" * 3_000_000)), "ResponseTooLargeError"),
    ],
)
def test_the_code_says_why_there_is_no_response(answering: Answering, code: str) -> None:
    with origin(answering) as aws, pytest.raises(AwsError, match=f"^{code}$") as raised:
        client(aws.url, seconds=0.3 if "Timeout" in code else 60).call("PutItem", {})

    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_closed_port_and_a_stranger_have_codes_too(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(AwsError, match=r"^ConnectError$"):
        client(f"http://127.0.0.1:{port}").call("PutItem", {})

    trusted, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted.issue_cert("127.0.0.1").configure_cert(context)
    stores = {}
    for name, authority in (("trusted", trusted), ("other", other)):
        authority.cert_pem.write_to_path(str(tmp_path / name))
        stores[name] = trust_store({"AWS_CA_BUNDLE": str(tmp_path / name)})
    with origin(sends(http(200, b"{}")), tls=context) as aws:
        with pytest.raises(AwsError, match=r"^TlsError$"):
            client(aws.url, trust=stores["other"]).call("PutItem", {})
        assert client(aws.url, trust=stores["trusted"]).call("PutItem", {}) == {}


def test_without_credentials_nothing_is_sent() -> None:
    with origin(sends(http(200, b"{}"))) as aws, pytest.raises(AwsError, match=r"^NoCredentials$"):
        client(aws.url, environment={"AWS_REGION": "eu-west-1"}).call("PutItem", {})

    assert aws.requests == []


def test_no_credential_shows_itself() -> None:
    shown = repr(vars(client("http://127.0.0.1:1")))

    assert "dynamodb" in shown
    assert SECRET not in shown
    assert "session-token" not in shown


class TestOverDynamoDB(ResponseCacheContract):
    """The cache by this client keeps the same contract as by boto3's."""

    @pytest.fixture
    def aws(self, served_aws: None) -> None:
        pass

    @pytest.fixture
    def cache(self, dynamodb: DynamoDBClient) -> DynamoDBResponseCache:
        client = AwsJson(DYNAMODB, os.environ, trust=TrustStore(), seconds=60, clock=time)
        return DynamoDBResponseCache(client=client, table_name=TABLE, policy=POLICY)


def test_a_secret_is_read_as_boto3_reads_it(served_aws: None) -> None:
    boto3.client("secretsmanager").create_secret(Name="developer-token", SecretString="made up")

    client = AwsJson(SECRETS_MANAGER, os.environ, trust=TrustStore(), seconds=60, clock=time)

    secret = client.call("GetSecretValue", {"SecretId": "developer-token"})
    assert secret["SecretString"] == "made up"
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        client.call("GetSecretValue", {"SecretId": "another"})


@pytest.mark.parametrize(
    ("environment", "dynamodb", "secrets_manager"),
    [
        (
            {"AWS_REGION": "eu-west-1"},
            "https://dynamodb.eu-west-1.amazonaws.com",
            "https://secretsmanager.eu-west-1.amazonaws.com",
        ),
        (
            {"AWS_DEFAULT_REGION": "us-east-1"},
            "https://dynamodb.us-east-1.amazonaws.com",
            "https://secretsmanager.us-east-1.amazonaws.com",
        ),
        (
            {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1/"},
            "http://127.0.0.1:1",
            "http://127.0.0.1:1",
        ),
        (
            {
                "AWS_REGION": "eu-west-1",
                "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
                "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:2",
            },
            "http://127.0.0.1:2",
            "http://127.0.0.1:1",
        ),
    ],
)
def test_the_environment_says_where_aws_is(
    environment: dict[str, str], dynamodb: str, secrets_manager: str
) -> None:
    for kind, url in ((DYNAMODB, dynamodb), (SECRETS_MANAGER, secrets_manager)):
        assert AwsJson(kind, environment, trust=TrustStore(), seconds=1, clock=time).url == url
