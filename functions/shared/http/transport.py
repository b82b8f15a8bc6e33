"""HTTP/1.1 exchanges with one origin, bounded in time and memory, on a persistent connection.

urllib3 connects and configures TLS. A connection is kept only if its response is provably complete:
leftover bytes could become the response to the next request. Redirects are ordinary responses.
Proxy variables are ignored.
"""

from __future__ import annotations

import socket
import weakref
from contextlib import suppress
from dataclasses import replace
from threading import Thread
from typing import Final
from urllib.parse import urlsplit

from urllib3.util.connection import create_connection

from functions.shared.deadline import Clock, Deadline
from functions.shared.http import messages
from functions.shared.http.connection import Connection, TrustStore, seconds_until

FRAMING_BYTES: Final = 65_536  # of a response without its body: heads, chunk sizes, trailers

_SOCKET_OPTIONS: Final[list[tuple[int, int, int | bytes]]] = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
]


class Transport:
    """Sends requests to one origin, one at a time; it cannot be used after `close`."""

    def __init__(self, origin: str, *, trust: TrustStore, clock: Clock) -> None:
        """Connect to `origin`, `https://host[:port]` or `http://…`, at the first request."""
        parts = urlsplit(origin)
        self._trust = trust if parts.scheme == "https" else None
        default_port = 80 if self._trust is None else 443
        self._host = parts.hostname or ""
        self._port = parts.port or default_port
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._authority = host if self._port == default_port else f"{host}:{self._port}"
        self._clock = clock
        self._look_up: _LookUp | None = None
        self._kept: list[Connection] = []
        self.close = weakref.finalize(self, _close_all, self._kept)

    def send(self, request: messages.Request, deadline: Deadline) -> messages.Response:
        """Send a request and read the response, all before the deadline.

        An error after the final status becomes the response's `body_error`. If a reused connection
        is lost or silent for `first_byte_seconds` before the first byte of a response, the request
        is sent again, on a new connection.

        Raises:
            TransportError: if there is no final status.
            InvalidRequestError: if a request line or header is not visible ASCII.
        """
        data = self._serialized(request)
        resent = False
        if self._kept:
            kept = self._kept.pop()
            if kept.is_reusable(request.max_idle_seconds):
                try:
                    return self._exchange(kept, data, request, deadline)
                except (messages.ConnectionLostError, messages.ExchangeTimeoutError):
                    if kept.has_received or deadline.remaining() <= 0:
                        raise
                    resent = kept.has_sent
            else:
                kept.close()
        response = self._exchange(self._connected(deadline), data, request, deadline)
        return replace(response, resent=True) if resent else response

    def _serialized(self, request: messages.Request) -> bytes:
        headers = {"Host": self._authority, "User-Agent": "apple-music-ratings", **request.headers}
        if request.body is not None:
            headers["Content-Length"] = str(len(request.body))
        lines = [f"{request.method} {request.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        text = "".join(lines)
        if not (text.isascii() and text.isprintable()):
            raise messages.InvalidRequestError("a request line or header is not visible ASCII")
        return "\r\n".join((*lines, "", "")).encode() + (request.body or b"")

    def _exchange(
        self, connection: Connection, data: bytes, request: messages.Request, deadline: Deadline
    ) -> messages.Response:
        is_reused, first_byte_seconds = connection.has_sent, request.first_byte_seconds
        try:
            if self._trust is not None and not is_reused:
                connection.secure(self._trust, self._host, deadline)
            connection.send(data, deadline, allowance=request.max_body_bytes + FRAMING_BYTES)
            if is_reused and first_byte_seconds is not None:
                connection.receive(deadline.cap(first_byte_seconds))
            response = connection.read_response(request.max_body_bytes, deadline)
            if connection.is_clean:
                self._kept.append(connection)
        finally:
            if not self._kept:
                connection.close()
        return response

    def _connected(self, deadline: Deadline) -> Connection:
        addresses = self._addresses(deadline)
        failure: messages.TransportError = messages.ConnectError("no address accepts a connection")
        for tried, address in enumerate(addresses):
            seconds = seconds_until(deadline) / (len(addresses) - tried)
            try:
                sock = create_connection((address, self._port), seconds, None, _SOCKET_OPTIONS)
            except TimeoutError:
                failure = messages.ExchangeTimeoutError("no connection in time")
            except OSError:
                continue
            else:
                return Connection(sock, self._clock)
        raise failure

    def _addresses(self, deadline: Deadline) -> list[str]:
        """Look the host up in a thread, because a look-up has no timeout.

        If an earlier look-up still runs, this call waits for its result and starts no other. A
        look-up that ended between two calls is repeated.
        """
        if not self._host.strip("0123456789."):
            return [self._host]
        if self._look_up is None or not self._look_up.is_alive():
            self._look_up = _LookUp(self._host, self._port)
            self._look_up.start()
        self._look_up.join(seconds_until(deadline))
        if self._look_up.is_alive():
            raise messages.ExchangeTimeoutError("the host was not looked up in time")
        return self._look_up.addresses


class _LookUp(Thread):
    def __init__(self, host: str, port: int) -> None:
        super().__init__(name="look-up", daemon=True)
        self._address = host, port
        self.addresses: list[str] = []

    def run(self) -> None:
        with suppress(OSError, UnicodeError):
            found = socket.getaddrinfo(*self._address, type=socket.SOCK_STREAM)
            self.addresses = [str(address[0]) for *_, address in found]


def _close_all(connections: list[Connection]) -> None:
    while connections:
        connections.pop().close()
