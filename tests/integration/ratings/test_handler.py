"""The deployed handler, wired as in Lambda, with Apple and AWS on real sockets."""

from __future__ import annotations

import importlib
import json
import random
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from functions.ratings.cache.dynamodb import DynamoDBCache
from functions.ratings.resilience import CacheBypass
from functions.ratings.settings import EXPOSED_HEADERS
from functions.shared import metrics
from tests.fakes.apple_music import rating
from tests.fakes.dynamodb import Capacity, item_size
from tests.fakes.lambda_function import Context, LambdaFunction, cache_status, error_code, found
from tests.fakes.observer import CacheMustNotFail
from tests.fakes.origin import Answering, http, sends
from tests.fakes.ratings_function import ADA, DEVELOPER_JWT, POLICY, TABLE
from tests.integration.conftest import Deploy
from tests.patience import LATE_SECONDS

MOST_LOG_BYTES = 700
READ, STORE, STORE_MANY, UPDATE = "BatchGetItem", "PutItem", "BatchWriteItem", "UpdateItem"


def counts(line: dict[str, Any]) -> dict[str, int]:
    """Return the value of each count metric in a log line, by the name of the metric."""
    (sent,) = line["_aws"]["CloudWatchMetrics"]
    assert sent["Namespace"] == metrics.NAMESPACE
    assert sent["Dimensions"] == [[metrics.FUNCTION_DIMENSION, metrics.SERVICE_DIMENSION]]
    assert line[metrics.FUNCTION_DIMENSION] == "ratings-dev"
    names = {each["Name"] for each in sent["Metrics"] if each["Unit"] == "Count"}
    return {name: sum(line[name]) for name in names}


def capacity(function: LambdaFunction) -> Capacity:
    """Return the DynamoDB capacity that the function has consumed."""
    consumed = Capacity()
    for exchange in function.exchanges:
        consumed.record(*exchange)
    return consumed


def test_a_hit_has_the_same_body_as_the_miss_before_it(deploy: Deploy) -> None:
    function = deploy()

    miss = function.call()
    _, secret_reads, requests = function.calls()
    assert (secret_reads, len(requests)) == (1, 1)
    hit = function.call()

    assert function.calls() == ([READ], 0, [])
    assert (miss["statusCode"], cache_status(miss)) == (200, "fwd=miss; stored")
    assert cache_status(hit) in ("hit; ttl=60", "hit; ttl=59")
    assert hit["headers"]["Age"] in ("0", "1")
    assert hit["body"] == miss["body"]
    assert json.loads(hit["body"]) == {"data": [rating("i.a")]}
    assert hit["headers"]["X-Request-Id"] == "gateway-1"


def test_users_never_share_a_copy(deploy: Deploy) -> None:
    other = sends(http(200, json.dumps({"data": [rating("i.a", -1)]}).encode()))
    function = deploy(apple=(found(), other))

    for token, value in (("ada", 1), ("grace", -1)) * 2:
        assert f'"value":{value}' in function.call(token=token)["body"]
    assert len(function.calls()[2]) == 2


SONGS = [f"i.{10**15 + number}" for number in range(5000)]


def apple(connection: socket.socket, request: bytes) -> None:
    """Answer as Apple: an item read by its id is liked; the items of a list are unrated."""
    answers = sends(http(200, b'{"data":[]}')) if b"?ids=" in request else found()
    answers(connection, request)


def read_one(function: LambdaFunction) -> None:
    assert function.call()["statusCode"] == 200


def write(function: LambdaFunction) -> None:
    assert function.call("PUT")["statusCode"] == 200


def songs(first: int, last: int) -> Callable[[LambdaFunction], None]:
    """Look up songs, a hundred at a time."""

    def look_up(function: LambdaFunction) -> None:
        for start in range(first, last, 100):
            response = function.get_list(*SONGS[start : min(start + 100, last)])
            assert json.loads(response["body"]) == {"data": []}

    return look_up


