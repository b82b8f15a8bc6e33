"""AWS by moto: in this process for boto3, behind a socket for other clients."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import botocore.session
import pytest
import trustme
import urllib3
from moto import mock_aws
from moto.server import ThreadedMotoServer

from functions.ratings.settings import PARTITION_KEY, SORT_KEY
from tests.fakes.lambda_function import LambdaFunction

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

TABLE = "ratings"

Deploy = Callable[..., LambdaFunction]


@pytest.fixture(autouse=True, scope="session")
def _shared_models() -> Iterator[None]:
    """Parse botocore's models of services once, not once for each botocore session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield


@pytest.fixture
def aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides this machine's own AWS settings."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def aws(aws_settings: None) -> Iterator[None]:
    """An empty account."""
    with mock_aws():
        yield


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    """The URL of moto over HTTP."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it logs every request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def served_aws(aws_settings: None, moto_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty AWS account behind a socket; environment variables have its URL for clients."""
    urllib3.request("POST", f"{moto_server}/moto-api/reset")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server)


@pytest.fixture
def dynamodb(aws: None) -> DynamoDBClient:
    """DynamoDB with an empty cache table."""
    return create_cache_table()


def create_cache_table() -> DynamoDBClient:
    client = boto3.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": PARTITION_KEY, "KeyType": "HASH"},
            {"AttributeName": SORT_KEY, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": PARTITION_KEY, "AttributeType": "S"},
            {"AttributeName": SORT_KEY, "AttributeType": "S"},
        ],
    )
    return client


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def deploy(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Deploy]:
    """Deploys the ratings function; arguments replace the normal responses of Apple and AWS."""
    with ExitStack() as stack:
        yield partial(
            LambdaFunction,
            authority=authority,
            stack=stack,
            monkeypatch=monkeypatch,
            folder=tmp_path,
        )
