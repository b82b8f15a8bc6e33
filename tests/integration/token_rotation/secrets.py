"""Moto's Secrets Manager, in the middle of a rotation, as AWS leaves a secret there."""

from __future__ import annotations

import time

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.secretsmanager.models import FakeSecret, secretsmanager_backends


def prepare_version(secret: str, version_id: str) -> None:
    """Begin a rotation; moto's own call would want a function that it can run in Docker."""
    held = secretsmanager_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"].secrets[secret]
    assert isinstance(held, FakeSecret)
    held.rotation_requested = held.rotation_enabled = True
    held.versions[version_id] = {
        "createdate": int(time.time()),
        "version_id": version_id,
        "version_stages": ["AWSPENDING"],
    }
