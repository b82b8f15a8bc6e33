"""Sends one request to Apple Music and returns its response, or the error that a caller gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode

from functions.ratings.deadline import Deadline
from functions.ratings.errors import (
    AppleAnswerUnusableError,
    AppleTooSlowError,
    AppleUnreachableError,
    AppleUntrustedError,
    DependencyError,
)
from functions.shared.transport import (
    Clock,
    ConnectError,
    ConnectionLostError,
    ExchangeTimeoutError,
    Request,
    TlsError,
    Transport,
    TransportError,
    TrustStore,
)

MAX_BODY_BYTES: Final = 262_144
"""A hundred bare ratings take about 12 kB."""

MAX_IDLE_SECONDS: Final[Mapping[str, float]] = {"GET": 20.0, "PUT": 1.0, "DELETE": 1.0}
"""An older connection may have died unnoticed while Lambda was frozen; writes risk more."""

_NO_RESPONSE: Final[Mapping[type[TransportError], type[DependencyError]]] = {
    ConnectError: AppleUnreachableError,
    ConnectionLostError: AppleUnreachableError,
    TlsError: AppleUntrustedError,
    ExchangeTimeoutError: AppleTooSlowError,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppleRequest:
    """A request to Apple; `path` starts with `/v1/` and its parts are validated.

    `on_new_connection` is for a further attempt: at most one attempt can meet a dead connection.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    max_body_bytes: int = MAX_BODY_BYTES
    on_new_connection: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AppleResponse:
    """Apple's response; its decoded `body` is None if it is unreadable, because of `body_error`.

    `resent` means that Apple may have received the request twice.
    """

    status: int
    body: bytes | None
    content_type: str
    retry_after: str | None
    body_error: DependencyError | None = None
    resent: bool = False


class AppleMusic:
    """Apple Music at one origin."""

    def __init__(self, origin: str, *, clock: Clock) -> None:
        """Connect to `origin` (`https://host[:port]`) at the first request."""
        self._transport = Transport(origin, trust=TrustStore(), clock=clock)
        self.close = self._transport.close

    def send(
        self, request: AppleRequest, deadline: Deadline, *, headers: Mapping[str, str]
    ) -> AppleResponse:
        """Send one request and read the response.

        Raises:
            AppleTooSlowError: if the deadline comes first.
            AppleUnreachableError: if there is no response.
            AppleUntrustedError: if the certificate is not Apple's.
            AppleAnswerUnusableError: if the response is not HTTP, or its header is too large.
        """
        target = quote(request.path, safe="/.-")
        if request.query:
            target += "?" + urlencode(request.query, safe=",")
        idle_seconds = -1.0 if request.on_new_connection else MAX_IDLE_SECONDS[request.method]
        try:
            response = self._transport.send(
                Request(
                    method=request.method,
                    target=target,
                    headers=headers,
                    body=request.body,
                    max_body_bytes=request.max_body_bytes,
                    max_idle_seconds=idle_seconds,
                ),
                deadline.remaining(),
            )
        except TransportError as error:
            failure = _NO_RESPONSE.get(type(error), AppleAnswerUnusableError)(str(error))
        else:
            body_error = response.body_error
            return AppleResponse(
                status=response.status,
                body=response.body,
                content_type=response.content_type,
                retry_after=response.retry_after,
                body_error=None if body_error is None else _unreadable(body_error),
                resent=response.resent,
            )
        raise failure  # outside of the handler: its context would keep the response in memory


def _unreadable(error: TransportError) -> DependencyError:
    is_slow = isinstance(error, ExchangeTimeoutError)
    return (AppleTooSlowError if is_slow else AppleAnswerUnusableError)(str(error))
