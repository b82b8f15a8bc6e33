"""Every way in which DynamoDB may fail, through botocore and over real sockets."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from functions.ratings.aws_clients import dynamodb_client
from functions.ratings.cache_status import BYPASS
from functions.ratings.deadline import Deadline
from functions.ratings.errors import CacheUnavailableError
from functions.ratings.models import MusicUserToken, QueryOptions, RatingKey
from functions.ratings.refused_tokens import RefusedTokens
from functions.ratings.response_cache import DynamoDBResponseCache
from functions.ratings.service import RatingsService
from tests.contracts.response_cache import POLICY
from tests.fakes.apple_ratings import FakeAppleRatings, value_of
from tests.fakes.origin import Answering, http, origin, resets, sends, stays_silent

ADA = MusicUserToken("sample-user-token-ada")
SONG = RatingKey(type="library-songs", id="i.a")
AT_MOST_SECONDS = 0.3


def fails(status: int, code: str) -> Answering:
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}).encode()
    return sends(http(status, body, "Content-Type: application/x-amz-json-1.0"))


def slowly(connection: socket.socket) -> None:
    time.sleep(0.5)
    sends(http(200, b'{"Responses":{},"UnprocessedKeys":{}}'))(connection)


FAILURES = {
    "reset": resets,
    "a black hole": stays_silent,
    "slow": slowly,
    "500": fails(500, "InternalServerError"),
    "throttled": fails(400, "ProvisionedThroughputExceededException"),
    "access denied": fails(400, "AccessDeniedException"),
    "no table": fails(400, "ResourceNotFoundException"),
    "not JSON": sends(http(200, b"<html>")),
}


class Backend:
    """The service over a DynamoDB that does not work, and an Apple that does."""

    def __init__(self) -> None:
        client = dynamodb_client(timeout_milliseconds=200)
        self.failures: list[CacheUnavailableError] = []
        self.apple = FakeAppleRatings(time, lag=0)
        self.service = RatingsService(
            cache=DynamoDBResponseCache(client=client, table_name="ratings", policy=POLICY),
            upstream=self.apple,
            policy=POLICY,
            clock=time,
            refused_tokens=RefusedTokens(time),
            on_cache_failure=self.failures.append,
        )
        self.deadline = Deadline.after(6, time)


@pytest.fixture
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    if request.param == "refused":
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{port}")
        yield Backend()
    else:
        with origin(FAILURES[request.param]) as dynamodb:
            monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.url)
            yield Backend()


@pytest.mark.parametrize("backend", ["refused", *FAILURES], indirect=True)
def test_a_read_is_apples_and_hardly_later(backend: Backend) -> None:
    backend.apple.put(ADA, SONG, 1, QueryOptions(), backend.deadline)
    taken: list[float] = []
    for _ in range(3):
        started = time.monotonic()
        reading = backend.service.get_one(ADA, SONG, QueryOptions(), backend.deadline)
        taken.append(time.monotonic() - started)

        assert value_of(reading.ratings[0]) == 1
        assert reading.cache_status == BYPASS
    # The quickest, for a busy machine adds to the time but takes nothing off it.
    assert min(taken) < AT_MOST_SECONDS
    assert len(backend.failures) == 3


# An update's answer says nothing that is needed, so that one which is no JSON is no failure.
@pytest.mark.parametrize("backend", ["refused", *FAILURES.keys() - {"not JSON"}], indirect=True)
def test_a_write_is_a_write(backend: Backend) -> None:
    rating = backend.service.put(ADA, SONG, -1, QueryOptions(), backend.deadline)

    assert value_of(rating) == -1
    assert backend.apple.value(time.time()) == -1
    assert len(backend.failures) == 2
