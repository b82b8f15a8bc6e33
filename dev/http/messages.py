"""Requests and responses, without a socket."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request; `target` is undecoded. `repr` omits headers and body: they may contain secrets."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    source_address: str = LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A response; the server adds `Date`, `Content-Length` and `Connection`."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
