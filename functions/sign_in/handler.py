"""The composition root of the sign-in function."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from functions.shared.aws.json_client import SECRETS_MANAGER, JsonClient, trust_store
from functions.shared.errors import describe_exception
from functions.sign_in.api import ProxyResponse, Response, SignInRequest
from functions.sign_in.errors import InternalError, SignInError
from functions.sign_in.settings import Settings
from functions.sign_in.telemetry import write_line
from functions.sign_in.tokens import DeveloperTokens, IssuedToken

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

READ_SECONDS: Final = 1.0  # the limit of one read of the secret

Handler = Callable[[Mapping[str, Any], "LambdaContext"], ProxyResponse]


def build_handler(environment: Mapping[str, str]) -> Handler:
    """Build the handler; raise SettingsError if a setting is missing or invalid."""
    settings = Settings.from_env(environment)
    secrets_manager = JsonClient(
        SECRETS_MANAGER,
        environment,
        trust=trust_store(environment),
        seconds=READ_SECONDS,
        clock=time,
    )
    tokens = DeveloperTokens(
        secrets_manager.call,
        secret_id=settings.signing_key_secret_id,
        clock=time,
        life_seconds=settings.token_life_seconds,
    )

    def handle(event: Mapping[str, Any], context: LambdaContext) -> ProxyResponse:
        started = time.monotonic()
        request = SignInRequest.from_event(event, fallback_request_id=context.aws_request_id)
        origin: str | None = None
        result: IssuedToken | SignInError
        try:
            origin = request.allowed_origin(settings.allowed_origins)
            result = tokens.issue(origin)
        except SignInError as error:
            result = error
        except Exception as defect:  # noqa: BLE001 - last resort: a defect still gets a response
            result = InternalError(describe_exception(defect))
        response = Response(request_id=request.request_id, result=result, origin=origin)
        write_line(
            response,
            time.monotonic() - started,
            function_name=context.function_name,
            function_request_id=context.aws_request_id,
        )
        return response.to_proxy()

    return handle


lambda_handler = build_handler(os.environ)
"""The entry point for Lambda."""