def ten_writes(function: LambdaFunction) -> None:
    for item_id in SONGS[:10]:
        function.call("PUT", pathParameters={"type": "library-songs", "id": item_id})


FIGURES: dict[str, tuple[Any, ...]] = {
    # before, the request, DynamoDB calls, read units, write units, ids per request to Apple
    "a hit": (read_one, read_one, [READ], 2, 0, []),
    "a miss": (None, read_one, [READ, STORE], 2, 1, [1]),
    "a miss, full bucket": (songs(0, 1000), read_one, [READ, STORE], 2, 2, [1]),
    "a write": (None, write, [UPDATE] * 2, 0, 2, [1]),
    "a write after ten": (ten_writes, write, [UPDATE] * 2, 0, 2, [1]),
    "100 ids": (None, songs(0, 100), [READ, STORE_MANY], 17, 16, [100]),
    "100 ids, full buckets": (
        songs(0, 1000),
        songs(1000, 1100),
        [READ, STORE_MANY],
        17,
        32,
        [100],
    ),
    "100 ids, 50 cached": (songs(0, 50), songs(0, 100), [READ, STORE_MANY], 17, 16, [50]),
    "100 ids, all cached": (songs(0, 100), songs(0, 100), [READ], 17, 0, []),
}


@pytest.mark.parametrize(
    ("before", "request_", "operations", "read_units", "write_units", "ids"),
    FIGURES.values(),
    ids=FIGURES,
)
def test_each_kind_of_request_makes_the_expected_calls_and_consumes_the_expected_units(
    deploy: Deploy,
    before: Callable[[LambdaFunction], None] | None,
    request_: Callable[[LambdaFunction], None],
    operations: list[str],
    read_units: int,
    write_units: int,
    ids: list[int],
) -> None:
    function = deploy(apple=(apple,))
    if before is not None:
        before(function)
    function.calls()
    earlier = capacity(function)

    request_(function)

    made, _, requests = function.calls()
    now = capacity(function)
    assert (made, [request.count(b"i.") for request in requests]) == (operations, ids)
    assert now.read_units - earlier.read_units == read_units
    assert now.write_units - earlier.write_units == write_units


def test_a_write_with_a_concurrent_write_sends_a_third_update(deploy: Deploy) -> None:
    def announces_another_write(connection: socket.socket, request: bytes) -> None:
        cache = DynamoDBCache(
            environment.table.call,
            table_name=TABLE,
            policy=POLICY,
            clock=time,
            random=random.SystemRandom(),
            bypass=CacheBypass(time, CacheMustNotFail()),
            observer=CacheMustNotFail(),
        )
        assert cache.open_write(ADA.hash, "songs") is not None
        found()(connection, request)

    environment = deploy(apple=(announces_another_write,))
    write(environment)

    assert environment.calls()[0] == [UPDATE] * 3
    assert capacity(environment).write_units == 3


def test_no_item_exceeds_2_kib_after_a_user_has_looked_up_5000_songs(deploy: Deploy) -> None:
    function = deploy(apple=(apple,))

    songs(0, 5000)(function)

    sizes = [item_size(item) for item in function.table.items.values()]
    assert len(sizes) == 16
    assert 1800 < max(sizes) <= 2048


@pytest.mark.parametrize(
    ("method", "apple_response", "status", "status_after"),
    [("PUT", found(), 200, 200), ("DELETE", sends(http(204)), 204, 404)],
)
def test_a_write_is_read_from_the_cache_at_once(
    deploy: Deploy, method: str, apple_response: Answering, status: int, status_after: int
) -> None:
    function = deploy(apple=(found(), apple_response))
    function.call()
    assert function.call(method)["statusCode"] == status
    function.calls()

    assert function.call()["statusCode"] == status_after
    assert function.calls() == ([READ], 0, [])


