"""The HTTP front: what API Gateway does between a client and the ratings function."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Final

from infra.gateway_errors import GATEWAY_ERRORS
from local import api_gateway
from local.environments import Function, InvocationError, NoEnvironmentError
from local.http_server import HttpAnswer, HttpRequest

_TOO_LARGE: Final = frozenset({413, 414, 431})


class Front:
    """Answers HTTP requests by the function, or by the gateway's own errors."""

    def __init__(self, function: Function, *, clock: Callable[[], float]) -> None:
        self._function = function
        self._clock = clock

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer one request."""
        request_id = str(uuid.uuid4())
        if api_gateway.head_size(request) > api_gateway.HEAD_LIMIT:
            return _gateway_error("REQUEST_TOO_LARGE", request_id)
        route = api_gateway.find_route(request)
        if route is None:
            return _gateway_error("MISSING_AUTHENTICATION_TOKEN", request_id)
        event = api_gateway.proxy_event(request, route, request_id=request_id, now=self._clock())
        try:
            return api_gateway.http_answer(self._function.invoke(event, request_id))
        except NoEnvironmentError:
            return _gateway_error("INTEGRATION_TIMEOUT", request_id)
        except (InvocationError, api_gateway.MalformedProxyAnswerError):
            return _gateway_error("DEFAULT_5XX", request_id)

    def refusal(self, status: int) -> HttpAnswer:
        """Answer what is no request that the gateway would pass on."""
        kind = "REQUEST_TOO_LARGE" if status in _TOO_LARGE else "DEFAULT_4XX"
        return _gateway_error(kind, str(uuid.uuid4()))


def _gateway_error(kind: str, request_id: str) -> HttpAnswer:
    error = GATEWAY_ERRORS[kind]
    return HttpAnswer(
        status=error.status,
        headers=(("Content-Type", "application/json"), *error.headers(request_id).items()),
        body=error.body(request_id).encode(),
    )
