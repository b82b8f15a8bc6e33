"""Checks one cell of a table, over real sockets."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final

import pytest

from functions.ratings.metrics import Metric
from tests.fakes.apple_music import rating
from tests.fakes.lambda_function import LambdaFunction, cache_status, error_code
from tests.integration.conftest import Deploy
from tests.integration.faults.cells import Cell, Expected
from tests.patience import LATE_SECONDS

DEADLINE_SECONDS: Final = 6
HEADERS = {
    "Content-Type",
    "Cache-Control",
    "X-Request-Id",
    "Cache-Status",
    "Age",
    "Retry-After",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
}
NO_FAILURES = {
    *(Metric.SUCCEEDED, Metric.REJECTED, Metric.FAILED),
    *(Metric.VERSION_FAILED, Metric.UPSTREAM_LATENCY),
}
OF_CACHE = {
    *(Metric.CACHE_HIT, Metric.CACHE_MISS, Metric.CACHE_STALE, Metric.CACHE_BYPASS),
    Metric.CACHE_HIT_SLOW,  # counted only on a busy machine
}
FAILURES = {metric.value: metric for metric in set(Metric) - NO_FAILURES - OF_CACHE}


def check(cell: Cell, deploy: Deploy, capsys: pytest.CaptureFixture[str]) -> LambdaFunction:
    """Send the request of a cell to a function with the cell's fault; return the function."""
    function = deploy(
        apple=cell.apple,
        wire=cell.wire,
        items=cell.items(),
        dynamodb=cell.dynamodb,
        secrets=cell.secrets,
        cache_seconds=cell.cache_seconds,
        secret_seconds=cell.secret_seconds,
        apple_seconds=cell.apple_seconds,
    )
    if cell.is_warm:  # warm the function with a request that bypasses the cache
        warming = function.call(token="somebody-else", queryStringParameters={"include": "content"})
        assert warming["statusCode"] == 200
        dynamodb_calls, secret_reads, requests = function.calls()
        assert (dynamodb_calls, secret_reads, len(requests)) == ([], 1, 1)
        capsys.readouterr()
    started = time.monotonic()

    response = function.call(cell.method, seconds=cell.seconds)

    taken = time.monotonic() - started
    assert_expected(cell.expected, response, taken)
    dynamodb_calls, secret_reads, requests = function.calls()
    assert len(requests) == cell.expected.calls
    line = json.loads(capsys.readouterr().out)
    failures = {FAILURES[name]: sum(line[name]) for name in FAILURES.keys() & line.keys()}
    if cell.metrics is None:
        assert not any(metric.value.startswith("Cache") for metric in failures)
    else:
        assert failures == cell.metrics
    if cell.aws_calls is not None:
        assert (len(dynamodb_calls), secret_reads) == cell.aws_calls
    return function


def assert_expected(expected: Expected, response: Mapping[str, Any], taken: float) -> None:
    headers = response["headers"]
    late = _seconds_late(expected, headers, taken)
    cache = re.sub(r"ttl=(-?\d+)", lambda ttl: f"ttl={int(ttl[1]) - late}", expected.cache)
    assert response["statusCode"] == expected.status
    assert cache_status(response) == cache
    assert headers.get("Age") == (None if expected.age is None else str(expected.age + late))
    assert ("Retry-After" in headers) == (expected.retry_after is not None)
    if expected.retry_after is not None:
        assert int(headers["Retry-After"]) in expected.retry_after
    assert headers.keys() <= HEADERS
    assert headers["Cache-Control"] == "private, no-store"
    if expected.code is not None:
        assert error_code(response) == expected.code
    elif expected.status == 200:
        assert json.loads(response["body"]) == {"data": [rating("i.a")]}
    else:
        assert response["body"] == ""
    assert taken < DEADLINE_SECONDS + LATE_SECONDS  # a wait without a limit takes a minute


def _seconds_late(expected: Expected, headers: Mapping[str, str], taken: float) -> int:
    """Return by how many seconds `Age` exceeds its expected value, as on a busy machine."""
    if expected.age is None or "Age" not in headers:
        return 0
    late = int(headers["Age"]) - expected.age
    assert 0 <= late <= taken + 1  # the copy is made a moment before the request
    return late
