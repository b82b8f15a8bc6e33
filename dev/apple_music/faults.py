"""Failures of Apple Music for some users, selected by their token."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Final

from dev.http.messages import HttpRequest, HttpResponse

SLOW_SECONDS: Final = 30.0
"""The ratings function times out earlier."""

Respond = Callable[[HttpRequest], HttpResponse]


class Fault(Enum):
    """How every ratings request of a user fails."""

    NO_SUBSCRIPTION = auto()
    SUBSCRIPTION_ENDED = auto()
    THROTTLED = auto()
    DOWN = auto()
    SLOW = auto()
    WRITE_UNKNOWN = auto()


def _json(status: int, body: bytes) -> HttpResponse:
    return HttpResponse(status=status, headers=(("Content-Type", "application/json"),), body=body)


_RESPONSES: Final = {
    Fault.NO_SUBSCRIPTION: HttpResponse(status=401),
    Fault.SUBSCRIPTION_ENDED: _json(400, b'{"errors": [{"status": "400", "code": "40015"}]}'),
    Fault.THROTTLED: _json(429, b'{"message": "API capacity exceeded"}'),
    Fault.DOWN: HttpResponse(status=500),
}


class FaultyAppleMusic:
    """Responds with the fault of a user token; calls `respond` for a token without a fault."""

    def __init__(self, respond: Respond, faults: Mapping[str, Fault]) -> None:
        self._respond = respond
        self._faults = faults
        self._stopped = threading.Event()

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Return the response to one request."""
        fault = self._fault(request)
        if fault in _RESPONSES:
            return _RESPONSES[fault]
        if fault is Fault.SLOW:
            self._stopped.wait(SLOW_SECONDS)
            return HttpResponse(status=504)
        response = self._respond(request)
        if fault is Fault.WRITE_UNKNOWN and request.method != "GET":
            return HttpResponse(status=504)
        return response

    def stop(self) -> None:
        """Respond immediately to all requests that a fault delays."""
        self._stopped.set()

    def _fault(self, request: HttpRequest) -> Fault | None:
        for name, value in request.headers:
            if name.lower() == "music-user-token":
                return self._faults.get(value)
        return None
