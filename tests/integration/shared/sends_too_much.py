"""A program of test_memory.py: sends requests to a peer, then prints by how much its peak rose.

python -m tests.integration.shared.sends_too_much URL {bare | include | aws} WAYS
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from pathlib import Path

from functions.ratings.apple_music import AppleMusic, AppleRequest
from functions.ratings.aws_json import DYNAMODB, AwsError, AwsJson
from functions.ratings.deadline import Deadline
from functions.ratings.errors import RatingsError
from functions.ratings.models import RatingKey
from functions.ratings.ratings_document import read_ratings
from functions.shared.transport import TrustStore

SECONDS = 10


def peak_bytes() -> int:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no peak")


def main(url: str, asked: str, ways: int) -> None:
    apple = AppleMusic(url, clock=time)
    environment = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    aws = AwsJson(DYNAMODB, environment, trust=TrustStore(), seconds=SECONDS, clock=time)

    def ask(way: str) -> None:
        if asked == "aws":
            aws.call(way, {})
            return
        size = 262_144 if asked == "bare" else 1_572_864
        request = AppleRequest(method="GET", path=f"/v1/{way}", max_body_bytes=size)
        response = apple.send(request, Deadline.after(SECONDS, time), headers={})
        if response.body is not None:
            key = RatingKey(type="songs", id="1")
            read_ratings(response.body, response.content_type, (key,), bare=asked == "bare")

    risen = []
    for way in range(ways):
        before = peak_bytes()
        with suppress(RatingsError, AwsError):
            ask(f"way-{way}")
        risen.append(peak_bytes() - before)
    sys.stdout.write(json.dumps(risen))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
