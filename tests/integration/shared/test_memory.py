"""The peak memory of a process to which a peer sends too much, in every way that it can."""

from __future__ import annotations

import gzip
import json
import re
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

LIMIT_BYTES = 16 * 1_048_576
LOTS = 200_000_000
REPOSITORY = Path(__file__).parents[3]

BLOCK = b"x" * 65_536
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "a length": (OK + b"Content-Length: %d\r\n\r\n" % LOTS, BLOCK),
    "until closed": (OK + b"\r\n", BLOCK),
    "one chunk": (CHUNKED + b"%x\r\n" % LOTS, BLOCK),
    "a negative chunk": (CHUNKED + b"-1\r\n", BLOCK),
    "many chunks": (CHUNKED, b"10000\r\n" + BLOCK + b"\r\n"),
    "tiny chunks": (CHUNKED, b"1\r\nx\r\n" * 10_000),
    "a chunk's size": (CHUNKED, b"0" * 65_536),
    "a chunk's extension": (CHUNKED + b"1;", BLOCK),
    "a header": (OK + b"X: ", BLOCK),
    "many headers": (OK, b"X: y\r\n" * 10_000),
    "a status line": (b"HTTP/1.1 200 ", BLOCK),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n" * 10_000),
    "interim responses": (b"", b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 1_000),
    "an error": (b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n" % LOTS, BLOCK),
}
PATTERNS = ("[],", "{},", '{"":0},', '{"":[]},', "1e1,", '"\\u00ff",', "[", '{"":')
EMOJI = "\U0001f600".encode()
"""With it, each character of the text takes four bytes of memory."""


@cache
def bomb() -> bytes:
    packer = zlib.compressobj(wbits=31)
    zeros = bytes(1_000_000)
    return b"".join(packer.compress(zeros) for _ in range(LOTS // len(zeros))) + packer.flush()


def whole(body: bytes, *headers: bytes) -> tuple[bytes, bytes]:
    length = b"Content-Length: %d\r\n" % len(body)
    return OK + b"".join(headers) + length + b"\r\n" + body, b""


def zipped(body: bytes) -> tuple[bytes, bytes]:
    return whole(body, b"Content-Encoding: gzip\r\n")


def documents(size: int) -> Iterator[tuple[str, bytes]]:
    """JSON that takes many times its size when it is parsed."""
    for pattern in PATTERNS:
        filled = pattern.encode() * ((size - 20) // len(pattern))
        yield f"JSON of {pattern}", b'{"data":[' + filled.rstrip(b",") + b"]}"
    for count in (1, 10_000, 13_000, 40_000, 70_000, size // 12):
        names = b",".join(b'"%x":1' % each for each in range(count))
        yield f"JSON of {count} names", b'{"data":[{' + names + b"}]}"
        for length in (size, min(size, 1_100_000)):
            text = EMOJI + b"x" * (length - len(names) - 40)
            document = b'{"":"' + text + b'","data":[{' + names + b"}]}"
            yield f"JSON of {count} names, text of {length}", document


def ways(size: int) -> dict[str, tuple[bytes, bytes]]:
    """By name, the start of a response, and the block that follows again and again."""
    made = {"a small one": whole(b'{"data":[]}'), **ENDLESS}
    made["a gzip bomb"] = zipped(bomb())
    made["gzip members"] = zipped(gzip.compress(b"x", mtime=0) * 10_000)
    for name, document in documents(size):
        made[name] = whole(document)
        made[f"{name}, zipped"] = zipped(gzip.compress(document, 1, mtime=0))
    return made


def serve(listener: socket.socket, sent: list[tuple[bytes, bytes]]) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                while number := re.search(rb"way-(\d+)", connection.recv(65_536)):
                    head, block = sent[int(number[1])]
                    connection.sendall(head)
                    for _ in range(LOTS // len(block) if block else 0):
                        connection.sendall(block)


@pytest.mark.parametrize(
    ("asked", "size"), [("bare", 262_144), ("include", 1_572_864), ("aws", 393_216)]
)
def test_no_response_takes_more_memory_than_promised(asked: str, size: int) -> None:
    sent = ways(size)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        threading.Thread(target=serve, args=(listener, [*sent.values()]), daemon=True).start()
        program = "tests.integration.shared.sends_too_much"
        run = subprocess.run(  # noqa: S603 - a module of this package
            [sys.executable, "-m", program, url, asked, str(len(sent))],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        listener.shutdown(socket.SHUT_RDWR)

    assert run.returncode == 0, run.stderr
    _, *risen = json.loads(run.stdout)
    assert sum(risen) < LIMIT_BYTES, dict(zip([*sent][1:], risen, strict=True))
