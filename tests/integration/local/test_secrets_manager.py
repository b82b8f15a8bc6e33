"""Secrets Manager on this machine rotates a secret as AWS's does, by calling a function."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from local.aws import LocalAws
from tests.fakes.rotation_function import FakeRotationFunction
from tests.patience import SAFETY_NET_SECONDS

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

ARN = "arn:aws:lambda:us-east-1:123456789012:function:a-function"
SECRET = "a-secret"


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with LocalAws() as aws:
        aws.create_secret(SECRET, "old")
        yield aws


@pytest.fixture
def secrets(aws: LocalAws) -> Iterator[SecretsManagerClient]:
    with closing(aws.secrets_manager()) as secrets:
        yield secrets


@pytest.fixture
def function(aws: LocalAws, secrets: SecretsManagerClient) -> FakeRotationFunction:
    function = FakeRotationFunction(secrets, "new")
    aws.create_function(ARN, function)
    return function


def value(secrets: SecretsManagerClient) -> str:
    return secrets.get_secret_value(SecretId=SECRET)["SecretString"]


def test_a_rotation_takes_four_steps_with_one_pending_version(
    aws: LocalAws, secrets: SecretsManagerClient, function: FakeRotationFunction
) -> None:
    assert aws.rotate_secret(SECRET, function_arn=ARN)
    steps = [event["Step"] for event in function.events]
    assert steps == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    (version,) = {event["ClientRequestToken"] for event in function.events}
    assert secrets.get_secret_value(SecretId=SECRET)["VersionId"] == version
    assert value(secrets) == "new"


def test_who_asks_for_a_rotation_does_not_wait_for_it(
    aws: LocalAws, secrets: SecretsManagerClient, function: FakeRotationFunction
) -> None:
    aws.rotate_secret(SECRET, function_arn=ARN)
    function.new_value = "newer"
    version = secrets.rotate_secret(SecretId=SECRET)["VersionId"]
    end = time.monotonic() + SAFETY_NET_SECONDS
    while secrets.get_secret_value(SecretId=SECRET)["VersionId"] != version:
        assert time.monotonic() < end
    assert value(secrets) == "newer"
    told = secrets.describe_secret(SecretId=SECRET)
    assert told["RotationEnabled"]
    assert told["VersionIdsToStages"][version] == ["AWSPENDING", "AWSCURRENT"]


def test_a_rotation_that_fails_leaves_the_value_and_blocks_the_next_until_it_is_given_up(
    aws: LocalAws, secrets: SecretsManagerClient, function: FakeRotationFunction
) -> None:
    function.failing = "testSecret"
    assert not aws.rotate_secret(SECRET, function_arn=ARN)
    assert value(secrets) == "old"
    pending = function.events[0]["ClientRequestToken"]
    with pytest.raises(secrets.exceptions.InvalidRequestException):
        secrets.rotate_secret(SecretId=SECRET)
    secrets.update_secret_version_stage(
        SecretId=SECRET, VersionStage="AWSPENDING", RemoveFromVersionId=pending
    )
    function.failing = ""
    assert aws.rotate_secret(SECRET, function_arn=ARN)


def test_a_value_put_by_hand_after_a_rotation_is_the_one_in_use(
    aws: LocalAws, secrets: SecretsManagerClient, function: FakeRotationFunction
) -> None:
    aws.rotate_secret(SECRET, function_arn=ARN)
    secrets.put_secret_value(SecretId=SECRET, SecretString="by hand")
    assert value(secrets) == "by hand"
    stages = secrets.describe_secret(SecretId=SECRET)["VersionIdsToStages"].values()
    assert sum("AWSCURRENT" in each for each in stages) == 1


def test_a_secret_without_a_function_does_not_rotate(
    aws: LocalAws, secrets: SecretsManagerClient
) -> None:
    with pytest.raises(secrets.exceptions.InvalidRequestException):
        secrets.rotate_secret(SecretId=SECRET)
    assert value(secrets) == "old"
