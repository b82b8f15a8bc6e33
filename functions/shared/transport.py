"""HTTP/1.1 exchanges with one origin, bounded in time and memory, on a connection that is kept.

urllib3 connects and configures TLS. The parser is stricter than http.client's (decision 2), and a
connection is kept only after a response that is provably complete: no rest of it can answer the
next request. Redirects are ordinary responses. Proxy variables are not read.
"""

from __future__ import annotations

import re
import socket
import ssl
import weakref
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Thread
from typing import Final, Protocol
from urllib.parse import urlsplit

from urllib3.util.connection import create_connection
from urllib3.util.ssl_ import create_urllib3_context

FRAMING_BYTES: Final = 65_536
"""How many bytes a response may have beyond its body: heads, chunk sizes, trailers."""

MAX_HEAD_BYTES: Final = 16_384
MAX_INTERIM_RESPONSES: Final = 16

ERROR_SECONDS: Final = 0.25
ERROR_BYTES: Final = 65_536
"""The limits of an error's body, which matters less than its status."""

_OK, _SWITCHING_PROTOCOLS, _NO_CONTENT, _NOT_MODIFIED, _BAD_REQUEST = 200, 101, 204, 304, 400
_ZLIB_OR_GZIP: Final = zlib.MAX_WBITS | 32
_SOCKET_OPTIONS: Final[list[tuple[int, int, int | bytes]]] = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
]

# In each, no two neighbours match the same character: a match takes linear time.
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [\t -~\x80-\xff]*)?")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t -~\x80-\xff]*)")
_LENGTH: Final = re.compile(rb"\d{1,15}")
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t -~\x80-\xff]*)?")


class TransportError(Exception):
    """There is no response, or no readable body; the message quotes neither side."""


class ConnectError(TransportError):
    """There is no connection: look-up, TCP or TLS failed, and nothing was sent."""


class TlsError(TransportError):
    """The peer's certificate does not prove that it is the origin; nothing was sent."""


class ExchangeTimeoutError(TransportError):
    """The deadline passed first."""


class ConnectionLostError(TransportError):
    """The connection was closed or reset before the response was complete."""


class InvalidResponseError(TransportError):
    """The response is not HTTP/1.1, ambiguous, or badly encoded."""


class ResponseTooLargeError(TransportError):
    """The response is larger than the request allows."""


class InvalidRequestError(ValueError):
    """A defect of the caller: a character that would change the request's meaning."""


class Clock(Protocol):
    """The clocks that are read; the `time` module is one."""

    def time(self) -> float:
        """Seconds since the epoch, counted also while Lambda freezes the process."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment, never going back."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, in visible ASCII; `max_body_bytes` limits the response's decoded body.

    A connection that was idle for longer than `max_idle_seconds` is replaced. One that is reused
    and sends nothing within `first_byte_seconds` is dead.
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

    `resent` means that a dead connection had already accepted bytes of the request.
    """

    status: int
    content_type: str
    retry_after: str | None
    body: bytes | None
    body_error: TransportError | None = None
    resent: bool = False


class TrustStore:
    """The authorities in one file, or the system's, loaded once and only when needed."""

    def __init__(self, file: str | None = None) -> None:
        self._file = file

    @cached_property
    def context(self) -> ssl.SSLContext:
        """The TLS context; to load the authorities takes longer than a handshake."""
        context = create_urllib3_context()
        if self._file is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(self._file)
        return context


