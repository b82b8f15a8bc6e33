"""Finds what a command works on: a deployed stage by its stack, or the service of `make run`."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.state import LocalState, StateError
from ops.aws import translated
from ops.errors import OperatorError

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

_PROJECT: Final = "apple-music-ratings"
_LOCAL_CREDENTIAL: Final = "local"
_REMOTE: Final = Config(
    connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 4}
)
_NEAR: Final = Config(
    connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}, proxies={}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One running service: where it answers, and where its secrets are.

    `option` is what chooses it on the command line. `signing_key_secret` is None where the
    service signs no tokens of its own. `log_hint` says where its rotation function writes.
    """

    option: str
    secrets_manager: SecretsManagerClient
    developer_token_secret: str
    signing_key_secret: str | None
    api_url: str
    log_hint: str


class CloudFormation(Protocol):
    """What is asked of CloudFormation; boto3's client is one."""

    def describe_stacks(self, *, StackName: str) -> Mapping[str, Any]:  # noqa: N803 - AWS's own name
        """Describe the stack of that name."""
        ...


def stage_target(stage: str, *, region: str | None) -> Target:
    """Find a deployed stage, in a region or, by default, in that of this machine's AWS settings.

    Raises:
        OperatorError: where it is not there, or AWS cannot be asked.
    """
    with translated():
        session = boto3.Session(region_name=region)
        outputs = stack_outputs(session.client("cloudformation", config=_REMOTE), stage)
        secrets_manager = session.client("secretsmanager", config=_REMOTE)
    return target_of_stack(stage, outputs, secrets_manager)


def stack_outputs(cloud_formation: CloudFormation, stage: str) -> Mapping[str, str]:
    """Give the outputs of a stage's stack, by name.

    Raises:
        OperatorError: where there is no such stack.
    """
    try:
        with_stack = cloud_formation.describe_stacks(StackName=f"{_PROJECT}-{stage}")
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ValidationError":
            raise
        raise OperatorError(
            f"There is no stack {_PROJECT}-{stage} in this account and region: deploy it with "
            f"`make deploy STAGE={stage}`, or choose another with AWS_PROFILE and AWS_REGION."
        ) from None
    outputs: Sequence[Mapping[str, str]] = with_stack["Stacks"][0].get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def target_of_stack(
    stage: str, outputs: Mapping[str, str], secrets_manager: SecretsManagerClient
) -> Target:
    """Read a stack's outputs.

    Raises:
        OperatorError: where the stack is not there yet, or is of an older release.
    """
    try:
        api_url, token_secret = outputs["ApiUrl"], outputs["DeveloperTokenSecret"]
    except KeyError:
        raise OperatorError(
            f"The stack {_PROJECT}-{stage} is not deployed to its end: run "
            f"`make deploy STAGE={stage}` again."
        ) from None
    function = outputs.get("RotationFunction")
    return Target(
        option=f"--stage {stage}",
        secrets_manager=secrets_manager,
        developer_token_secret=token_secret,
        signing_key_secret=outputs.get("SigningKeySecret"),
        api_url=api_url,
        log_hint=f"the log of the function {function}" if function else "the function's log",
    )


def local_target(file: Path) -> Target:
    """Find the service that `make run` has running on this machine.

    Raises:
        OperatorError: where none runs.
    """
    try:
        state = LocalState.read(file)
        address = urlsplit(state.aws_url)
        socket.create_connection((str(address.hostname), address.port or 0), timeout=2).close()
    except (StateError, OSError):
        raise OperatorError("No local service is running: start one with `make run`.") from None
    return Target(
        option="--local",
        secrets_manager=boto3.client(
            "secretsmanager",
            endpoint_url=state.aws_url,
            region_name=state.region,
            aws_access_key_id=_LOCAL_CREDENTIAL,
            aws_secret_access_key=_LOCAL_CREDENTIAL,
            config=_NEAR,
        ),
        developer_token_secret=state.developer_token_secret,
        signing_key_secret=state.signing_key_secret,
        api_url=state.api_url,
        log_hint="what `make run` prints",
    )
