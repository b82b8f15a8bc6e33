"""One HTTP exchange with Apple Music, bounded in time and in size."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote, urlencode
from weakref import WeakSet

import urllib3
from urllib3 import exceptions
from urllib3.util.ssl_ import create_urllib3_context

from functions.ratings.deadline import Deadline
from functions.ratings.errors import (
    AppleAnswerUnusableError,
    AppleTooSlowError,
    AppleUnreachableError,
    AppleUntrustedError,
    DependencyError,
)

# Of an odd header urllib3 logs what it is and where it came from: ids, and perhaps a token.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

MAX_BODY_BYTES: Final = 262_144
"""Cap on a decoded body of bare ratings: a hundred of them take some 12 kB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppleRequest:
    """A request to Apple; `path` begins with `/v1/` and its parts are already checked.

    A decoded body of the response over `max_body_bytes` is unreadable.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    max_body_bytes: int = MAX_BODY_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class AppleResponse:
    """Apple's response: the status, the body whole and decoded, and the two headers in use.

    `body` is None if it is unreadable, and `body_error` says why.
    """

    status: int
    body: bytes | None
    content_type: str
    retry_after: str | None
    body_error: DependencyError | None = None


class AppleMusic:
    """A kept-alive, verified connection to one origin.

    Redirects are answers like any other, never followed, and proxies of the environment are not
    used: the tokens go to this origin alone.
    """

    def __init__(self, origin: str) -> None:
        """Connect to `origin` (`https://host[:port]`) when first asked to."""
        self._origin = origin
        self._trust = _Trust()
        self._line = _Line(origin, self._trust)

    def send(
        self, request: AppleRequest, deadline: Deadline, *, headers: Mapping[str, str]
    ) -> AppleResponse:
        """Send one request and read the whole answer.

        A thread of its own makes the call, because no socket timeout bounds the look-up of a name
        or an answer that comes a byte at a time; when time is up, the line is hung up.

        Raises:
            AppleTooSlowError: when the deadline comes first.
            AppleUnreachableError: when there was no answer at all.
            AppleUntrustedError: when the certificate is not Apple's.
            AppleAnswerUnusableError: when the answer was cut off, too large or badly encoded.
        """
        seconds = deadline.remaining()
        if seconds <= 0:
            raise AppleTooSlowError("no time left to ask")
        exchange = self._line.thread.submit(_exchange, self._line.pool, request, seconds, headers)
        try:
            return exchange.result(timeout=seconds)
        except TimeoutError:
            self._line.hang_up()
            self._line = _Line(self._origin, self._trust)
            raise AppleTooSlowError("no whole answer within the deadline") from None

    def close(self) -> None:
        """Close the connection and end the thread."""
        self._line.hang_up()


class _Trust:
    """The authorities that may speak for Apple, loaded for the first connection alone.

    Left to itself, urllib3 loads them again for each, which takes longer than the handshake.
    """

    @cached_property
    def context(self) -> ssl.SSLContext:
        context = create_urllib3_context()
        context.load_default_certs()
        return context


class _Line:
    """A connection and the thread that uses it; once hung up, nothing more is sent on it."""

    def __init__(self, origin: str, trust: _Trust) -> None:
        self._trust = trust
        self.pool = urllib3.connection_from_url(origin, maxsize=1, retries=False)
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="apple-music")
        self._connections: WeakSet[Any] = WeakSet()
        self._is_hung_up = False
        self._connection_class = self.pool.ConnectionCls
        self.pool.ConnectionCls = self._connection  # type: ignore[assignment]  # only ever called

    def hang_up(self) -> None:
        """End whatever the thread waits for, without waiting for the thread.

        What it waits for may be a name or a handshake, after which it must not send: Lambda may
        have frozen it in between, and a write would reach Apple minutes after its answer.
        """
        self._is_hung_up = True
        for connection in tuple(self._connections):
            if connection.sock is not None:
                with suppress(OSError):
                    # Not SSLSocket's own, which would let the thread go on in clear text.
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
        self.thread.shutdown(wait=False)
        self.pool.close()

    def _connection(self, **arguments: Any) -> Any:
        if self.pool.scheme == "https":
            arguments["ssl_context"] = self._trust.context
        connection: Any = self._connection_class(**arguments)
        connect = connection.connect

        def connect_unless_hung_up() -> None:
            connect()
            if self._is_hung_up:
                connection.close()
                raise exceptions.ConnectTimeoutError("hung up meanwhile")

        connection.connect = connect_unless_hung_up
        self._connections.add(connection)
        return connection


def _exchange(
    pool: urllib3.HTTPConnectionPool,
    request: AppleRequest,
    seconds: float,
    headers: Mapping[str, str],
) -> AppleResponse:
    target = quote(request.path, safe="/.-")
    if request.query:
        target += "?" + urlencode(request.query, safe=",")
    try:
        response = pool.urlopen(
            request.method,
            target,
            body=request.body,
            headers=headers,
            redirect=False,
            retries=False,
            timeout=urllib3.Timeout(total=seconds),
            preload_content=False,
        )
    except exceptions.SSLError as error:
        raise AppleUntrustedError(type(error).__name__) from None
    except exceptions.NewConnectionError as error:  # a TimeoutError by descent, not by sense
        raise AppleUnreachableError(type(error).__name__) from None
    except exceptions.TimeoutError:
        raise AppleTooSlowError("no answer in time") from None
    except exceptions.HTTPError as error:
        raise AppleUnreachableError(type(error).__name__) from None
    try:
        body = response.read(request.max_body_bytes + 1, decode_content=True)
    except exceptions.TimeoutError:
        raise AppleTooSlowError("the answer did not end in time") from None
    except exceptions.HTTPError as error:
        raise AppleAnswerUnusableError(type(error).__name__) from None
    finally:
        response.close()
    if len(body) > request.max_body_bytes:
        raise AppleAnswerUnusableError("the body is too large")
    return AppleResponse(
        status=response.status,
        body=body,
        content_type=response.headers.get("Content-Type", ""),
        retry_after=response.headers.get("Retry-After"),
    )
