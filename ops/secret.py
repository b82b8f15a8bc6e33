"""One secret in Secrets Manager: its value, its versions and its rotation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from functions.shared.deadline import Clock
from ops.aws import translated
from ops.errors import OperatorError

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

_CURRENT: Final = "AWSCURRENT"
_PENDING: Final = "AWSPENDING"
_POLL_SECONDS: Final = 1.0


class RotationTimeoutError(Exception):
    """The current version did not change in time; it may still change later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretState:
    """A secret's metadata; `pending_version` belongs to an unfinished rotation."""

    current_version: str | None
    pending_version: str | None
    rotates: bool
    last_rotated: datetime | None
    next_rotation: datetime | None


class Secret:
    """A secret; each method raises `OperatorError` if AWS fails."""

    def __init__(self, client: SecretsManagerClient, secret_id: str) -> None:
        self._client = client
        self._id = secret_id

    def value(self) -> str:
        """Read the current value."""
        with translated():
            response = self._client.get_secret_value(SecretId=self._id)
        return response.get("SecretString", "").strip()

    def put(self, value: str) -> None:
        """Replace the current value."""
        with translated():
            self._client.put_secret_value(SecretId=self._id, SecretString=value)

    def state(self) -> SecretState:
        """Read the metadata."""
        with translated():
            response = self._client.describe_secret(SecretId=self._id)
        version_of = {
            stage: version
            for version, stages in response.get("VersionIdsToStages", {}).items()
            for stage in stages
        }
        current, pending = version_of.get(_CURRENT), version_of.get(_PENDING)
        return SecretState(
            current_version=current,
            pending_version=pending if pending != current else None,
            rotates=response.get("RotationEnabled", False),
            last_rotated=response.get("LastRotatedDate"),
            next_rotation=response.get("NextRotationDate"),
        )

    def abandon(self, pending_version: str) -> None:
        """Remove the label AWSPENDING of an unfinished rotation: a new rotation can then start."""
        with translated():
            self._client.update_secret_version_stage(
                SecretId=self._id, VersionStage=_PENDING, RemoveFromVersionId=pending_version
            )

    def rotate(
        self,
        *,
        timeout_seconds: float,
        follow: Callable[[str], None],
        clock: Clock,
        sleep: Callable[[float], None],
    ) -> None:
        """Rotate, and return once the new version is current.

        Secrets Manager does not announce the end, so this polls, and calls `follow` with the new
        version's id at each poll.

        Raises:
            RotationTimeoutError: if the rotation takes longer than `timeout_seconds`.
            OperatorError: if the rotation ended without a new version.
        """
        end = clock.monotonic() + timeout_seconds
        with translated():
            version = self._client.rotate_secret(SecretId=self._id)["VersionId"]
        was_pending = False
        while (state := self.state()).current_version != version:
            follow(version)
            if was_pending and state.pending_version != version:
                raise OperatorError(
                    "The signing key is missing, or the rotation was abandoned. Put a key with "
                    "`put-signing-key` if there is none, then rotate again."
                )
            if clock.monotonic() >= end:
                raise RotationTimeoutError
            was_pending = state.pending_version == version
            sleep(_POLL_SECONDS)
