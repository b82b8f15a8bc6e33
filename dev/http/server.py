"""Serves HTTP with uvicorn; a function returns the response to each request."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import Any, Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from dev.http.messages import LOOPBACK, HttpRequest, HttpResponse

Respond = Callable[[HttpRequest], HttpResponse]
Reject = Callable[[int], HttpResponse]
"""Returns the error response to an unreadable request; the argument is the HTTP status."""

_BODY_LIMIT: Final = 10 * 1024 * 1024  # API Gateway has the same limit
_HEAD_LIMIT: Final = 64 * 1024
_ELSEWHERE: Final = ("192.0.2.1", 9)  # reserved for documentation (RFC 5737)
_THREADS: Final = 64
_IDLE_SECONDS: Final = 60
_STOP_SECONDS: Final = 5
_WITHOUT_BODY: Final = frozenset({204, 304})


def listen(port: int = 0, host: str = LOOPBACK) -> socket.socket:
    """Open a port; 0 is any free one. Connections wait until `serve` accepts them.

    Raises:
        OSError: if the port is taken or not permitted, or the host is not this machine.
    """
    return socket.create_server((host, port))


def url_of(listener: socket.socket) -> str:
    """Return the base URL on this machine, without a slash at its end."""
    host, port = listener.getsockname()
    return f"http://{LOOPBACK if IPv4Address(host).is_unspecified else host}:{port}"


def network_url_of(listener: socket.socket) -> str | None:
    """Return the base URL for other devices on the network; None if they cannot connect."""
    host, port = listener.getsockname()
    if IPv4Address(host).is_loopback:
        return None
    if IPv4Address(host).is_unspecified:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(_ELSEWHERE)  # sends nothing, but selects this machine's address
            except OSError:
                return None
            host = probe.getsockname()[0]
    return f"http://{host}:{port}"


@contextmanager
def serve(
    listener: socket.socket,
    respond: Respond,
    *,
    reject: Reject = lambda status: HttpResponse(status=status),
) -> Iterator[None]:
    """Serve for as long as the block lasts; `respond` is called from several threads."""
    with ThreadPoolExecutor(_THREADS) as threads:
        server = uvicorn.Server(
            uvicorn.Config(
                _Application(respond, reject, threads),
                interface="asgi3",
                http=_Protocol,
                lifespan="off",
                log_config=None,
                log_level=logging.ERROR,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_STOP_SECONDS,
                h11_max_incomplete_event_size=_HEAD_LIMIT,
            )
        )
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join()


class _Application:
    """An ASGI application that calls `respond` or `reject`."""

    def __init__(self, respond: Respond, reject: Reject, threads: ThreadPoolExecutor) -> None:
        self.reject = reject
        self._respond = respond
        self._threads = threads

    async def __call__(
        self, scope: Mapping[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]
    ) -> None:
        body, is_too_large = bytearray(), False
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            # A too large body is read to its end: a client that still sends would miss a response.
            is_too_large = is_too_large or len(body) + len(message["body"]) > _BODY_LIMIT
            body += b"" if is_too_large else message["body"]
            if not message["more_body"]:
                break
        if is_too_large:
            response = self.reject(413)
        else:
            response = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._respond, _request(scope, bytes(body))
            )
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": _encoded_headers(response),
            }
        )
        has_body = response.status not in _WITHOUT_BODY
        await send({"type": "http.response.body", "body": response.body if has_body else b""})


class _Protocol(H11Protocol):
    """uvicorn's protocol, but the application writes the response to an unreadable request."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn passes it
        error = sys.exception()
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        response = self.config.loaded_app.reject(status)
        headers = [*_encoded_headers(response), (b"Connection", b"close")]
        for event in (
            h11.Response(status_code=response.status, headers=headers),
            h11.Data(data=response.body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def _request(scope: Mapping[str, Any], body: bytes) -> HttpRequest:
    target = scope["raw_path"]
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    return HttpRequest(
        method=scope["method"],
        target=target.decode("ascii"),
        headers=tuple(
            (name.decode("ascii"), value.decode("latin-1")) for name, value in scope["headers"]
        ),
        body=body,
        source_address=scope["client"][0],
    )


def _encoded_headers(response: HttpResponse) -> list[tuple[bytes, bytes]]:
    headers = list(response.headers)
    if response.status not in _WITHOUT_BODY:
        headers.append(("Content-Length", str(len(response.body))))
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]
