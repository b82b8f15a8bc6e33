"""The token rotation function: runs rotation steps, and reports daily how long the token lasts."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from botocore.config import Config

from functions.shared.errors import describe_exception
from functions.shared.metrics import FUNCTION_DIMENSION, NAMESPACE
from functions.shared.placeholders import NO_DEVELOPER_TOKEN
from functions.shared.signing import SigningKeyError
from functions.token_rotation.apple_music import AppleMusic
from functions.token_rotation.developer_token import days_left, expiry, is_placeholder
from functions.token_rotation.errors import EventError, TokenRotationError
from functions.token_rotation.metrics import DAYS_LEFT
from functions.token_rotation.rotation import Rotation, Step
from functions.token_rotation.secret_versions import SecretVersions
from functions.token_rotation.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# A step makes at most five calls to Secrets Manager; with the call to Apple, they fit into the
# function's timeout.
# `proxies={}` makes botocore ignore the proxy variables.
_SECRETS_MANAGER: Final = Config(
    connect_timeout=1.0, read_timeout=3.0, retries={"total_max_attempts": 2}, proxies={}
)

# Version ids are logged, so a text of another form is rejected.
_VERSION_ID: Final = re.compile(r"[A-Za-z0-9-]{32,64}", re.ASCII)

Handler = Callable[[Mapping[str, Any], "LambdaContext"], None]


class FailedError(Exception):
    """The error that Lambda counts and logs; its message is one line."""


def build_handler(environment: Mapping[str, str]) -> Handler:
    """Build the handler; raise SettingsError if a setting is missing or invalid."""
    settings = Settings.from_env(environment)
    logger = Logger()
    client = boto3.client("secretsmanager", config=_SECRETS_MANAGER)
    token = SecretVersions(client=client, secret_id=settings.developer_token_secret_id)
    rotation = Rotation(
        developer_token=token,
        signing_key=SecretVersions(client=client, secret_id=settings.signing_key_secret_id),
        check_token=AppleMusic(settings.apple_music_url, clock=time).check_token,
        clock=time,
        life_seconds=settings.token_life_seconds,
    )

    def run_step(event: Mapping[str, Any], context: LambdaContext) -> None:
        step, secret_id, version_id = _parse_step(event)
        result = rotation.run(step, secret_id=secret_id, version_id=version_id)
        logger.info(result.outcome.value, step=step.value, version=version_id)
        if result.expires_at is not None:
            _send_days_left(result.expires_at, context)

    def report(context: LambdaContext) -> None:
        text = token.current_text()
        if is_placeholder(text):
            logger.info(NO_DEVELOPER_TOKEN)
        else:
            left = _send_days_left(expiry(text), context)
            logger.info("the developer token in use", days_left=left)

    def handle(event: Mapping[str, Any], context: LambdaContext) -> None:
        failure = None
        try:
            if event.get("source") == "aws.events":
                report(context)
            else:
                run_step(event, context)
        except (TokenRotationError, SigningKeyError) as error:
            failure = f"{type(error).__name__}: {error}"
        except Exception as defect:  # noqa: BLE001 - last resort: its message may quote a secret
            failure = describe_exception(defect)
        if failure is not None:
            step = event.get("Step", "report")
            known = step if step in (*Step, "report") else "unknown"
            logger.error("failed", step=known, version=_version(event), reason=failure)
            # Outside the `except` block, so that the error has no context that quotes a secret.
            raise FailedError(failure)

    return handle


def _parse_step(event: Mapping[str, Any]) -> tuple[Step, str, str]:
    try:
        if version_id := _version(event):
            return Step(event["Step"]), str(event["SecretId"]), version_id
    except (KeyError, ValueError):
        pass
    raise EventError("the event is neither a rotation step nor a scheduled event")


def _version(event: Mapping[str, Any]) -> str | None:
    """Return the version id in an event; None if it is malformed."""
    version = str(event.get("ClientRequestToken"))
    return version if _VERSION_ID.fullmatch(version) else None


def _send_days_left(expires_at: float, context: LambdaContext) -> float:
    left = days_left(expires_at, time.time())
    with single_metric(
        name=DAYS_LEFT, unit=MetricUnit.Count, value=left, namespace=NAMESPACE
    ) as metric:
        metric.add_dimension(name=FUNCTION_DIMENSION, value=context.function_name)
    return left


lambda_handler = build_handler(os.environ)
