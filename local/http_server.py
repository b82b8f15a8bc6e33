"""A threaded keep-alive HTTP/1.1 server, because werkzeug's closes after every answer.

It hands an application the request target as it stood on the wire, which the gateway's event
needs, and leaves every word of every answer, refusals included, to the application.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Final, Protocol, Self

LOOPBACK: Final = "127.0.0.1"

_IDLE_SECONDS: Final = 60.0
_LINGER_SECONDS: Final = 5.0
_WITHOUT_BODY: Final = frozenset({204, 304})
_CONTENT_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,8}")
_FOLD: Final = re.compile(r"\r?\n[ \t]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request as the client sent it; headers and body may hold secrets, so `repr` omits them."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    source_address: str = LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """An answer; the server adds `Date`, `Content-Length` and `Connection`."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Application(Protocol):
    """What the server serves; both methods are called from many threads."""

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer a request that was read whole."""
        ...

    def refusal(self, status: int) -> HttpAnswer:
        """Answer a request that could not be read, with the status that says why."""
        ...


class HttpServer:
    """Listens on loopback from its making on, and answers once it is started.

    What comes before that waits. Port 0 is any free one.

    Raises:
        OSError: from the constructor, where the port cannot be had.
    """

    def __init__(self, *, port: int = 0, body_limit: int = 10 * 1024 * 1024) -> None:
        self._listener = _Listener(port, body_limit)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://{LOOPBACK}:{self._listener.server_port}"

    def start(self, application: Application) -> None:
        """Begin to answer."""
        self._listener.application = application
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection; return when no request is left."""
        if self._thread is not None:
            self._listener.shutdown()
            self._thread.join()
        self._listener.close_connections()
        self._listener.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class _Listener(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close waits for them
    request_queue_size = 128
    application: Application

    def __init__(self, port: int, body_limit: int) -> None:
        self.body_limit = body_limit
        self._connections: set[Any] = set()
        self._lock = threading.Lock()
        super().__init__((LOOPBACK, port), _Connection)

    def server_bind(self) -> None:
        # HTTPServer's own looks the host's name up, which may take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.socket.getsockname()[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().close_request(request)

    def close_connections(self) -> None:
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _UnreadableError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Connection(BaseHTTPRequestHandler):
    server: _Listener
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # so that even nonsense is answered with a status
    timeout = _IDLE_SECONDS
    wbufsize = -1  # one packet for each answer
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._exchange
        raise AttributeError(name)

    def _exchange(self) -> None:
        if self.request_version < "HTTP/1.1":
            self.close_connection = True
        try:
            body = self._read_body()
        except _UnreadableError as unreadable:
            self._refuse(unreadable.status)
            return
        request = HttpRequest(
            method=self.command,
            target=self.requestline.split()[1],
            headers=tuple(
                (name, _FOLD.sub(" ", value).strip(" \t"))
                for name, value in self.headers.raw_items()
            ),
            body=body,
            source_address=self.client_address[0],
        )
        self._send(self.server.application.answer(request))

    def _read_body(self) -> bytes:
        if self.headers.defects:
            raise _UnreadableError(400)
        lengths = self.headers.get_all("Content-Length", [])
        codings = self.headers.get_all("Transfer-Encoding", [])
        if codings:
            if lengths or len(codings) > 1 or codings[0].strip().lower() != "chunked":
                raise _UnreadableError(400)
            return self._read_chunks()
        if not lengths:
            return b""
        if len(lengths) > 1 or not _CONTENT_LENGTH.fullmatch(lengths[0].strip()):
            raise _UnreadableError(400)
        length = int(lengths[0])
        if length > self.server.body_limit:
            raise _UnreadableError(413)
        return self._read_exactly(length)

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := self._read_chunk_size():
            if len(body) + size > self.server.body_limit:
                raise _UnreadableError(413)
            body += self._read_exactly(size)
            if self._read_exactly(2) != b"\r\n":
                raise _UnreadableError(400)
        while self.rfile.readline(65_536) not in {b"\r\n", b"\n", b""}:
            pass  # trailers
        return bytes(body)

    def _read_chunk_size(self) -> int:
        text = self.rfile.readline(1_024).split(b";")[0].strip()
        if not _CHUNK_SIZE.fullmatch(text):
            raise _UnreadableError(400)
        return int(text, 16)

    def _read_exactly(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:
            raise _UnreadableError(400)
        return data

    def handle_expect_100(self) -> bool:
        length = self.headers.get("Content-Length", "")
        too_long = _CONTENT_LENGTH.fullmatch(length) and int(length) > self.server.body_limit
        if too_long:
            return True  # the refusal is the answer; nobody is told to continue
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 - http.server's own signature; its words are not ours
        self._refuse(code)

    def _refuse(self, status: int) -> None:
        """Answer and close, and read on for a while: closing on unread data loses the answer."""
        self.close_connection = True
        self._send(self.server.application.refusal(status))
        self.wfile.flush()
        end = time.monotonic() + _LINGER_SECONDS
        with suppress(OSError):  # the client went, or says no more
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(1.0)
            while time.monotonic() < end and self.connection.recv(65_536):
                pass

    def _send(self, answer: HttpAnswer) -> None:
        self.send_response_only(answer.status)
        self.send_header("Date", self.date_time_string())
        for name, value in answer.headers:
            self.send_header(name, value)
        has_body = answer.status not in _WITHOUT_BODY
        if has_body:
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if has_body and self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Say nothing: a request line may hold what nobody should read."""
