"""The two secrets in moto, and a rotation of the developer token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt

from functions.shared.signing import SigningKeyError, signing_key_document
from functions.token_rotation.errors import (
    TokenRotationError,
)
from functions.token_rotation.rotation import Outcome, Rotation, Step, StepResult
from functions.token_rotation.secret_versions import SecretVersions
from tests.fakes.clock import FakeClock
from tests.fakes.signing_keys import KEY_ID, TEAM_ID, p256_key, pem
from tests.integration.token_rotation.conftest import VERSION, client, start_rotation

FIRST = "0a6f1d2e-3c58-4a5c-9a55-7d7a1f4f1c01"
OTHER = "0d0a5a1e-1f5b-4b7a-8a0e-6f6d0a7c9d22"
DAY = 86_400
LIFE = 60 * DAY
PLACEHOLDER = "no developer token yet: put one here"
PEM = pem(p256_key())
KEY = signing_key_document(PEM, KEY_ID, TEAM_ID)
BROKEN_KEY = KEY.replace(KEY_ID, "short")
NO_KEY = "no signing key yet: put one here"

Expected = Outcome | type[TokenRotationError | SigningKeyError]


def token_until(expires_at: float) -> str:
    return jwt.encode({"exp": expires_at}, "a key that no one uses for anything else")


OLD_TOKEN = token_until(1_900_000_000)


class World:
    """The secrets of the token and of the key, and a rotation to VERSION that has just started."""

    def __init__(self, *, key: str = KEY, token: str = OLD_TOKEN) -> None:
        self.client = client("secretsmanager")
        self.clock = FakeClock()
        self.version = VERSION
        self.checked: list[str] = []
        self.apple_error: TokenRotationError | None = None
        for name in ("signing-key", "developer-token"):
            self.client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        self.client.create_secret(Name="signing-key", SecretString=key)
        self.arn = self.client.create_secret(
            Name="developer-token", SecretString=token, ClientRequestToken=FIRST
        )["ARN"]
        start_rotation()

    def check_token(self, token: str) -> None:
        self.checked.append(token)
        if self.apple_error is not None:
            raise self.apple_error

    def secret(self, name: str = "developer-token") -> SecretVersions:
        return SecretVersions(client=self.client, secret_id=name)

    def run(self, step: Step, *, secret_id: str | None = None) -> StepResult:
        rotation = Rotation(
            developer_token=self.secret(),
            signing_key=self.secret("signing-key"),
            check_token=self.check_token,
            clock=self.clock,
            life_seconds=LIFE,
        )
        return rotation.run(step, secret_id=secret_id or self.arn, version_id=self.version)

    def outcome(self, step: Step) -> Expected:
        try:
            return self.run(step).outcome
        except (TokenRotationError, SigningKeyError) as error:
            return type(error)

    def run_all(self) -> list[Expected]:
        return [self.outcome(step) for step in Step]

    def set(self, name: str, text: str) -> None:
        self.client.put_secret_value(SecretId=name, SecretString=text)

    def versions(self) -> dict[str, tuple[str | None, frozenset[str]]]:
        """The text and the labels of each version."""
        labels = self.secret().state().labels
        return {id_: (self.text(id_), frozenset(labels[id_])) for id_ in labels}

    def text(self, version_id: str) -> str | None:
        try:
            value = self.client.get_secret_value(SecretId="developer-token", VersionId=version_id)
        except self.client.exceptions.ResourceNotFoundException:
            return None
        return str(value["SecretString"])

    def in_use(self) -> str:
        return self.secret().current_text()

    def has_pending(self) -> bool:
        return any("AWSPENDING" in each for each in self.secret().state().labels.values())

    @contextmanager
    def failing(self, operation: str, secret: str, error: Exception) -> Iterator[None]:
        def fail(params: dict[str, Any], **_: object) -> None:
            if secret.encode() in params["body"]:
                raise error

        event = f"before-call.secrets-manager.{operation}"
        self.client.meta.events.register(event, fail)
        yield
        self.client.meta.events.unregister(event, fail)
