"""A Secrets Manager client in memory: secrets, their versions, and the labels of each version."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError


@dataclass
class Version:
    text: str | None
    labels: set[str]


@dataclass
class Secret:
    name: str
    versions: dict[str, Version]
    is_rotated: bool = True
    arn: str = field(init=False)

    def __post_init__(self) -> None:
        self.arn = f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{self.name}-AbCdEf"

    def bearing(self, label: str) -> str | None:
        """The id of the version with that label."""
        return next((i for i, each in self.versions.items() if label in each.labels), None)


class FakeSecretsManager:
    """Answers for its secrets; `calls` is what was asked, `failing` maps a call to an error code.

    It refuses what Secrets Manager refuses: to write a version again, or to move a label away from
    a version that does not bear it.
    """

    def __init__(self) -> None:
        self.secrets: dict[str, Secret] = {}
        self.calls: list[str] = []
        self.failing: dict[str, Exception] = {}

    def create(self, name: str, text: str) -> Secret:
        """Make a secret whose first version is in use."""
        secret = Secret(name, {"first": Version(text, {"AWSCURRENT"})})
        self.secrets[name] = secret
        return secret

    def describe_secret(self, *, SecretId: str) -> Any:  # noqa: N803 - as boto3 has it
        secret = self._called("describe_secret", SecretId)
        return {
            "ARN": secret.arn,
            "Name": secret.name,
            "RotationEnabled": secret.is_rotated,
            "VersionIdsToStages": {
                id_: sorted(version.labels)
                for id_, version in secret.versions.items()
                if version.labels
            },
        }

    def get_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803
        VersionStage: str = "AWSCURRENT",  # noqa: N803
        VersionId: str | None = None,  # noqa: N803
    ) -> Any:
        secret = self._called("get_secret_value", SecretId)
        id_ = VersionId or secret.bearing(VersionStage)
        version = secret.versions.get(id_ or "")
        if version is None:
            raise _refusal("ResourceNotFoundException")
        if VersionStage not in version.labels:
            raise _refusal("InvalidRequestException")
        if version.text is None:
            raise _refusal("ResourceNotFoundException")
        return {"SecretString": version.text, "VersionId": id_}

    def put_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803
        ClientRequestToken: str,  # noqa: N803
        SecretString: str,  # noqa: N803
        VersionStages: list[str],  # noqa: N803
    ) -> None:
        secret = self._called("put_secret_value", SecretId)
        version = secret.versions.setdefault(ClientRequestToken, Version(None, set()))
        if version.text is not None and version.text != SecretString:
            raise _refusal("ResourceExistsException")
        for other in secret.versions.values():
            other.labels -= set(VersionStages)
        version.text, version.labels = SecretString, version.labels | set(VersionStages)

    def update_secret_version_stage(
        self,
        *,
        SecretId: str,  # noqa: N803
        VersionStage: str,  # noqa: N803
        MoveToVersionId: str | None = None,  # noqa: N803
        RemoveFromVersionId: str | None = None,  # noqa: N803
    ) -> None:
        secret = self._called("update_secret_version_stage", SecretId)
        holder = secret.bearing(VersionStage)
        if holder != RemoveFromVersionId and (RemoveFromVersionId or MoveToVersionId != holder):
            raise _refusal("InvalidParameterException")
        if MoveToVersionId is not None and MoveToVersionId not in secret.versions:
            raise _refusal("InvalidParameterException")
        if RemoveFromVersionId is not None:
            secret.versions[RemoveFromVersionId].labels.discard(VersionStage)
        if MoveToVersionId is not None:
            secret.versions[MoveToVersionId].labels.add(VersionStage)
        if VersionStage == "AWSCURRENT" and RemoveFromVersionId is not None:
            for version in secret.versions.values():
                version.labels.discard("AWSPREVIOUS")
            secret.versions[RemoveFromVersionId].labels.add("AWSPREVIOUS")

    def _called(self, name: str, secret_id: str) -> Secret:
        self.calls.append(name)
        if name in self.failing:
            raise self.failing[name]
        for secret in self.secrets.values():
            if secret_id in (secret.name, secret.arn):
                return secret
        raise _refusal("ResourceNotFoundException")


def _refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "refused"}}, "AnyOperation")
