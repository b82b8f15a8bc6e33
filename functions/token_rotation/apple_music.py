"""Checks with Apple Music that it accepts a new developer token."""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus

from functions.shared.deadline import Clock, Deadline
from functions.shared.http.connection import TrustStore
from functions.shared.http.messages import ExchangeTimeoutError, Request, TransportError
from functions.shared.http.transport import Transport
from functions.token_rotation.errors import AppleUnavailableError, TokenRejectedError


class AppleMusic:
    """Apple Music at `origin` (`https://host[:port]`), the only server that receives tokens."""

    def __init__(self, origin: str, *, clock: Clock, timeout_seconds: float = 5.0) -> None:
        self._origin = origin
        self._trust = TrustStore()
        self._clock = clock
        self._seconds = timeout_seconds

    def check_token(self, token: str) -> None:
        """Raise TokenRejectedError or AppleUnavailableError unless Apple accepts the token."""
        request = Request(
            method="GET",
            target="/v1/test",
            headers={"Authorization": f"Bearer {token}"},
            max_body_bytes=0,  # only the status matters
            max_idle_seconds=0,
        )
        try:
            with closing(Transport(self._origin, trust=self._trust, clock=self._clock)) as apple:
                status = apple.send(request, Deadline.after(self._seconds, self._clock)).status
        except ExchangeTimeoutError:
            raise AppleUnavailableError("Apple is slow: no response in time") from None
        except TransportError as error:
            raise AppleUnavailableError(f"Apple is unavailable: {type(error).__name__}") from None
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise TokenRejectedError(f"Apple rejected the new token: status {status}")
        if status != HTTPStatus.OK:
            raise AppleUnavailableError(f"Apple is unavailable: status {status}")
