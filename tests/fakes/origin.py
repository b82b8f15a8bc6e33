"""An HTTP origin on a real socket; a test defines each byte of its responses."""

from __future__ import annotations

import re
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import trustme

from tests.patience import ENDLESS_SECONDS

Answering = Callable[[socket.socket, bytes], None]
"""Responds on a connection to the request that was received."""


def sends(*parts: bytes) -> Answering:
    """Send these bytes and keep the connection."""

    def answer(connection: socket.socket, _: bytes) -> None:
        for part in parts:
            connection.sendall(part)

    return answer


def sends_and_closes(*parts: bytes) -> Answering:
    """Send these bytes, then close the connection."""

    def answer(connection: socket.socket, request: bytes) -> None:
        sends(*parts)(connection, request)
        connection.shutdown(socket.SHUT_RDWR)

    return answer


def stays_silent(connection: socket.socket, _: bytes) -> None:
    """Send nothing, and wait until the client closes the connection."""
    connection.settimeout(ENDLESS_SECONDS)
    connection.recv(1)


def after(seconds: float, answering: Answering) -> Answering:
    """Respond `seconds` later, or when the client closes the connection."""

    def answer(connection: socket.socket, request: bytes) -> None:
        select.select([connection], [], [], seconds)
        answering(connection, request)

    return answer


def resets(connection: socket.socket, _: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def drips(head: bytes, drop: bytes, seconds: float = 0.02) -> Answering:
    """Send `head`, then repeat `drop` until the client closes the connection."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head)
        for _drop in range(round(ENDLESS_SECONDS / seconds)):
            connection.sendall(drop)
            time.sleep(seconds)

    return answer


def http(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def parsed(request: bytes) -> tuple[str, dict[str, str], bytes]:
    """The request line, the headers by lower-case names, and the body."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    return line, {name.lower(): value for name, value in headers.items()}, body


class Origin:
    """Responds to each request with the next of its answers, and repeats the last one."""

    def __init__(self, answers: tuple[Answering, ...], tls: ssl.SSLContext | None) -> None:
        self._answers = list(answers)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self.requests: list[bytes] = []
        self.disconnected = threading.Event()

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _converse(self, accepted: socket.socket) -> None:
        with accepted, suppress(OSError), self._secured(accepted) as connection:
            self._open.add(connection)
            while request := self._request(connection):
                self.requests.append(request)
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                answer(connection, request)
        self.disconnected.set()

    def _secured(self, connection: socket.socket) -> socket.socket:
        if self._tls is None:
            return connection
        return self._tls.wrap_socket(connection, server_side=True)

    @staticmethod
    def _request(connection: socket.socket) -> bytes:
        request = b""
        while True:
            head, end, body = request.partition(b"\r\n\r\n")
            length = re.search(rb"(?im)^content-length: *(\d+)", head)
            if end and len(body) >= int(length[1] if length else 0):
                return request
            received = connection.recv(65_536)
            if not received:
                return b""
            request += received


@contextmanager
def origin(*answers: Answering, tls: ssl.SSLContext | None = None) -> Iterator[Origin]:
    running = Origin(answers, tls)
    thread = threading.Thread(target=running.serve, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.close()
        thread.join()


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port that refuses connections, and that no other server gets during the block."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


def certified(issuer: trustme.CA, host: str = "127.0.0.1", **arguments: object) -> ssl.SSLContext:
    """The TLS context of an origin with a certificate for `host`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert(host, **arguments).configure_cert(context)  # type: ignore[arg-type]  # passed on
    return context
