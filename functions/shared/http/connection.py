"""One connection: all waits have a deadline, and the parser rejects ambiguous responses.

http.client accepts responses that two parsers understand differently (decision 0002).
"""

from __future__ import annotations

import re
import socket
import ssl
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Final

from urllib3.util.ssl_ import create_urllib3_context

from functions.shared.deadline import Clock, Deadline
from functions.shared.http import messages

MAX_HEAD_BYTES: Final = 16_384
MAX_INTERIM_RESPONSES: Final = 16

ERROR_SECONDS: Final = 0.25  # to read the body of an error, whose status matters more
ERROR_BYTES: Final = 65_536  # of the body of an error

_OK, _SWITCHING_PROTOCOLS, _NO_CONTENT, _NOT_MODIFIED, _BAD_REQUEST = 200, 101, 204, 304, 400
_ZLIB_OR_GZIP: Final = zlib.MAX_WBITS | 32

# In each expression, no two adjacent parts match the same character, so a match takes linear time.
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [\t -~\x80-\xff]*)?")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t -~\x80-\xff]*)")
_LENGTH: Final = re.compile(rb"\d{1,15}")
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t -~\x80-\xff]*)?")


class TrustStore:
    """The certificate authorities of a file or of the system, loaded once, at the first use."""

    def __init__(self, file: str | None = None) -> None:
        self._file = file

    @cached_property
    def context(self) -> ssl.SSLContext:
        """The TLS context; loading the authorities takes longer than a handshake."""
        context = create_urllib3_context()
        if self._file is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(self._file)
        return context


class Connection:
    """A socket whose waits all have a deadline, with a parser for its responses.

    `is_clean` is true if the last response is complete and another request may follow.
    """

    def __init__(self, sock: socket.socket, clock: Clock) -> None:
        self._sock = sock
        self._clock = clock
        self._received = bytearray()
        self._allowance = 0
        self._used_at = 0.0
        self.has_sent = self.has_received = self.is_clean = False

    def is_reusable(self, max_idle_seconds: float) -> bool:
        """Whether the connection was used recently, is open, and has nothing left to read."""
        idle_seconds = self._clock.time() - self._used_at
        return 0 <= idle_seconds <= max_idle_seconds and self._is_quiet()

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def secure(self, trust: TrustStore, host: str, deadline: Deadline) -> None:
        """Do the TLS handshake with `host`."""
        with _io_errors(messages.ConnectError):
            context = trust.context
            self._sock.settimeout(seconds_until(deadline))
            self._sock = tls = context.wrap_socket(
                self._sock, server_hostname=host, do_handshake_on_connect=False
            )
            tls.do_handshake()

    def send(self, data: bytes, deadline: Deadline, *, allowance: int) -> None:
        """Send `data`; the response may have up to `allowance` bytes."""
        self._allowance = allowance
        self.has_sent = self.has_received = self.is_clean = False
        rest = memoryview(data)
        with _io_errors(messages.ConnectionLostError):
            while rest:
                self._sock.settimeout(seconds_until(deadline))
                rest = rest[self._sock.send(rest) :]
                self.has_sent = True

    def receive(self, deadline: Deadline) -> bool:
        """Receive at least one byte; False at the end of the stream."""
        with _io_errors(messages.ConnectionLostError):
            self._sock.settimeout(seconds_until(deadline))
            data = self._sock.recv(16_384)
        self.has_received = self.has_received or bool(data)
        self._allowance -= len(data)
        if self._allowance < 0:
            raise messages.ResponseTooLargeError("the response has too many bytes")
        self._received += data
        return bool(data)

    def read_response(self, max_body_bytes: int, deadline: Deadline) -> messages.Response:
        """Read one response; an error after the final status becomes its `body_error`."""
        version, status, lines = self._final_head(deadline)
        if status >= _BAD_REQUEST:
            deadline = deadline.cap(ERROR_SECONDS)
            max_body_bytes = min(max_body_bytes, ERROR_BYTES)
            self._allowance = min(self._allowance, ERROR_BYTES)
        fields: dict[bytes, bytes] = {}
        body, body_error = None, None
        try:
            fields = _fields(lines)
            raw, is_delimited = self._raw_body(version, status, fields, deadline)
            body = _decoded(raw, fields.get(b"content-encoding", b"").lower(), max_body_bytes)
            if is_delimited and self._is_quiet():
                connection = fields.get(b"connection", b"").lower()
                self.is_clean = version == b"1" and b"close" not in connection
            if self._received:
                raise messages.InvalidResponseError("bytes follow the end of the response")
        except messages.TransportError as error:
            # The frames of the traceback would keep the body in memory.
            body, body_error = None, error.with_traceback(None)
        self._used_at = self._clock.time()
        retry_after = fields.get(b"retry-after")
        return messages.Response(
            status=status,
            content_type=fields.get(b"content-type", b"").decode("latin-1"),
            retry_after=None if retry_after is None else retry_after.decode("latin-1"),
            body=body,
            body_error=body_error,
        )

    def _final_head(self, deadline: Deadline) -> tuple[bytes, int, list[bytes]]:
        for _ in range(MAX_INTERIM_RESPONSES + 1):
            first, *lines = self._until(b"\r\n\r\n", deadline).split(b"\r\n")
            matched = _STATUS_LINE.fullmatch(first)
            if matched is None:
                raise messages.InvalidResponseError("not a status line")
            status = int(matched[2])
            if status >= _OK:
                return matched[1], status, lines
            if status == _SWITCHING_PROTOCOLS:
                raise messages.InvalidResponseError("another protocol")
        raise messages.InvalidResponseError("too many interim responses")

    def _raw_body(
        self, version: bytes, status: int, fields: Mapping[bytes, bytes], deadline: Deadline
    ) -> tuple[bytearray, bool]:
        """Return the encoded body, and whether the framing defines its end."""
        coding, length = fields.get(b"transfer-encoding"), fields.get(b"content-length")
        if status in (_NO_CONTENT, _NOT_MODIFIED):
            return bytearray(), coding is None and length in (None, b"0")
        if coding is not None:
            if length is not None or version == b"0" or coding.lower() != b"chunked":
                raise messages.InvalidResponseError("ambiguous framing")
            return self._chunks(deadline), True
        if length is not None:
            if not _LENGTH.fullmatch(length):
                raise messages.InvalidResponseError("a length that is not one number")
            return self._take(int(length), deadline), True
        while self.receive(deadline):
            pass
        return self._take(len(self._received), deadline), False

    def _chunks(self, deadline: Deadline) -> bytearray:
        body = bytearray()
        size = -1
        while size != 0:
            matched = _CHUNK_SIZE.fullmatch(self._until(b"\r\n", deadline))
            if matched is None:
                raise messages.InvalidResponseError("not a chunk size")
            size = int(matched[1], 16)
            if size > 0:
                body += self._take(size, deadline)
                if self._take(2, deadline) != b"\r\n":
                    raise messages.InvalidResponseError("a chunk that is longer than its size")
        while trailer := self._until(b"\r\n", deadline):
            _fields([trailer])
        return body

    def _until(self, mark: bytes, deadline: Deadline) -> bytes:
        """Remove all bytes up to the end of `mark`; return the bytes before `mark`."""
        searched = 0
        while (end := self._received.find(mark, searched)) < 0:
            searched = max(0, len(self._received) - len(mark))
            if searched > MAX_HEAD_BYTES:
                raise messages.ResponseTooLargeError("a header or a line is too long")
            self._receive_more(deadline)
        taken = self._take(end, deadline)
        del self._received[: len(mark)]
        return bytes(taken)

    def _take(self, size: int, deadline: Deadline) -> bytearray:
        if size > len(self._received) + self._allowance:
            raise messages.ResponseTooLargeError("the body is too large")
        while len(self._received) < size:
            self._receive_more(deadline)
        if size == len(self._received):  # avoids a second copy of a large body
            taken, self._received = self._received, bytearray()
        else:
            taken = self._received[:size]
            del self._received[:size]
        return taken

    def _receive_more(self, deadline: Deadline) -> None:
        if not self.receive(deadline):
            raise messages.ConnectionLostError("closed before the end of the response")

    def _is_quiet(self) -> bool:
        """Whether nothing is left to read and the peer has not closed the connection.

        Only a non-blocking read shows this: TLS records without data make a socket readable.
        """
        with suppress(OSError):
            self._sock.settimeout(0)
            try:
                self._received += self._sock.recv(1)
            except (BlockingIOError, ssl.SSLWantReadError):
                return not self._received
        return False


