"""AWS's JSON protocol over real sockets: what is sent, how it is signed, what an answer means."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
import trustme
import urllib3
from botocore import exceptions

from functions.ratings.aws_clients import AwsClients
from functions.ratings.aws_json import DYNAMODB, SECRETS_MANAGER, Account, AwsJson, Credentials
from functions.ratings.developer_token import READ_SECONDS
from functions.ratings.response_cache import DynamoDBResponseCache
from tests.contracts.response_cache import POLICY, ResponseCacheContract
from tests.fakes.origin import (
    Answering,
    http,
    origin,
    resets,
    sends,
    sends_and_closes,
    stays_silent,
)
from tests.integration.conftest import TABLE
from tests.patience import LATE_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from types_boto3_dynamodb import DynamoDBClient

SECRET = "made-up-secret-key"
ACCOUNT = Account(
    region="eu-west-1",
    credentials=Credentials(access_key="AKIAMADEUP", secret_key=SECRET, token="session-token"),
)
SOON = urllib3.Timeout(connect=2.0, read=1.0)
AUTHORITIES = "/dev/null"


def dynamodb(url: str, account: Account = ACCOUNT, authorities: str = AUTHORITIES) -> AwsJson:
    return AwsJson(DYNAMODB, url=url, account=account, timeout=SOON, authorities=authorities)


def parsed(request: bytes) -> tuple[str, dict[str, str], bytes]:
    """The request line, the headers by lower-case names, and the body."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    return line, {name.lower(): value for name, value in headers.items()}, body


def test_an_operation_is_one_post_of_json_and_its_answer_is_json() -> None:
    with origin(sends(http(200, b'{"Responses":{}}'))) as aws:
        answer = dynamodb(aws.url).call("BatchGetItem", {"RequestItems": {"t": {"Keys": []}}})

    assert answer == {"Responses": {}}
    line, headers, body = parsed(aws.requests[0])
    assert line == "POST / HTTP/1.1"
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["x-amz-target"] == "DynamoDB_20120810.BatchGetItem"
    assert headers["x-amz-security-token"] == "session-token"
    assert json.loads(body) == {"RequestItems": {"t": {"Keys": []}}}


def test_each_service_is_called_by_its_own_names() -> None:
    with origin(sends(http(200, b"{}"))) as aws:
        AwsJson(
            SECRETS_MANAGER, url=aws.url, account=ACCOUNT, timeout=SOON, authorities=AUTHORITIES
        ).call("GetSecretValue", {"SecretId": "x"})

    _, headers, _ = parsed(aws.requests[0])
    assert headers["content-type"] == "application/x-amz-json-1.1"
    assert headers["x-amz-target"] == "secretsmanager.GetSecretValue"
    assert "/eu-west-1/secretsmanager/aws4_request" in headers["authorization"]


def test_what_goes_over_the_wire_is_signed_as_aws_documents_it() -> None:
    """By the steps of https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html."""
    with origin(sends(http(200, b"{}"))) as aws:
        dynamodb(aws.url).call("PutItem", {"TableName": "t", "Item": {"pk": {"S": 'ß"\\'}}})

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


