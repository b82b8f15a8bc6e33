"""A secret in Secrets Manager: its versions, their texts and their staging labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from functions.token_rotation.errors import SecretsManagerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_secretsmanager import SecretsManagerClient

CURRENT: Final = "AWSCURRENT"
PENDING: Final = "AWSPENDING"
"""The labels of the version in use, and of the version that a rotation prepares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretState:
    """A secret's names (ARN and name) and the labels of each version, by version id."""

    names: frozenset[str]
    rotation_enabled: bool
    labels: Mapping[str, Sequence[str]]

    def has(self, label: str, version_id: str) -> bool:
        """Return whether the version has the label."""
        return label in self.labels.get(version_id, ())

    def current(self) -> str | None:
        """Return the id of the version in use."""
        return next((id_ for id_ in self.labels if self.has(CURRENT, id_)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretVersions:
    """One secret, by its name or ARN; every method raises SecretsManagerError if AWS fails."""

    client: SecretsManagerClient
    secret_id: str

    def state(self) -> SecretState:
        """Return the secret's state, without its texts."""
        response = self._call(self.client.describe_secret)
        return SecretState(
            names=frozenset({response["ARN"], response["Name"]}),
            rotation_enabled=response.get("RotationEnabled", False),
            labels=response.get("VersionIdsToStages", {}),
        )

    def current_text(self) -> str:
        """Return the text of the version in use."""
        return self._text(VersionStage=CURRENT)

    def pending_text(self, version_id: str) -> str | None:
        """Return the version's text; None if the version does not exist or is empty."""
        try:
            return self._text(VersionId=version_id, VersionStage=PENDING)
        except SecretsManagerError as error:
            if error.code == "ResourceNotFoundException":
                return None
            raise

    def set_pending(self, version_id: str, text: str) -> None:
        """Set the text of the version that a rotation prepares."""
        self._call(
            self.client.put_secret_value,
            ClientRequestToken=version_id,
            SecretString=text,
            VersionStages=[PENDING],
        )

    def make_current(self, version_id: str, *, instead_of: str | None) -> None:
        """Put a version into use; AWS labels the replaced version AWSPREVIOUS."""
        self._move(CURRENT, MoveToVersionId=version_id, RemoveFromVersionId=instead_of)

    def end_pending(self, version_id: str) -> None:
        """Remove the label AWSPENDING: the version will not come into use."""
        self._move(PENDING, RemoveFromVersionId=version_id)

    def _move(self, label: str, **version_ids: str | None) -> None:
        given = {name: id_ for name, id_ in version_ids.items() if id_ is not None}
        self._call(self.client.update_secret_version_stage, VersionStage=label, **given)

    def _text(self, **version: str) -> str:
        text: str = self._call(self.client.get_secret_value, **version).get("SecretString", "")
        return text.strip()

    def _call(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        try:
            return operation(SecretId=self.secret_id, **arguments)
        except (BotoCoreError, ClientError) as error:
            # Only the code: the message of AWS, or of a validation error, may quote the secret.
            code = type(error).__name__
            if isinstance(error, ClientError):
                code = error.response.get("Error", {}).get("Code", "no code")
            raise SecretsManagerError(operation.__name__, code) from None
