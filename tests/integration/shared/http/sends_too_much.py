"""Calls a server that sends too much; prints by how much each response raised the peak memory.

Run by test_memory.py:
python -m tests.integration.shared.http.sends_too_much URL {bare | include | aws} RESPONSES
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from pathlib import Path

from functions.ratings.models import QueryOptions
from functions.shared.aws.json_client import DYNAMODB, AwsError, JsonClient
from functions.shared.http.connection import TrustStore
from functions.shared.http.transport import Transport
from tests.fakes.ratings_function import InMemoryFunction

SECONDS = 10


def peak_bytes() -> int:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no line with VmHWM")


def main(url: str, kind: str, responses: int) -> None:
    environment = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    aws = JsonClient(DYNAMODB, environment, trust=TrustStore(), seconds=SECONDS, clock=time)
    options = QueryOptions(include=None if kind == "bare" else "content")
    rises = []
    for number in range(responses):
        before, name = peak_bytes(), f"number-{number}"
        with suppress(AwsError):
            if kind == "aws":
                aws.call(name, {})
            else:  # a new function for each call: an open breaker would send no request
                function = InMemoryFunction()
                transport = Transport(url, trust=TrustStore(), clock=time)
                function.apple.send = transport.send  # type: ignore[method-assign]
                function.read(name, options=options)
        rises.append(peak_bytes() - before)
    sys.stdout.write(json.dumps(rises))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
