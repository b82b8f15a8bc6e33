"""A stage is found by its stack's outputs, and what is missing is told with the way to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from ops.errors import OperatorError
from ops.target import local_target, stack_outputs, target_of_stack

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

SECRETS_MANAGER = cast("SecretsManagerClient", object())
BY_HAND = {"ApiUrl": "https://api.example/dev", "DeveloperTokenSecret": "arn:token"}
ROTATING = {**BY_HAND, "SigningKeySecret": "arn:key", "RotationFunction": "a-function"}


class FakeCloudFormation:
    """Knows one stack."""

    def __init__(self, name: str, outputs: Mapping[str, str]) -> None:
        self._name = name
        self._outputs = outputs

    def describe_stacks(self, *, StackName: str) -> Mapping[str, Any]:  # noqa: N803 - AWS's own name
        if StackName != self._name:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
        outputs = [
            {"OutputKey": name, "OutputValue": value} for name, value in self._outputs.items()
        ]
        return {"Stacks": [{"StackName": StackName, "Outputs": outputs}]}


def test_a_stage_is_the_stack_of_its_name() -> None:
    cloud_formation = FakeCloudFormation("apple-music-ratings-dev", ROTATING)
    target = target_of_stack("dev", stack_outputs(cloud_formation, "dev"), SECRETS_MANAGER)
    assert target.option == "--stage dev"
    assert target.api_url == "https://api.example/dev"
    assert (target.developer_token_secret, target.signing_key_secret) == ("arn:token", "arn:key")
    assert target.log_hint == "the log of the function a-function"


def test_a_stage_without_rotation_has_no_signing_key() -> None:
    assert target_of_stack("dev", BY_HAND, SECRETS_MANAGER).signing_key_secret is None


def test_a_stage_that_is_not_deployed() -> None:
    with pytest.raises(OperatorError, match="deploy it with `make deploy STAGE=prod`"):
        stack_outputs(FakeCloudFormation("apple-music-ratings-dev", ROTATING), "prod")


def test_a_stack_that_was_not_finished() -> None:
    with pytest.raises(OperatorError, match="run `make deploy STAGE=dev` again"):
        target_of_stack("dev", {}, SECRETS_MANAGER)


def test_no_local_service(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="start one with `make run`"):
        local_target(tmp_path / "local.json")