def test_the_connection_is_kept_and_another_is_made_where_it_has_died() -> None:
    with origin(sends(http(200, b"{}"))) as aws:
        client = dynamodb(aws.url)
        for _ in range(3):
            client.call("PutItem", {})
        assert (aws.connections, len(aws.requests)) == (1, 3)

    with origin(sends_and_closes(http(200, b"{}"))) as aws:
        client = dynamodb(aws.url)
        for _ in range(3):
            client.call("PutItem", {})
            time.sleep(0.05)
        assert (aws.connections, len(aws.requests)) == (3, 3)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}, "Throttl"),
        (400, {"__type": "AccessDeniedException", "message": "made up"}, "AccessDeniedException"),
        (500, {"__type": 7}, "HTTP 500"),
        (503, [], "HTTP 503"),
        (302, {}, "HTTP 302"),
        (413, "<html>", "HTTP 413"),
    ],
)
def test_a_refusal_is_told_by_its_code_and_never_tried_again(
    status: int, body: Any, code: str
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    with (
        origin(sends(http(status, text.encode(), "Location: https://elsewhere.test/"))) as aws,
        pytest.raises(exceptions.ClientError) as raised,
    ):
        dynamodb(aws.url).call("PutItem", {})

    assert raised.value.response["Error"]["Code"].startswith(code)
    assert "made up" not in str(raised.value)
    assert len(aws.requests) == 1


@pytest.mark.parametrize(
    ("answering", "error"),
    [
        (stays_silent, exceptions.ReadTimeoutError),
        (resets, exceptions.ConnectionClosedError),
        (sends_and_closes(b""), exceptions.ConnectionClosedError),
        (sends_and_closes(b"nonsense\r\n\r\n"), exceptions.ConnectionClosedError),
        (sends(http(200, b"<html>")), exceptions.BotoCoreError),
        (sends(http(200, b"[]")), exceptions.BotoCoreError),
        (sends(http(200, b"")), exceptions.BotoCoreError),
    ],
)
def test_no_answer_is_told_as_botocores_clients_tell_it(
    answering: Answering, error: type[Exception]
) -> None:
    started = time.monotonic()
    with origin(answering) as aws, pytest.raises(error):
        dynamodb(aws.url).call("PutItem", {})

    assert time.monotonic() - started < 0.5 + LATE_SECONDS


def test_nobody_there_and_a_stranger_there_are_told_too(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(exceptions.EndpointConnectionError):
        dynamodb(f"http://127.0.0.1:{port}").call("PutItem", {})

    trusted, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted.issue_cert("127.0.0.1").configure_cert(context)
    for name, authority in (("trusted", trusted), ("other", other)):
        authority.cert_pem.write_to_path(str(tmp_path / name))
    with origin(sends(http(200, b"{}")), tls=context) as aws:
        with pytest.raises(exceptions.SSLError):
            dynamodb(aws.url, authorities=str(tmp_path / "other")).call("PutItem", {})
        assert dynamodb(aws.url, authorities=str(tmp_path / "trusted")).call("PutItem", {}) == {}


def test_without_credentials_nothing_is_sent() -> None:
    with origin(sends(http(200, b"{}"))) as aws, pytest.raises(exceptions.NoCredentialsError):
        dynamodb(aws.url, Account(region="eu-west-1", credentials=None)).call("PutItem", {})

    assert aws.requests == []


def test_no_credential_shows_itself() -> None:
    assert SECRET not in repr(ACCOUNT)
    assert "session-token" not in repr(ACCOUNT)


class TestOverDynamoDB(ResponseCacheContract):
    """The cache by this client keeps the same contract as by boto3's."""

    @pytest.fixture
    def aws(self, served_aws: None) -> None:
        pass

    @pytest.fixture
    def cache(self, dynamodb: DynamoDBClient) -> DynamoDBResponseCache:
        client = AwsClients(os.environ).dynamodb(timeout_milliseconds=2_000)
        return DynamoDBResponseCache(client=client, table_name=TABLE, policy=POLICY)


def test_a_secret_is_read_as_boto3_reads_it(served_aws: None) -> None:
    boto3.client("secretsmanager").create_secret(Name="developer-token", SecretString="made up")

    client = AwsClients(os.environ).secrets_manager()

    assert client.get_secret_value(SecretId="developer-token")["SecretString"] == "made up"
    with pytest.raises(exceptions.ClientError, match="ResourceNotFoundException"):
        client.get_secret_value(SecretId="another")


def pool(client: Any) -> Any:
    return cast("Any", client)._aws._pool


@pytest.mark.parametrize(
    ("environment", "cache", "secrets"),
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
    environment: dict[str, str], cache: str, secrets: str
) -> None:
    clients = AwsClients(environment)

    for client, url in (
        (clients.dynamodb(timeout_milliseconds=200), cache),
        (clients.secrets_manager(), secrets),
    ):
        at = pool(client)
        port = "" if at.scheme == "https" else f":{at.port}"
        assert f"{at.scheme}://{at.host}{port}" == url


def test_the_clients_wait_no_longer_than_the_promises_allow() -> None:
    clients = AwsClients({"AWS_REGION": "eu-west-1"})

    for client, seconds in (
        (clients.dynamodb(timeout_milliseconds=200), 0.3),
        (clients.secrets_manager(), READ_SECONDS),
    ):
        timeout = pool(client).timeout
        assert timeout.connect_timeout + timeout.read_timeout == pytest.approx(seconds)
