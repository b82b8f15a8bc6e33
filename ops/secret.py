"""One secret in Secrets Manager: its value, its versions, and its rotation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ops.aws import translated

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

_CURRENT: Final = "AWSCURRENT"
_PENDING: Final = "AWSPENDING"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretState:
    """What Secrets Manager tells of a secret without its value.

    `pending_version` is one that a rotation began and did not finish.
    """

    current_version: str | None
    pending_version: str | None
    rotates: bool
    last_rotated: datetime | None
    next_rotation: datetime | None


class Secret:
    """A secret; each method raises `OperatorError` where AWS does not do it."""

    def __init__(self, client: SecretsManagerClient, secret_id: str) -> None:
        self._client = client
        self._id = secret_id

    def value(self) -> str:
        """Read the value in use."""
        with translated():
            answer = self._client.get_secret_value(SecretId=self._id)
        return answer.get("SecretString", "").strip()

    def put(self, value: str) -> None:
        """Make this the value in use, at once."""
        with translated():
            self._client.put_secret_value(SecretId=self._id, SecretString=value)

    def state(self) -> SecretState:
        """Ask how the secret stands."""
        with translated():
            answer = self._client.describe_secret(SecretId=self._id)
        version_of = {
            stage: version
            for version, stages in answer.get("VersionIdsToStages", {}).items()
            for stage in stages
        }
        current, pending = version_of.get(_CURRENT), version_of.get(_PENDING)
        return SecretState(
            current_version=current,
            pending_version=pending if pending != current else None,
            rotates=answer.get("RotationEnabled", False),
            last_rotated=answer.get("LastRotatedDate"),
            next_rotation=answer.get("NextRotationDate"),
        )

    def start_rotation(self) -> str:
        """Have Secrets Manager begin a rotation; give the version that it is to put in use."""
        with translated():
            return self._client.rotate_secret(SecretId=self._id)["VersionId"]

    def give_up(self, pending_version: str) -> None:
        """Leave a version that a rotation did not finish behind, so that another can begin."""
        with translated():
            self._client.update_secret_version_stage(
                SecretId=self._id, VersionStage=_PENDING, RemoveFromVersionId=pending_version
            )
