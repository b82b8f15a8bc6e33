"""The composition root of the ratings function."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from functions.ratings.api.cors import cors_headers
from functions.ratings.api.gateway import ApiRequest, ProxyResponse, error_response
from functions.ratings.api.routes import Routes
from functions.ratings.apple.developer_token import READ_SECONDS
from functions.ratings.cache.policy import CachePolicy
from functions.ratings.errors import InternalError
from functions.ratings.service import Dependencies, assemble
from functions.ratings.settings import Settings
from functions.ratings.telemetry import Telemetry
from functions.shared.aws.json_client import (
    DYNAMODB,
    SECRETS_MANAGER,
    JsonClient,
    trust_store,
)
from functions.shared.deadline import Deadline
from functions.shared.errors import describe_exception
from functions.shared.http.connection import TrustStore
from functions.shared.http.transport import Transport

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

LAMBDA_MARGIN_SECONDS: Final = 0.5  # Safety margin before Lambda's timeout

Handler = Callable[[Mapping[str, Any], "LambdaContext"], ProxyResponse]


def build_handler(environment: Mapping[str, str]) -> Handler:
    """Build the handler; raise SettingsError if a setting is missing or invalid."""
    settings = Settings.from_env(environment)
    telemetry = Telemetry()
    routes = _build_routes(environment, settings, telemetry)

    def handle(event: Mapping[str, Any], context: LambdaContext) -> ProxyResponse:
        started = time.monotonic()
        lambda_seconds = context.get_remaining_time_in_millis() / 1000 - LAMBDA_MARGIN_SECONDS
        deadline = Deadline.after(min(settings.deadline_seconds, lambda_seconds), time)
        request = ApiRequest.from_event(event, fallback_request_id=context.aws_request_id)
        try:
            response = routes.respond(request, deadline)
        except Exception as defect:  # noqa: BLE001 - last resort: a defect still gets a response
            error = InternalError(describe_exception(defect))
            response = error_response(error, request.request_id)
        telemetry.write(
            request,
            response,
            time.monotonic() - started,
            function_name=context.function_name,
            function_version=context.function_version,
            function_request_id=context.aws_request_id,
        )
        cors = cors_headers(settings.allowed_origins, request.headers.get("origin", ()))
        return response.to_proxy(request.request_id, cors)

    return handle


def _build_routes(
    environment: Mapping[str, str], settings: Settings, telemetry: Telemetry
) -> Routes:
    trust, cache_seconds = trust_store(environment), settings.cache_timeout_milliseconds / 1000
    dynamodb = JsonClient(DYNAMODB, environment, trust=trust, seconds=cache_seconds, clock=time)
    secrets_manager = JsonClient(
        SECRETS_MANAGER, environment, trust=trust, seconds=READ_SECONDS, clock=time
    )
    apple_music = Transport(settings.apple_music_url, trust=TrustStore(), clock=time)
    reads, writes = assemble(
        Dependencies(
            dynamodb=dynamodb.call,
            secrets_manager=secrets_manager.call,
            apple_music=apple_music.send,
            clock=time,
            sleep=time.sleep,
            random=random.SystemRandom(),
            observer=telemetry,
        ),
        table_name=settings.cache_table_name,
        secret_id=settings.developer_token_secret_id,
        policy=CachePolicy(
            fresh_seconds=settings.fresh_seconds,
            stale_if_error_seconds=settings.stale_if_error_seconds,
            deadline_seconds=settings.deadline_seconds,
        ),
    )
    return Routes(read=reads.read, write=writes.write)


lambda_handler = build_handler(os.environ)
"""The entry point for Lambda."""
