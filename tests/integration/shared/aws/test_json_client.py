"""AWS's JSON protocol over real sockets: requests, signatures, and the codes of errors."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import trustme

from functions.shared.aws.json_client import (
    DYNAMODB,
    SECRETS_MANAGER,
    AwsError,
    JsonClient,
    JsonService,
    trust_store,
)
from functions.shared.http.connection import TrustStore
from tests.fakes.clock import FakeClock
from tests.fakes.origin import (
    Answering,
    certified,
    drips,
    http,
    origin,
    parsed,
    resets,
    sends,
    sends_and_closes,
    stays_silent,
)
from tests.integration.conftest import TABLE, create_cache_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


SECRET = "made-up-secret-key"
ENVIRONMENT = {
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "AKIAMADEUP",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": "session-token",
}


def client(
    url: str,
    service: JsonService = DYNAMODB,
    *,
    environment: Mapping[str, str] = ENVIRONMENT,
    trust: TrustStore | None = None,
    seconds: float = 60,
    clock: Any = time,
) -> JsonClient:
    return JsonClient(
        service,
        {**environment, "AWS_ENDPOINT_URL": url},
        trust=trust or TrustStore(),
        seconds=seconds,
        clock=clock,
    )


@pytest.mark.parametrize(
    ("service", "operation", "name", "target", "version"),
    [
        (DYNAMODB, "BatchGetItem", "dynamodb", "DynamoDB_20120810", "1.0"),
        (SECRETS_MANAGER, "GetSecretValue", "secretsmanager", "secretsmanager", "1.1"),
    ],
)
def test_an_operation_is_one_post_of_json(
    service: JsonService, operation: str, name: str, target: str, version: str
) -> None:
    with origin(sends(http(200, b'{"Responses":{}}'))) as aws:
        response = client(aws.url, service).call(operation, {"a": {"b": []}})

    assert response == {"Responses": {}}
    line, headers, body = parsed(aws.requests[0])
    assert line == "POST / HTTP/1.1"
    assert headers["content-type"] == f"application/x-amz-json-{version}"
    assert headers["x-amz-target"] == f"{target}.{operation}"
    assert headers["x-amz-security-token"] == "session-token"
    assert f"/eu-west-1/{name}/aws4_request" in headers["authorization"]
    assert json.loads(body) == {"a": {"b": []}}


def test_the_request_on_the_wire_is_signed_as_aws_documents_it() -> None:
    """Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html."""
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


@pytest.mark.parametrize(
    "dies", [resets, sends_and_closes(), stays_silent], ids=["RST", "FIN", "silence"]
)
def test_a_call_on_a_dead_kept_connection_is_resent(dies: Answering) -> None:
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
def test_an_error_has_the_services_code_or_else_the_status_and_is_not_retried(
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
        (drips(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"x"), "ExchangeTimeoutError"),
        (sends_and_closes(b""), "ConnectionLostError"),
        (sends(http(200, b"<html>")), "InvalidResponse"),
        (sends(http(200, b"[]")), "InvalidResponse"),
        (sends(http(200, b"")), "InvalidResponse"),
        (sends(http(200, b"[" * 300_000)), "InvalidResponse"),
        (sends(http(200, b"x" * 3_000_000)), "ResponseTooLargeError"),
    ],
    ids=["silence", "a slow body", "FIN", "HTML", "a list", "empty", "nested", "too large"],
)
def test_without_a_valid_response_the_code_names_the_error(answering: Answering, code: str) -> None:
    with origin(answering) as aws, pytest.raises(AwsError, match=f"^{code}$") as raised:
        client(aws.url, seconds=0.3 if "Timeout" in code else 60).call("PutItem", {})

    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_only_the_authorities_in_aws_ca_bundle_are_trusted(tmp_path: Path) -> None:
    trusted, other = trustme.CA(), trustme.CA()
    stores = []
    for name, authority in (("trusted", trusted), ("other", other)):
        authority.cert_pem.write_to_path(str(tmp_path / name))
        stores.append(trust_store({"AWS_CA_BUNDLE": str(tmp_path / name)}))
    with origin(sends(http(200, b"{}")), tls=certified(trusted)) as aws:
        assert client(aws.url, trust=stores[0]).call("PutItem", {}) == {}
        with pytest.raises(AwsError, match=r"^TlsError$"):
            client(aws.url, trust=stores[1]).call("PutItem", {})


def test_without_credentials_nothing_is_sent() -> None:
    with origin(sends(http(200, b"{}"))) as aws, pytest.raises(AwsError, match=r"^NoCredentials$"):
        client(aws.url, environment={"AWS_REGION": "eu-west-1"}).call("PutItem", {})

    assert aws.requests == []


def test_a_function_restored_from_a_snapshot_signs_with_a_local_servers_credentials() -> None:
    document = {
        "AccessKeyId": "ASIASERVED",
        "SecretAccessKey": SECRET,
        "Token": "served-token",
        "Expiration": "2099-01-01T00:00:00Z",
    }
    with (
        origin(sends(http(200, json.dumps(document).encode()))) as server,
        origin(sends(http(200, b"{}"))) as aws,
    ):
        url = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url}
        client(aws.url, environment=IRELAND | url).call("PutItem", {})

    _, headers, _ = parsed(aws.requests[0])
    assert "Credential=ASIASERVED/" in headers["authorization"]
    assert headers["x-amz-security-token"] == "served-token"


def test_a_client_does_not_show_its_credentials() -> None:
    shown = repr(vars(client("http://127.0.0.1:1")))

    assert "dynamodb" in shown
    assert SECRET not in shown
    assert "session-token" not in shown


def test_moto_understands_the_requests(served_aws: None) -> None:
    create_cache_table()
    boto3.client("secretsmanager").create_secret(Name="developer-token", SecretString="made up")
    table, secrets = (
        JsonClient(service, os.environ, trust=TrustStore(), seconds=60, clock=time)
        for service in (DYNAMODB, SECRETS_MANAGER)
    )

    secret = secrets.call("GetSecretValue", {"SecretId": "developer-token"})
    assert secret["SecretString"] == "made up"
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        secrets.call("GetSecretValue", {"SecretId": "another"})
    condition = "attribute_exists(pk)"
    item = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    with pytest.raises(AwsError, match=r"^ConditionalCheckFailedException$"):
        table.call("PutItem", {"TableName": TABLE, "Item": item, "ConditionExpression": condition})


IRELAND = {"AWS_REGION": "eu-west-1"}
ENDPOINT = IRELAND | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1/"}


@pytest.mark.parametrize(
    ("environment", "service", "url"),
    [
        (IRELAND, DYNAMODB, "https://dynamodb.eu-west-1.amazonaws.com"),
        (IRELAND, SECRETS_MANAGER, "https://secretsmanager.eu-west-1.amazonaws.com"),
        (
            {"AWS_DEFAULT_REGION": "us-east-1"},
            DYNAMODB,
            "https://dynamodb.us-east-1.amazonaws.com",
        ),
        (ENDPOINT, DYNAMODB, "http://127.0.0.1:1"),
        (ENDPOINT | {"AWS_ENDPOINT_URL_DYNAMODB": "http://[::1]:2"}, DYNAMODB, "http://[::1]:2"),
        (ENDPOINT | {"AWS_ENDPOINT_URL_DYNAMODB": "x"}, SECRETS_MANAGER, "http://127.0.0.1:1"),
    ],
)
def test_the_endpoint_is_read_from_the_variables_of_the_sdks(
    environment: dict[str, str], service: JsonService, url: str
) -> None:
    client = JsonClient(service, environment, trust=TrustStore(), seconds=1, clock=time)

    assert client.url == url
