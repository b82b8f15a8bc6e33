"""The token rotation function's composition root: builds it once, then takes steps and reports."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from botocore.config import Config

from functions.shared.errors import describe_exception
from functions.shared.metrics import FUNCTION_DIMENSION, NAMESPACE
from functions.token_rotation.apple_music import AppleMusic
from functions.token_rotation.developer_token import days_left, expiry
from functions.token_rotation.errors import (
    EventError,
    NoDeveloperTokenError,
    TokenRotationError,
)
from functions.token_rotation.metrics import DAYS_LEFT
from functions.token_rotation.rotation import Rotation, Step
from functions.token_rotation.secret_versions import SecretVersions
from functions.token_rotation.settings import Settings

# A step makes five calls at most: with Apple's part they fit into the function's time-out.
# `proxies={}` keeps botocore from taking one out of the environment.
_SECRETS_MANAGER: Final = Config(
    connect_timeout=1.0, read_timeout=3.0, retries={"total_max_attempts": 2}, proxies={}
)

_VERSION_ID: Final = re.compile(r"[A-Za-z0-9-]{32,64}", re.ASCII)
"""The version ids of Secrets Manager; they are logged, so nothing else may pass for one."""

Handler = Callable[[Mapping[str, Any], "LambdaContext"], None]


class LambdaContext(Protocol):
    """What is read of Lambda's context object."""

    function_name: str


class FailedError(Exception):
    """What Lambda is told of a failure, so that it counts and can be read in one line."""


def build_handler(environment: Mapping[str, str]) -> Handler:
    """Wire the function together.

    Raises:
        SettingsError: where the environment does not describe a working function.
    """
    settings = Settings.from_env(environment)
    logger = Logger()
    client = boto3.client("secretsmanager", config=_SECRETS_MANAGER)
    token = SecretVersions(client=client, secret_id=settings.developer_token_secret_id)
    rotation = Rotation(
        developer_token=token,
        signing_key=SecretVersions(client=client, secret_id=settings.signing_key_secret_id),
        apple_music=AppleMusic(settings.apple_music_url, clock=time),
        clock=time,
        life_seconds=settings.token_life_seconds,
    )

    def take_step(event: Mapping[str, Any], context: LambdaContext) -> None:
        step, secret_id, version_id = _rotation_request(event)
        ending = rotation.run(step, secret_id=secret_id, version_id=version_id)
        logger.info(ending.outcome.value, step=step.value, version=version_id)
        if ending.expires_at is not None:
            _send_days_left(ending.expires_at, context)

    def report(context: LambdaContext) -> None:
        try:
            expires_at = expiry(token.current_text())
        except NoDeveloperTokenError as nothing:
            logger.info(str(nothing))
            return
        left = _send_days_left(expires_at, context)
        logger.info("the developer token in use", days_left=left)

    def handle(event: Mapping[str, Any], context: LambdaContext) -> None:
        failure = None
        try:
            if event.get("source") == "aws.events":
                report(context)
            else:
                take_step(event, context)
        except TokenRotationError as error:
            failure = f"{type(error).__name__}: {error}"
        except Exception as defect:  # noqa: BLE001 - the outermost: no message of another's gets out
            failure = describe_exception(defect)
        if failure is not None:
            step = event.get("Step", "report")
            known = step if step in (*Step, "report") else "unknown"
            logger.error("failed", step=known, reason=failure)
            # Out here no other exception, which might quote a secret, is this one's context.
            raise FailedError(failure)

    return handle


def _rotation_request(event: Mapping[str, Any]) -> tuple[Step, str, str]:
    try:
        step, version_id = Step(event["Step"]), str(event["ClientRequestToken"])
        if _VERSION_ID.fullmatch(version_id):
            return step, str(event["SecretId"]), version_id
    except (KeyError, ValueError):
        pass
    raise EventError("the event is neither a rotation step nor a schedule's")


def _send_days_left(expires_at: float, context: LambdaContext) -> float:
    """Write the metric into the log, where CloudWatch finds it."""
    left = days_left(expires_at, time.time())
    with single_metric(
        name=DAYS_LEFT,
        unit=MetricUnit.Count,
        value=left,
        namespace=NAMESPACE,
    ) as metric:
        metric.add_dimension(name=FUNCTION_DIMENSION, value=context.function_name)
    return left


lambda_handler = build_handler(os.environ)
