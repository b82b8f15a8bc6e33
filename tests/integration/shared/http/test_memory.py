"""The peak memory of a process whose peer sends too much, in each possible way."""

from __future__ import annotations

import gzip
import json
import re
import socket
import subprocess
import sys
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.fakes.origin import http, origin, resets

REPOSITORY = Path(__file__).parents[4]
PROGRAM = "tests.integration.shared.http.sends_too_much"
LIMIT_BYTES = 16 * 1_048_576
LOTS = 200_000_000

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


def zipped(body: bytes) -> tuple[bytes, bytes]:
    return http(200, body, "Content-Encoding: gzip"), b""


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


def too_much(size: int) -> dict[str, tuple[bytes, bytes]]:
    """Return, by name, the start of a response and the block that is repeated after it."""
    responses = {"a small response": (http(200, b'{"data":[]}'), b""), **ENDLESS}
    responses["a gzip bomb"] = zipped(bomb())
    responses["gzip members"] = zipped(gzip.compress(b"x", mtime=0) * 10_000)
    for name, document in documents(size):
        responses[name] = http(200, document), b""
        responses[f"{name}, zipped"] = zipped(gzip.compress(document, 1, mtime=0))
    return responses


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("bare", 262_144),
        pytest.param("include", 1_572_864, marks=pytest.mark.long),
        ("aws", 393_216),
    ],
)
def test_all_responses_together_raise_the_peak_by_less_than_the_limit(kind: str, size: int) -> None:
    responses, sent = too_much(size), set[int]()

    def answer(connection: socket.socket, request: bytes) -> None:
        matched = re.search(rb"number-(\d+)", request)
        if matched is None:  # the probe after a 401
            resets(connection, request)
        else:
            sent.add(number := int(matched[1]))
            head, block = [*responses.values()][number]
            connection.sendall(head)
            for _ in range(LOTS // len(block) if block else 0):
                connection.sendall(block)

    with origin(answer) as served:
        run = subprocess.run(  # noqa: S603 - a module of this package
            [sys.executable, "-m", PROGRAM, served.url, kind, str(len(responses))],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )

    assert run.returncode == 0, run.stderr
    assert len(sent) == len(responses)
    _, *rises = json.loads(run.stdout)
    assert sum(rises) < LIMIT_BYTES, dict(zip([*responses][1:], rises, strict=True))
