"""A rotation function that writes what it is told to, so that what calls it can be tested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.environments import InvocationError

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient


class FakeRotationFunction:
    """Puts `new_value` in use in the order of the steps; fails at the step `failing`, if any."""

    def __init__(self, secrets: SecretsManagerClient, new_value: str) -> None:
        self.new_value = new_value
        self.failing = ""
        self.events: list[dict[str, Any]] = []
        self._secrets = secrets

    def invoke(self, event: dict[str, Any], request_id: str) -> object:
        self.events.append(event)
        step, secret, version = (event[name] for name in ("Step", "SecretId", "ClientRequestToken"))
        versions = self._secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
        assert "AWSPENDING" in versions[version]
        if step == self.failing:
            raise InvocationError("told to fail")
        if step == "createSecret":
            self._secrets.put_secret_value(
                SecretId=secret,
                ClientRequestToken=version,
                SecretString=self.new_value,
                VersionStages=["AWSPENDING"],
            )
        if step == "finishSecret":
            (current,) = (id_ for id_, stages in versions.items() if "AWSCURRENT" in stages)
            self._secrets.update_secret_version_stage(
                SecretId=secret,
                VersionStage="AWSCURRENT",
                MoveToVersionId=version,
                RemoveFromVersionId=current,
            )
        return None
