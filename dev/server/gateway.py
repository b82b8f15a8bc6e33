"""Simulates API Gateway between a client and the functions."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Final

from dev.http.messages import HttpRequest, HttpResponse
from dev.server import proxy_events
from dev.server.lambda_pool import InvocationError, PoolBusyError
from functions.sign_in.settings import PATH as SIGN_IN_PATH
from infra.service.gateway_errors import CORS_HEADERS, GATEWAY_ERRORS, PREFLIGHT_HEADERS

Invoke = Callable[[dict[str, Any], str], object]

_TOO_LARGE: Final = frozenset({413, 414, 431})


class GatewaySimulator:
    """Responds to HTTP requests with the functions' responses or the gateway's own errors.

    `invoke` calls the ratings function, and `sign_in` the sign-in function, with an event and a
    request id. Both raise the errors of `LambdaPool.invoke`. Without `has_cors`, no web page of
    another origin can read a rating.
    """

    def __init__(
        self,
        invoke: Invoke,
        *,
        sign_in: Invoke,
        clock: Callable[[], float],
        has_cors: bool = True,
    ) -> None:
        self._invoke = invoke
        self._sign_in = sign_in
        self._clock = clock
        self._has_cors = has_cors

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Return the response to one request."""
        request_id = str(uuid.uuid4())
        if proxy_events.head_size(request) > proxy_events.HEAD_LIMIT:
            return self._error("REQUEST_TOO_LARGE", request_id)
        route = proxy_events.find_route(request)
        if route is None:
            return self._error("MISSING_AUTHENTICATION_TOKEN", request_id)
        is_sign_in = route.resource == SIGN_IN_PATH
        if request.method == "OPTIONS" and (self._has_cors or is_sign_in):
            return HttpResponse(status=204, headers=tuple(PREFLIGHT_HEADERS.items()))
        event = proxy_events.proxy_event(request, route, request_id=request_id, now=self._clock())
        invoke = self._sign_in if is_sign_in else self._invoke
        try:
            return proxy_events.http_response(invoke(event, request_id))
        except PoolBusyError:
            return self._error("INTEGRATION_TIMEOUT", request_id)
        except (InvocationError, proxy_events.MalformedProxyResponseError):
            return self._error("DEFAULT_5XX", request_id)

    def reject(self, status: int) -> HttpResponse:
        """Return the response to a request that the gateway cannot read."""
        kind = "REQUEST_TOO_LARGE" if status in _TOO_LARGE else "DEFAULT_4XX"
        return self._error(kind, str(uuid.uuid4()))

    def _error(self, kind: str, request_id: str) -> HttpResponse:
        error = GATEWAY_ERRORS[kind]
        headers = {
            "Content-Type": "application/json",
            **error.headers(request_id),
            **(CORS_HEADERS if self._has_cors else {}),
        }
        return HttpResponse(
            status=error.status,
            headers=tuple(headers.items()),
            body=error.body(request_id).encode(),
        )
