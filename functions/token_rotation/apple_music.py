"""Asks Apple Music whether it accepts a developer token, before anything relies on it."""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus
from typing import Final

from functions.shared.transport import (
    Clock,
    ExchangeTimeoutError,
    Request,
    Transport,
    TransportError,
    TrustStore,
)
from functions.token_rotation.errors import AppleUnavailableError, TokenRefusedError

PROBE_SECONDS: Final = 5.0
"""How long the probe takes at most."""

_REFUSALS: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class AppleMusic:
    """Apple Music at one origin, the only one to which a token is sent."""

    def __init__(self, origin: str, *, clock: Clock, probe_seconds: float = PROBE_SECONDS) -> None:
        """Probe `origin` (`https://host[:port]`) for at most `probe_seconds` each time."""
        self._origin = origin
        self._trust = TrustStore()
        self._clock = clock
        self._seconds = probe_seconds

    def try_token(self, token: str) -> None:
        """Return if Apple accepts the token.

        Raises:
            TokenRefusedError: if Apple says that it does not.
            AppleUnavailableError: if Apple does not say.
        """
        status = self._status(token)
        if status in _REFUSALS:
            raise TokenRefusedError(f"Apple refuses the new token: it answered {status}")
        if status != HTTPStatus.OK:
            raise AppleUnavailableError(f"Apple is down: it answered {status}")

    def _status(self, token: str) -> int:
        request = Request(
            method="GET",
            target="/v1/test",
            headers={"Authorization": f"Bearer {token}"},
            max_body_bytes=0,  # the status is enough
            max_idle_seconds=0,
        )
        with closing(Transport(self._origin, trust=self._trust, clock=self._clock)) as transport:
            try:
                return transport.send(request, self._seconds).status
            except ExchangeTimeoutError:
                raise AppleUnavailableError("Apple is slow: no answer in time") from None
            except TransportError as error:
                raise AppleUnavailableError(f"Apple is down: {type(error).__name__}") from None
