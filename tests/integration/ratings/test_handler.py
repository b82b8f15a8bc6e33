"""The deployed handler, wired as in Lambda, with Apple and AWS on real sockets."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import pytest

from functions.shared import metrics
from tests.fakes.apple_music import rating
from tests.fakes.lambda_function import Context, cache_status, error_code, found
from tests.fakes.origin import Answering, http, sends
from tests.fakes.ratings_function import ADA, DEVELOPER_JWT
from tests.integration.conftest import Deploy
from tests.patience import LATE_SECONDS

MOST_LOG_BYTES = 700
READ, STORE, STORE_MANY, ADVANCE = "BatchGetItem", "PutItem", "BatchWriteItem", "UpdateItem"


def counts(line: dict[str, Any]) -> dict[str, int]:
    """The counts in a line of CloudWatch's embedded metric format, by the metric's name."""
    (sent,) = line["_aws"]["CloudWatchMetrics"]
    assert sent["Namespace"] == metrics.NAMESPACE
    assert sent["Dimensions"] == [[metrics.FUNCTION_DIMENSION, metrics.SERVICE_DIMENSION]]
    assert line[metrics.FUNCTION_DIMENSION] == "ratings-dev"
    names = {each["Name"] for each in sent["Metrics"] if each["Unit"] == "Count"}
    return {name: sum(line[name]) for name in names}


def test_a_hit_is_one_call_to_dynamodb(deploy: Deploy) -> None:
    function = deploy()

    miss = function.call()
    operations, secret_reads, requests = function.calls()
    assert (operations, secret_reads, len(requests)) == ([READ, STORE], 1, 1)
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


@pytest.mark.parametrize(
    ("cached", "operations", "missing"),
    [
        (0, [READ] * 2 + [STORE_MANY] * 4, 100),
        (50, [READ] * 2 + [STORE_MANY] * 2, 50),
        (100, [READ] * 2, 0),
    ],
)
def test_a_list_requests_missing_ids_in_one_call_to_apple(
    deploy: Deploy, cached: int, operations: list[str], missing: int
) -> None:
    ids = [f"i.{number}" for number in range(100)]
    function = deploy(apple=(sends(http(200, b'{"data":[]}')),))
    if cached:
        function.get_list(*ids[:cached])
    function.calls()

    response = function.get_list(*ids)

    assert json.loads(response["body"]) == {"data": []}
    made, _, requests = function.calls()
    assert made == operations
    assert [request.count(b"i.") for request in requests] == [missing] * (missing > 0)


@pytest.mark.parametrize(
    ("method", "apple_response", "status", "status_after"),
    [("PUT", found(), 200, 200), ("DELETE", sends(http(204)), 204, 404)],
)
def test_a_write_is_two_updates_one_store_and_one_call_to_apple(
    deploy: Deploy, method: str, apple_response: Answering, status: int, status_after: int
) -> None:
    function = deploy(apple=(found(), apple_response))
    function.call()
    function.calls()

    assert function.call(method)["statusCode"] == status

    operations, _, requests = function.calls()
    assert (operations, len(requests)) == ([ADVANCE, ADVANCE, STORE], 1)
    assert function.call()["statusCode"] == status_after
    assert function.calls() == ([READ], 0, [])


def test_an_invalid_request_calls_neither_apple_nor_aws(deploy: Deploy) -> None:
    function = deploy()

    assert function.call(token="a b")["statusCode"] == 401
    assert function.calls() == ([], 0, [])


def test_the_last_half_second_of_lambdas_time_is_not_used(deploy: Deploy) -> None:
    function = deploy()

    response = function.call(seconds=1.2)  # 0.7 s are too short for Apple and the cache

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
    assert counted == {"Succeeded": 1, "CacheHit": 1}
    assert 0 < line.pop("duration_ms") < 1000 * LATE_SECONDS
    assert {name: line[name] for name in line.keys() - {"_aws", "service", *counted}} == {
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


def test_a_function_without_its_settings_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CACHE_TABLE_NAME", "DEVELOPER_TOKEN_SECRET_ID"):
        monkeypatch.delenv(name, raising=False)
    sys.modules.pop("functions.ratings.handler", None)

    with pytest.raises(ValueError, match="is not set"):
        importlib.import_module("functions.ratings.handler")