class Transport:
    """Exchanges with one origin, one at a time; `close` is final."""

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
        self._kept: list[_Connection] = []
        self.close = weakref.finalize(self, _close_all, self._kept)

    def send(self, request: Request, seconds: float) -> Response:
        """Send a request and read the response, all within `seconds`.

        After a final status, an unreadable body raises nothing. If a reused connection is dead
        before the first byte of a response, the request is sent once more, on a new one.

        Raises:
            TransportError: if there is no final status.
            InvalidRequestError: if the request must not be sent.
        """
        data = self._serialized(request)
        ends = self._clock.monotonic() + seconds
        resent = False
        if self._kept:
            kept = self._kept.pop()
            if kept.is_reusable(request.max_idle_seconds):
                try:
                    return self._exchange(kept, data, request, ends)
                except (ConnectionLostError, ExchangeTimeoutError):
                    if kept.has_received or self._clock.monotonic() >= ends:
                        raise
                    resent = kept.has_sent
            else:
                kept.close()
        response = self._exchange(self._connected(ends), data, request, ends)
        return replace(response, resent=True) if resent else response

    def _serialized(self, request: Request) -> bytes:
        headers = {"Host": self._authority, "User-Agent": "apple-music-ratings", **request.headers}
        if request.body is not None:
            headers["Content-Length"] = str(len(request.body))
        lines = [f"{request.method} {request.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        text = "".join(lines)
        if not (text.isascii() and text.isprintable()):
            raise InvalidRequestError("a request line or header is not visible ASCII")
        return "\r\n".join((*lines, "", "")).encode() + (request.body or b"")

    def _exchange(
        self, connection: _Connection, data: bytes, request: Request, ends: float
    ) -> Response:
        is_reused, first_byte_seconds = connection.has_sent, request.first_byte_seconds
        try:
            if self._trust is not None and not is_reused:
                connection.secure(self._trust, self._host, ends)
            connection.send(data, ends, allowance=request.max_body_bytes + FRAMING_BYTES)
            if is_reused and first_byte_seconds is not None:
                connection.receive(min(ends, self._clock.monotonic() + first_byte_seconds))
            response = connection.read_response(request.max_body_bytes, ends)
            if connection.is_clean:
                self._kept.append(connection)
        finally:
            if not self._kept:
                connection.close()
        return response

    def _connected(self, ends: float) -> _Connection:
        addresses = self._addresses(ends)
        failure: TransportError = ConnectError("no address accepts a connection")
        for tried, address in enumerate(addresses):
            seconds = _remaining(ends, self._clock) / (len(addresses) - tried)
            try:
                sock = create_connection((address, self._port), seconds, None, _SOCKET_OPTIONS)
            except TimeoutError:
                failure = ExchangeTimeoutError("no connection in time")
            except OSError:
                continue
            else:
                return _Connection(sock, self._clock)
        raise failure

    def _addresses(self, ends: float) -> list[str]:
        """Look the host up in a thread, because a look-up has no time-out.

        One that still runs is joined. What one found after its time is not used.
        """
        if not self._host.strip("0123456789."):
            return [self._host]
        if self._look_up is None or not self._look_up.is_alive():
            self._look_up = _LookUp(self._host, self._port)
            self._look_up.start()
        self._look_up.join(_remaining(ends, self._clock))
        if self._look_up.is_alive():
            raise ExchangeTimeoutError("the host was not looked up in time")
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


class _Connection:
    """A socket on which every wait ends in time, and the responses that are read from it.

    It is clean if its last response is complete and another may follow.
    """

    def __init__(self, sock: socket.socket, clock: Clock) -> None:
        self._sock = sock
        self._clock = clock
        self._received = bytearray()
        self._allowance = 0
        self._used_at = 0.0
        self.has_sent = self.has_received = self.is_clean = False

    def is_reusable(self, max_idle_seconds: float) -> bool:
        idle_seconds = self._clock.time() - self._used_at
        return 0 <= idle_seconds <= max_idle_seconds and self._is_quiet()

    def close(self) -> None:
        self._sock.close()

    def secure(self, trust: TrustStore, host: str, ends: float) -> None:
        with _io_errors(ConnectError):
            context = trust.context
            self._sock.settimeout(_remaining(ends, self._clock))
            self._sock = tls = context.wrap_socket(
                self._sock, server_hostname=host, do_handshake_on_connect=False
            )
            tls.do_handshake()

    def send(self, data: bytes, ends: float, *, allowance: int) -> None:
        """Send everything, and allow so many bytes of response."""
        self._allowance = allowance
        self.has_sent = self.has_received = self.is_clean = False
        rest = memoryview(data)
        with _io_errors(ConnectionLostError):
            while rest:
                self._sock.settimeout(_remaining(ends, self._clock))
                rest = rest[self._sock.send(rest) :]
                self.has_sent = True

    def receive(self, ends: float) -> bool:
        """Receive at least one byte; False at the end of the stream."""
        with _io_errors(ConnectionLostError):
            self._sock.settimeout(_remaining(ends, self._clock))
            data = self._sock.recv(16_384)
        self.has_received = self.has_received or bool(data)
        self._allowance -= len(data)
        if self._allowance < 0:
            raise ResponseTooLargeError("the response has too many bytes")
        self._received += data
        return bool(data)

    def read_response(self, max_body_bytes: int, ends: float) -> Response:
        version, status, lines = self._final_head(ends)
        if status >= _BAD_REQUEST:
            ends = min(ends, self._clock.monotonic() + ERROR_SECONDS)
            max_body_bytes = min(max_body_bytes, ERROR_BYTES)
            self._allowance = min(self._allowance, ERROR_BYTES)
        fields: dict[bytes, bytes] = {}
        body, body_error = None, None
        try:
            fields = _fields(lines)
            raw, is_delimited = self._raw_body(version, status, fields, ends)
            body = _decoded(raw, fields.get(b"content-encoding", b"").lower(), max_body_bytes)
            if is_delimited and self._is_quiet():
                connection = fields.get(b"connection", b"").lower()
                self.is_clean = version == b"1" and b"close" not in connection
            if self._received:
                raise InvalidResponseError("bytes follow the end of the response")
        except TransportError as error:
            body, body_error = None, error.with_traceback(None)  # whose frames hold the body
        self._used_at = self._clock.time()
        retry_after = fields.get(b"retry-after")
        return Response(
            status=status,
            content_type=fields.get(b"content-type", b"").decode("latin-1"),
            retry_after=None if retry_after is None else retry_after.decode("latin-1"),
            body=body,
            body_error=body_error,
        )

    def _final_head(self, ends: float) -> tuple[bytes, int, list[bytes]]:
        for _ in range(MAX_INTERIM_RESPONSES + 1):
            first, *lines = self._until(b"\r\n\r\n", ends).split(b"\r\n")
            matched = _STATUS_LINE.fullmatch(first)
            if matched is None:
                raise InvalidResponseError("not a status line")
            status = int(matched[2])
            if status >= _OK:
                return matched[1], status, lines
            if status == _SWITCHING_PROTOCOLS:
                raise InvalidResponseError("another protocol")
        raise InvalidResponseError("too many interim responses")

    def _raw_body(
        self, version: bytes, status: int, fields: Mapping[bytes, bytes], ends: float
    ) -> tuple[bytearray, bool]:
        """Read a body without decoding it; also whether its end is known from its framing."""
        coding, length = fields.get(b"transfer-encoding"), fields.get(b"content-length")
        if status in (_NO_CONTENT, _NOT_MODIFIED):
            return bytearray(), coding is None and length in (None, b"0")
        if coding is not None:
            if length is not None or version == b"0" or coding.lower() != b"chunked":
                raise InvalidResponseError("ambiguous framing")
            return self._chunks(ends), True
        if length is not None:
            if not _LENGTH.fullmatch(length):
                raise InvalidResponseError("a length that is not one number")
            return self._take(int(length), ends), True
        while self.receive(ends):
            pass
        return self._take(len(self._received), ends), False

    def _chunks(self, ends: float) -> bytearray:
        body = bytearray()
        size = -1
        while size != 0:
            matched = _CHUNK_SIZE.fullmatch(self._until(b"\r\n", ends))
            if matched is None:
                raise InvalidResponseError("not a chunk size")
            size = int(matched[1], 16)
            if size > 0:
                body += self._take(size, ends)
                if self._take(2, ends) != b"\r\n":
                    raise InvalidResponseError("a chunk that is longer than its size")
        while trailer := self._until(b"\r\n", ends):
            _fields([trailer])
        return body

    def _until(self, mark: bytes, ends: float) -> bytes:
        """Take everything before `mark`, and drop the mark."""
        searched = 0
        while (end := self._received.find(mark, searched)) < 0:
            searched = max(0, len(self._received) - len(mark))
            if searched > MAX_HEAD_BYTES:
                raise ResponseTooLargeError("a header or a line is too long")
            self._receive_more(ends)
        taken = self._take(end, ends)
        del self._received[: len(mark)]
        return bytes(taken)

    def _take(self, size: int, ends: float) -> bytearray:
        if size > len(self._received) + self._allowance:
            raise ResponseTooLargeError("the body is too large")
        while len(self._received) < size:
            self._receive_more(ends)
        if size == len(self._received):  # without a second copy of a large body
            taken, self._received = self._received, bytearray()
        else:
            taken = self._received[:size]
            del self._received[:size]
        return taken

    def _receive_more(self, ends: float) -> None:
        if not self.receive(ends):
            raise ConnectionLostError("closed before the end of the response")

    def _is_quiet(self) -> bool:
        """Whether nothing is left to read and the peer has not closed the connection.

        Only a read that does not block tells: TLS records without data make a socket readable.
        """
        with suppress(OSError):
            self._sock.settimeout(0)
            try:
                self._received += self._sock.recv(1)
            except (BlockingIOError, ssl.SSLWantReadError):
                return not self._received
        return False


def _fields(lines: list[bytes]) -> dict[bytes, bytes]:
    """Read header lines: values by lower-case names, repeated ones joined by a comma."""
    fields: dict[bytes, bytes] = {}
    for line in lines:
        matched = _FIELD.fullmatch(line)
        if matched is None:
            raise InvalidResponseError("a malformed header")
        name, value = matched[1].lower(), matched[2].strip(b" \t")
        fields[name] = fields[name] + b"," + value if name in fields else value
    return fields


def _decoded(raw: bytearray, coding: bytes, limit: int) -> bytes:
    """Undo the content coding, but make no more than one byte over the limit."""
    if coding in (b"gzip", b"x-gzip", b"deflate") and raw:
        inflater = zlib.decompressobj(wbits=_ZLIB_OR_GZIP)
        try:
            body = inflater.decompress(raw, limit + 1)
        except zlib.error:
            raise InvalidResponseError("the body is badly encoded") from None
        if len(body) <= limit and (inflater.unused_data or not inflater.eof):
            raise InvalidResponseError("the encoded body ends too early or too late")
    elif coding in (b"", b"identity") or not raw:
        body = bytes(raw)
    else:
        raise InvalidResponseError("an unknown content coding")
    if len(body) > limit:
        raise ResponseTooLargeError("the decoded body is too large")
    return body


@contextmanager
def _io_errors(lost: type[TransportError]) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise ExchangeTimeoutError("no time is left") from None
    except ssl.SSLCertVerificationError:
        raise TlsError("the certificate is not acceptable") from None
    except OSError:
        raise lost("the connection failed") from None


def _remaining(ends: float, clock: Clock) -> float:
    seconds = ends - clock.monotonic()
    if seconds <= 0:  # which would make a socket that does not wait at all
        raise ExchangeTimeoutError("no time is left")
    return seconds


def _close_all(connections: list[_Connection]) -> None:
    while connections:
        connections.pop().close()