def test_an_invalid_request_calls_neither_apple_nor_aws(deploy: Deploy) -> None:
    function = deploy()

    assert function.call(token="a b")["statusCode"] == 401
    assert function.calls() == ([], 0, [])


def test_the_last_half_second_of_lambdas_time_is_not_used(deploy: Deploy) -> None:
    function = deploy()

    response = function.call(seconds=1.2)  # 0.7 s are too short to call Apple and store

    assert (response["statusCode"], error_code(response)) == (503, "50391")
    assert function.calls() == ([READ], 0, [])


@pytest.mark.parametrize("event", [None, [], "event", {}, {"headers": 7, "body": []}])
def test_a_malformed_event_has_no_route(deploy: Deploy, event: Any) -> None:
    response = deploy().handle(event, Context())

    assert response["statusCode"] == 404
    assert response["headers"]["X-Request-Id"] == "lambda-1"


def test_a_hit_writes_one_short_line_of_log_and_metrics_without_a_secret(
    deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    function = deploy()
    function.call()
    hit = function.call()
    missed, logged = (lines := capsys.readouterr()).out.splitlines()

    for secret in (ADA.value, DEVELOPER_JWT):
        assert secret not in missed + logged + lines.err
    line = json.loads(logged)
    counted = counts(line)
    counted.pop("CacheHitSlow", None)  # on a busy machine
    assert counted == {"Succeeded": 1, "CacheHit": 1}
    assert 0 < line.pop("duration_ms") < 1000 * LATE_SECONDS
    assert {
        name: line[name] for name in line.keys() - {"_aws", "service", "CacheHitSlow", *counted}
    } == {
        "level": "INFO",
        "message": "/v1/me/ratings/{type}/{id}",
        "request_id": "gateway-1",
        "function_request_id": "lambda-1",
        "method": "GET",
        "status": 200,
        "cache_status": f"apple-music-ratings; {cache_status(hit)}",
        "function_name": "ratings-dev",
    }
    assert len(logged) <= MOST_LOG_BYTES


def test_the_response_to_a_defect_reveals_nothing(
    deploy: Deploy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise LookupError(ADA.value)

    function = deploy()
    monkeypatch.setattr("functions.ratings.api.validation.rating_key", broken)
    response = function.call()

    assert (response["statusCode"], error_code(response)) == (500, "50090")
    logged = "".join(capsys.readouterr())
    assert ADA.value not in logged + str(response)
    assert "LookupError in" in logged
    assert f'"function_version":"{Context.function_version}"' in logged


def test_a_listed_origin_may_read_every_response(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, other = "https://app.example.com", "https://other.example"
    function = deploy(ALLOWED_ORIGINS=f"capacitor://localhost,{app}")

    def broken(*_: object) -> None:
        raise LookupError

    def readers(token: str = ADA.value) -> tuple[int, list[str | None]]:
        responses = [
            function.call(multiValueHeaders={"Music-User-Token": [token], "Origin": [origin]})
            for origin in (app, other)
        ]
        headers = [response["headers"] for response in responses]
        assert [each["Vary"] for each in headers] == ["Origin"] * 2
        assert headers[0]["Access-Control-Expose-Headers"] == EXPOSED_HEADERS
        (status,) = {response["statusCode"] for response in responses}
        return status, [each.get("Access-Control-Allow-Origin") for each in headers]

    assert readers() == (200, [app, None])
    assert readers("a b") == (401, [app, None])
    monkeypatch.setattr("functions.ratings.api.validation.rating_key", broken)
    assert readers() == (500, [app, None])


def test_a_function_without_its_settings_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CACHE_TABLE_NAME", "DEVELOPER_TOKEN_SECRET_ID"):
        monkeypatch.delenv(name, raising=False)
    sys.modules.pop("functions.ratings.handler", None)

    with pytest.raises(ValueError, match="is not set"):
        importlib.import_module("functions.ratings.handler")
