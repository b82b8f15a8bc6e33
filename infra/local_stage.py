"""The stage that is deployed to an emulator of AWS on this machine, and to no account."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

from infra.architecture import Architecture
from infra.local_context import LOCAL_STAGE
from infra.settings import StageSettings, UnknownStageError

_LOOPBACK: Final = "127.0.0.1"


def local_stage(context: str | None, *, machine: str) -> StageSettings:
    """Give the stage's settings, with those changed that the context names, in JSON.

    The context has to name an `apple_music_url` on this machine's loopback address, so that a
    function that got into an account all the same would find nothing there and tell nobody
    anything. The functions run on this very machine, hence for its processor.

    Raises:
        UnknownStageError: where the context does not, as in a deployment to an account.
    """
    changed = json.loads(context or "{}")
    if urlsplit(changed.get("apple_music_url", "")).hostname != _LOOPBACK:
        raise UnknownStageError(
            f"stage {LOCAL_STAGE!r} is for this machine alone, not for an account: "
            "`make deploy-local` deploys it"
        )
    settings = StageSettings(
        name=LOCAL_STAGE,
        throttle_rate=100,
        throttle_burst=200,
        log_retention=RetentionDays.ONE_DAY,
        removal_policy=RemovalPolicy.DESTROY,
        termination_protection=False,
        architecture=Architecture.of_machine(machine),
        # The emulator takes longer than DynamoDB.
        cache_timeout_milliseconds=3_000,
    )
    return replace(settings, **changed)
