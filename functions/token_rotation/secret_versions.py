"""The developer token's secret, by its versions and the labels that Secrets Manager stages on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from botocore.exceptions import BotoCoreError, ClientError

from functions.token_rotation.errors import SecretsManagerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_secretsmanager import SecretsManagerClient

CURRENT: Final = "AWSCURRENT"
"""The label of the version in use."""

PENDING: Final = "AWSPENDING"
"""The label of the version that a rotation prepares."""

Label = Literal["AWSCURRENT", "AWSPENDING"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretState:
    """What a secret is, without what it holds: the labels of each version, by its id."""

    names: frozenset[str]
    is_rotated: bool
    labels: Mapping[str, Sequence[str]]

    def has(self, label: Label, version_id: str) -> bool:
        """Say whether that version bears the label."""
        return label in self.labels.get(version_id, ())

    def current(self) -> str | None:
        """Give the id of the version in use."""
        return next((each for each in self.labels if self.has(CURRENT, each)), None)


class SecretVersions:
    """One secret in Secrets Manager.

    Every method raises SecretsManagerError where Secrets Manager fails or refuses.
    """

    def __init__(self, *, client: SecretsManagerClient, secret_id: str) -> None:
        """Speak of the secret of that name or ARN, by `client`."""
        self._client = client
        self._secret_id = secret_id

    def state(self) -> SecretState:
        """Say which versions there are, and which label each bears."""
        answer = self._call(self._client.describe_secret)
        return SecretState(
            names=frozenset({answer["ARN"], answer["Name"]}),
            is_rotated=answer.get("RotationEnabled", False),
            labels=answer.get("VersionIdsToStages", {}),
        )

    def current_text(self) -> str:
        """Give what the version in use holds."""
        return _text(self._call(self._client.get_secret_value, VersionStage=CURRENT))

    def pending_text(self, version_id: str) -> str | None:
        """Give what that version holds; None where it is not pending, or still empty."""
        try:
            answer = self._call(
                self._client.get_secret_value, VersionId=version_id, VersionStage=PENDING
            )
        except _NotFoundError:
            return None
        return _text(answer)

    def put_pending(self, version_id: str, text: str) -> None:
        """Fill the version that a rotation prepares."""
        self._call(
            self._client.put_secret_value,
            ClientRequestToken=version_id,
            SecretString=text,
            VersionStages=[PENDING],
        )

    def make_current(self, version_id: str, *, instead_of: str | None) -> None:
        """Put a version into use; the one before becomes the previous one by that."""
        before = {} if instead_of is None else {"RemoveFromVersionId": instead_of}
        self._call(
            self._client.update_secret_version_stage,
            VersionStage=CURRENT,
            MoveToVersionId=version_id,
            **before,
        )

    def end_pending(self, version_id: str) -> None:
        """Take the label off a version that will not be filled."""
        self._call(
            self._client.update_secret_version_stage,
            VersionStage=PENDING,
            RemoveFromVersionId=version_id,
        )

    def _call(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        name = getattr(operation, "__name__", "call")
        try:
            return operation(SecretId=self._secret_id, **arguments)
        except ClientError as error:
            # The code alone: a message, or a validation error, may quote what was sent.
            code = error.response.get("Error", {}).get("Code", "no code")
            kind = _NotFoundError if code == "ResourceNotFoundException" else SecretsManagerError
            raise kind(f"Secrets Manager, {name}: {code}") from None
        except BotoCoreError as error:
            raise SecretsManagerError(f"Secrets Manager, {name}: {type(error).__name__}") from None


class _NotFoundError(SecretsManagerError):
    """There is no such secret, version, or value."""


def _text(answer: Mapping[str, Any]) -> str:
    text: str = answer.get("SecretString", "")
    return text.strip()
