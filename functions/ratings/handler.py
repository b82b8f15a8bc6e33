"""The ratings function's composition root: builds it once from its environment, then answers."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from functions.ratings import metrics
from functions.ratings.api_gateway import Answer, ApiRequest, ProxyAnswer, error_answer
from functions.ratings.apple_music import AppleMusic
from functions.ratings.aws_clients import dynamodb_client, secrets_manager_client
from functions.ratings.cache_policy import CachePolicy
from functions.ratings.deadline import Deadline
from functions.ratings.developer_token import DeveloperTokenSource
from functions.ratings.errors import (
    CacheUnavailableError,
    DeveloperTokenMissingError,
    DeveloperTokenRefusedError,
    InternalError,
)
from functions.ratings.refused_tokens import RefusedTokens
from functions.ratings.response_cache import DynamoDBResponseCache
from functions.ratings.retrying import RetryingExchange
from functions.ratings.routes import Routes
from functions.ratings.service import RatingsService
from functions.ratings.settings import Settings
from functions.ratings.upstream import Upstream

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
    logger = Logger()
    routes = _build_routes(settings, logger)

    def handle(event: Mapping[str, Any], context: LambdaContext) -> ProxyAnswer:
        started = time.monotonic()
        lambda_seconds = context.get_remaining_time_in_millis() / 1000 - LAMBDA_MARGIN_SECONDS
        deadline = Deadline.after(min(settings.deadline_seconds, lambda_seconds), time)
        request = ApiRequest.from_event(event, fallback_request_id=context.aws_request_id)
        try:
            answer = routes.answer(request, deadline)
        except Exception as defect:  # noqa: BLE001 - the outermost: every defect is answered
            answer = error_answer(InternalError(_where(defect)), request.request_id)
        _log(logger, request, answer, time.monotonic() - started)
        if isinstance(answer.error, DeveloperTokenMissingError | DeveloperTokenRefusedError):
            _count(metrics.NO_DEVELOPER_TOKEN, context)
        return answer.to_proxy(request.request_id)

    return handle


def _build_routes(settings: Settings, logger: Logger) -> Routes:
    policy = CachePolicy(
        fresh_seconds=settings.fresh_seconds,
        stale_if_error_seconds=settings.stale_if_error_seconds,
        deadline_seconds=settings.deadline_seconds,
    )

    def on_cache_failure(error: CacheUnavailableError) -> None:
        logger.warning("response cache not available", reason=str(error))

    return Routes(
        RatingsService(
            cache=DynamoDBResponseCache(
                client=dynamodb_client(timeout_milliseconds=settings.cache_timeout_milliseconds),
                table_name=settings.cache_table_name,
                policy=policy,
            ),
            upstream=Upstream(
                exchange=RetryingExchange(
                    AppleMusic(settings.apple_music_url),
                    clock=time,
                    sleep=time.sleep,
                    chance=random.random,
                ),
                developer_tokens=DeveloperTokenSource(
                    client=secrets_manager_client(),
                    secret_id=settings.developer_token_secret_id,
                    clock=time,
                ),
                clock=time,
            ),
            policy=policy,
            clock=time,
            refused_tokens=RefusedTokens(time),
            on_cache_failure=on_cache_failure,
        )
    )


def _where(defect: Exception) -> str:
    """Name a defect and its place; its own message might quote a token."""
    trace = defect.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else "nowhere"
    return f"{type(defect).__name__} in {place}"


def _count(name: str, context: LambdaContext) -> None:
    """Write a metric into the log, where CloudWatch finds it."""
    with single_metric(
        name=name, unit=MetricUnit.Count, value=1, namespace=metrics.NAMESPACE
    ) as metric:
        metric.add_dimension(name=metrics.FUNCTION_DIMENSION, value=context.function_name)


def _log(logger: Logger, request: ApiRequest, answer: Answer, seconds: float) -> None:
    """Write the one line that every request leaves, with nothing personal in it."""
    error = answer.error
    line: dict[str, Any] = {
        "request_id": request.request_id,
        "method": request.method,
        "status": answer.status,
        "cache": answer.headers.get("Cache-Status"),
        "milliseconds": round(seconds * 1000),
    }
    if error is not None:
        line |= {"error": type(error).__name__, "reason": str(error)}
    write = logger.error if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR else logger.info
    write(request.resource, **line)


lambda_handler = build_handler(os.environ)
