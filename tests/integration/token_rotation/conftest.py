"""Moto, whose Secrets Manager calls an empty function; the tests run the rotation steps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

VERSION = "5f9d5cf5-7b5e-4a32-9b51-3f1f7c0e3b11"


@cache
def client(service: Any) -> Any:
    """Return a client that all tests share: creating one takes longer than a test."""
    return boto3.client(service)


@pytest.fixture
def aws(aws_settings: None) -> Iterator[None]:
    with mock_aws(config={"lambda": {"use_docker": False}}):
        role = client("iam").create_role(RoleName="rotation", AssumeRolePolicyDocument="{}")
        client("lambda").create_function(
            FunctionName="rotation",
            Runtime="python3.13",
            Handler="handler.handle",
            Role=role["Role"]["Arn"],
            Code={"ZipFile": b"made up"},
        )
        yield


def start_rotation(version_id: str = VERSION) -> None:
    client("secretsmanager").rotate_secret(
        SecretId="developer-token",
        ClientRequestToken=version_id,
        RotationLambdaARN="arn:aws:lambda:eu-west-1:123456789012:function:rotation",
        RotationRules={"AutomaticallyAfterDays": 29},
    )