def _fields(lines: list[bytes]) -> dict[bytes, bytes]:
    """Return the header values by lower-case name; join repeated values with a comma."""
    fields: dict[bytes, bytes] = {}
    for line in lines:
        matched = _FIELD.fullmatch(line)
        if matched is None:
            raise messages.InvalidResponseError("a malformed header")
        name, value = matched[1].lower(), matched[2].strip(b" \t")
        fields[name] = fields[name] + b"," + value if name in fields else value
    return fields


def _decoded(raw: bytearray, coding: bytes, limit: int) -> bytes:
    """Undo the content coding; stop at one byte over the limit."""
    if coding in (b"gzip", b"x-gzip", b"deflate") and raw:
        inflater = zlib.decompressobj(wbits=_ZLIB_OR_GZIP)
        try:
            body = inflater.decompress(raw, limit + 1)
        except zlib.error:
            raise messages.InvalidResponseError("the body is badly encoded") from None
        if len(body) <= limit and (inflater.unused_data or not inflater.eof):
            raise messages.InvalidResponseError("the encoded body ends too early or too late")
    elif coding in (b"", b"identity") or not raw:
        body = bytes(raw)
    else:
        raise messages.InvalidResponseError("an unknown content coding")
    if len(body) > limit:
        raise messages.ResponseTooLargeError("the decoded body is too large")
    return body


@contextmanager
def _io_errors(lost: type[messages.TransportError]) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise messages.ExchangeTimeoutError("no time is left") from None
    except ssl.SSLCertVerificationError:
        raise messages.TlsError("the certificate is not acceptable") from None
    except OSError:
        raise lost("the connection failed") from None


def seconds_until(deadline: Deadline) -> float:
    """The remaining time, above 0; raise an `ExchangeTimeoutError` if no time remains."""
    seconds = deadline.remaining()
    if seconds <= 0:  # a timeout of 0 makes a socket non-blocking
        raise messages.ExchangeTimeoutError("no time is left")
    return seconds
