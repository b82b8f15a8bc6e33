"""The ratings function's composition root: builds it once from its environment, then answers."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from functions.ratings.api_gateway import ApiRequest, ProxyAnswer, error_answer
from functions.ratings.apple_music import AppleMusic
from functions.ratings.aws_json import DYNAMODB, SECRETS_MANAGER, AwsJson, trust_store
from functions.ratings.cache_policy import CachePolicy
from functions.ratings.deadline import Deadline
from functions.ratings.developer_token import READ_SECONDS, DeveloperTokenSource
from functions.ratings.errors import InternalError
from functions.ratings.metrics import Observer
from functions.ratings.refused_tokens import RefusedTokens
from functions.ratings.response_cache import DynamoDBResponseCache
from functions.ratings.retrying import RetryingExchange
from functions.ratings.routes import Routes
from functions.ratings.service import RatingsService
from functions.ratings.settings import Settings
from functions.ratings.telemetry import Telemetry
from functions.ratings.upstream import Upstream
from functions.shared.errors import describe_exception

LAMBDA_MARGIN_SECONDS: Final = 0.5
"""What is left of Lambda's own time-out, which no answer may meet."""

Handler = Callable[[Mapping[str, Any], "LambdaContext"], ProxyAnswer]


class LambdaContext(Protocol):
    """What is read of Lambda's context object."""

    aws_request_id: str
    function_name: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""
        ...


def build_handler(environment: Mapping[str, str]) -> Handler:
    """Wire the function together.

    Raises:
        SettingsError: where the environment does not describe a working function.
    """
    settings = Settings.from_env(environment)
    telemetry = Telemetry()
    routes = _build_routes(environment, settings, telemetry)

    def handle(event: Mapping[str, Any], context: LambdaContext) -> ProxyAnswer:
        started = time.monotonic()
        lambda_seconds = context.get_remaining_time_in_millis() / 1000 - LAMBDA_MARGIN_SECONDS
        deadline = Deadline.after(min(settings.deadline_seconds, lambda_seconds), time)
        request = ApiRequest.from_event(event, fallback_request_id=context.aws_request_id)
        try:
            answer = routes.answer(request, deadline)
        except Exception as defect:  # noqa: BLE001 - the outermost: every defect is answered
            answer = error_answer(InternalError(describe_exception(defect)), request.request_id)
        telemetry.write(
            request,
            answer,
            time.monotonic() - started,
            function_name=context.function_name,
            function_request_id=context.aws_request_id,
        )
        return answer.to_proxy(request.request_id)

    return handle


def _build_routes(environment: Mapping[str, str], settings: Settings, observer: Observer) -> Routes:
    trust, cache_seconds = trust_store(environment), settings.cache_timeout_milliseconds / 1000
    dynamodb = AwsJson(DYNAMODB, environment, trust=trust, seconds=cache_seconds, clock=time)
    secrets_manager = AwsJson(
        SECRETS_MANAGER, environment, trust=trust, seconds=READ_SECONDS, clock=time
    )
    policy = CachePolicy(
        fresh_seconds=settings.fresh_seconds,
        stale_if_error_seconds=settings.stale_if_error_seconds,
        deadline_seconds=settings.deadline_seconds,
    )
    return Routes(
        RatingsService(
            cache=DynamoDBResponseCache(
                client=dynamodb, table_name=settings.cache_table_name, policy=policy
            ),
            upstream=Upstream(
                exchange=RetryingExchange(
                    AppleMusic(settings.apple_music_url, clock=time),
                    clock=time,
                    sleep=time.sleep,
                    chance=random.random,
                    observer=observer,
                ),
                developer_tokens=DeveloperTokenSource(
                    client=secrets_manager,
                    secret_id=settings.developer_token_secret_id,
                    clock=time,
                    observer=observer,
                ),
                clock=time,
            ),
            policy=policy,
            clock=time,
            refused_tokens=RefusedTokens(time),
            observer=observer,
        )
    )


lambda_handler = build_handler(os.environ)
