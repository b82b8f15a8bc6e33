"""Secrets Manager as moto has it, and rotation, which moto would need Docker for."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from moto.secretsmanager.exceptions import InvalidRequestException, SecretNotFoundException
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend

from local.environments import Function, InvocationError, NoEnvironmentError

STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")
"""What a rotation function is called for, in this order.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

_CURRENT: Final = "AWSCURRENT"
_PENDING: Final = "AWSPENDING"


class SecretsManager(SecretsManagerBackend):
    """Moto's backend of one account and region, which calls `functions` (by ARN) to rotate.

    As in AWS, a rotation goes on after the call that began it, and one that fails leaves its
    version pending. Unlike AWS, nothing is tried again, and nothing rotates by a schedule.
    """

    # Moto looks for a backend's URLs beside the module of its class.
    __module__ = SecretsManagerBackend.__module__

    def __init__(
        self, region_name: str, account_id: str, *, functions: Mapping[str, Function]
    ) -> None:
        super().__init__(region_name, account_id)
        self._functions = functions
        self._rotation: threading.Thread | None = None

    def rotate_secret(
        self,
        secret_id: str,
        client_request_token: str | None = None,
        rotation_lambda_arn: str | None = None,
        rotation_rules: dict[str, Any] | None = None,  # noqa: ARG002 - nothing rotates by a schedule
        rotate_immediately: bool = True,  # noqa: FBT001, FBT002 - moto's own signature
    ) -> str:
        """Begin a rotation, by the function named now or before."""
        if not rotate_immediately:
            raise InvalidRequestException("Here a secret is rotated immediately or not at all.")
        secret = self._secret(secret_id)
        function_arn = rotation_lambda_arn or secret.rotation_lambda_arn
        if function_arn not in self._functions:
            raise InvalidRequestException("The secret has no rotation function.")
        if _version(secret, _PENDING) not in {None, _version(secret, _CURRENT)}:
            raise InvalidRequestException("A previous rotation isn't complete.")
        version_id = self._from_client_request_token(client_request_token)
        secret.remove_version_stages_from_old_versions([_PENDING])
        secret.versions[version_id] = {
            "createdate": int(time.time()),
            "version_id": version_id,
            "version_stages": [_PENDING],
        }
        secret.rotation_requested = secret.rotation_enabled = True
        secret.rotation_lambda_arn = function_arn
        self._rotation = threading.Thread(
            target=self._take_steps, args=(secret, version_id), daemon=True
        )
        self._rotation.start()
        return secret.to_short_dict(version_id=version_id)

    def update_secret_version_stage(
        self,
        secret_id: str,
        version_stage: str,
        remove_from_version_id: str,
        move_to_version_id: str,
    ) -> tuple[str, str]:
        """Move a label; what moto gives to those who ask for no version moves with AWSCURRENT."""
        answer = super().update_secret_version_stage(
            secret_id, version_stage, remove_from_version_id, move_to_version_id
        )
        secret = self._secret(secret_id)
        secret.set_default_version_id(_version(secret, _CURRENT))
        return answer

    def wait_for_rotation(self) -> None:
        """Return when the rotation that was begun last is over, whether it failed or not."""
        if self._rotation is not None:
            self._rotation.join()

    def _take_steps(self, secret: FakeSecret, version_id: str) -> None:
        function = self._functions[secret.rotation_lambda_arn]
        for step in STEPS:
            event = {"Step": step, "SecretId": secret.arn, "ClientRequestToken": version_id}
            try:
                function.invoke(event, str(uuid.uuid4()))
            except (InvocationError, NoEnvironmentError):
                return  # the function has said why
        if _version(secret, _CURRENT) == version_id:
            secret.last_rotation_date = int(time.time())

    def _secret(self, secret_id: str) -> FakeSecret:
        secret = self.secrets.get(secret_id)
        if not isinstance(secret, FakeSecret):
            raise SecretNotFoundException
        return secret


def _version(secret: FakeSecret, stage: str) -> str | None:
    return next(
        (id_ for id_, version in secret.versions.items() if stage in version["version_stages"]),
        None,
    )
