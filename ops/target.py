"""Finds the service of a command: a deployed stage by its stack, or a running `make run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from ops.aws import translated
from ops.errors import OperatorError
from ops.local_service import NOT_RUNNING, LocalService
from ops.rotation_log import RotationLog

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

_PROJECT: Final = "apple-music-ratings"
_LOCAL_CREDENTIAL: Final = "local"
_REMOTE: Final = Config(
    connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 4}
)
_LOCAL: Final = Config(
    connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}, proxies={}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One running service: its URL and its secrets.

    `option` selects it on the command line. `signing_key_secret` and `rotation_function` are None
    if the service does not sign its own tokens.
    """

    option: str
    secrets_manager: SecretsManagerClient
    developer_token_secret: str
    signing_key_secret: str | None = None
    rotation_function: str | None = None
    rotation_log: RotationLog | None = None
    api_url: str

    def follow_rotation(self, version: str) -> None:
        """Print the new log lines of the rotation; raise `OperatorError` if a step failed."""
        if self.rotation_log is not None:
            self.rotation_log.follow(version)


def stage_target(stage: str, *, region: str | None) -> Target:
    """Find a deployed stage, or raise an `OperatorError`.

    By default, the region comes from this machine's AWS settings.
    """
    with translated():
        session = boto3.Session(region_name=region)
        outputs = _stack_outputs(session.client("cloudformation", config=_REMOTE), stage)
        secrets_manager = session.client("secretsmanager", config=_REMOTE)
    function = outputs.get("RotationFunction")
    try:
        return Target(
            option=f"--stage {stage}",
            secrets_manager=secrets_manager,
            developer_token_secret=outputs["DeveloperTokenSecret"],
            signing_key_secret=outputs.get("SigningKeySecret"),
            rotation_function=function,
            rotation_log=RotationLog(session, function, _REMOTE) if function else None,
            api_url=outputs["ApiUrl"],
        )
    except KeyError:
        raise OperatorError(
            f"The deployment of {_PROJECT}-{stage} is incomplete: run `make deploy STAGE={stage}` "
            "again."
        ) from None


def _stack_outputs(cloud_formation: Any, stage: str) -> Mapping[str, str]:
    try:
        response = cloud_formation.describe_stacks(StackName=f"{_PROJECT}-{stage}")
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ValidationError":
            raise
        raise OperatorError(
            f"The stack {_PROJECT}-{stage} does not exist in this account and region: deploy it "
            f"with `make deploy STAGE={stage}`, or set the right AWS_PROFILE and AWS_REGION."
        ) from None
    outputs: Sequence[Mapping[str, str]] = response["Stacks"][0].get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def local_target(file: Path) -> Target:
    """Find the running `make run` by its state file, or raise an `OperatorError`."""
    service = LocalService.read(file)
    if not service.is_running():
        raise OperatorError(NOT_RUNNING)
    return Target(
        option="--local",
        secrets_manager=boto3.client(
            "secretsmanager",
            endpoint_url=service.aws_url,
            region_name=service.region,
            aws_access_key_id=_LOCAL_CREDENTIAL,
            aws_secret_access_key=_LOCAL_CREDENTIAL,
            config=_LOCAL,
        ),
        developer_token_secret=service.developer_token_secret,
        api_url=service.api_url,
    )
