"""Makes the clients of AWS, with the time-outs that the function's promises rest on.

One attempt each: what is slow is gone on without. `proxies={}` keeps botocore from taking a proxy
out of the environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_secretsmanager import SecretsManagerClient


def dynamodb_client(*, timeout_milliseconds: int) -> DynamoDBClient:
    """Make a client that waits 0.1 s for a connection, and so long for an answer."""
    config = Config(
        connect_timeout=0.1,
        read_timeout=timeout_milliseconds / 1000,
        retries={"total_max_attempts": 1},
        proxies={},
        tcp_keepalive=True,
    )
    return boto3.client("dynamodb", config=config)


def secrets_manager_client() -> SecretsManagerClient:
    """Make a client that takes a second at most."""
    config = Config(
        connect_timeout=0.3, read_timeout=0.7, retries={"total_max_attempts": 1}, proxies={}
    )
    return boto3.client("secretsmanager", config=config)
