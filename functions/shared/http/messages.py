"""Requests and responses of the HTTP client, and the tree of its errors.

::

    TransportError                there is no response, or no readable body
    ├── ConnectError              look-up, TCP or TLS failed: nothing was sent
    ├── TlsError                  the peer's certificate is not valid: nothing was sent
    ├── ExchangeTimeoutError      the deadline passed
    ├── ConnectionLostError       the connection ended before the response did
    ├── InvalidResponseError      the response is not HTTP/1.1, is ambiguous, or is badly encoded
    └── ResponseTooLargeError     the response is larger than the request allows

Messages quote neither the request nor the response.
"""

# ruff: noqa: D101 - the tree above describes the errors

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class TransportError(Exception): ...


class ConnectError(TransportError): ...


class TlsError(TransportError): ...


class ExchangeTimeoutError(TransportError): ...


class ConnectionLostError(TransportError): ...


class InvalidResponseError(TransportError): ...


class ResponseTooLargeError(TransportError): ...


class InvalidRequestError(ValueError):
    """A defect of the caller: a character that would change the request's meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, in visible ASCII; `max_body_bytes` limits the response's decoded body.

    A connection is replaced if it was idle for longer than `max_idle_seconds`, or if it is reused
    and receives nothing within `first_byte_seconds`.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    max_body_bytes: int
    max_idle_seconds: float
    first_byte_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A final response; `body` is decoded, or None if it is unreadable because of `body_error`.

    `resent` means that a part of the request was already sent, on a dead connection.
    """

    status: int
    content_type: str
    retry_after: str | None
    body: bytes | None
    body_error: TransportError | None = None
    resent: bool = False
