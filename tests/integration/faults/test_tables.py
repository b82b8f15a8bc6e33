"""Every fault of every table, through the deployed function over real sockets."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

import pytest

from functions.ratings.cache.items import family_sort_key, read_family
from functions.ratings.metrics import Metric
from tests.fakes.apple_music import rating
from tests.fakes.lambda_function import LambdaFunction, cache_status, error_code
from tests.fakes.origin import http, sends
from tests.fakes.ratings_function import ADA, SONG
from tests.integration.conftest import Deploy
from tests.integration.faults.apple_lists import BOTH, LISTS, ListCell
from tests.integration.faults.apple_reads import READS
from tests.integration.faults.apple_writes import WRITES
from tests.integration.faults.cells import Cell, Expected
from tests.integration.faults.dependencies import DEPENDENCIES
from tests.integration.faults.reliability_page import PAGE, reliability_page
from tests.patience import LATE_SECONDS

DEADLINE_SECONDS = 6
CELLS = (*READS, *WRITES, *DEPENDENCIES)
HEADERS = {
    "Content-Type",
    "Cache-Control",
    "X-Request-Id",
    "Cache-Status",
    "Age",
    "Retry-After",
}
NO_FAILURES = {Metric.SUCCEEDED, Metric.REJECTED, Metric.FAILED, Metric.UPSTREAM_LATENCY}
OF_CACHE = {Metric.CACHE_HIT, Metric.CACHE_MISS, Metric.CACHE_STALE, Metric.CACHE_BYPASS}
FAILURES = {metric.value: metric for metric in set(Metric) - NO_FAILURES - OF_CACHE}


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_response_to_each_fault(
    cell: Cell, deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    function = deploy(
        apple=cell.apple,
        wire=cell.wire,
        items=cell.items(),
        dynamodb=cell.dynamodb,
        secrets=cell.secrets,
        cache_seconds=cell.cache_seconds,
    )
    if cell.is_warm:  # with a request that bypasses the cache
        warming = function.call(token="somebody-else", queryStringParameters={"include": "content"})
        assert warming["statusCode"] == 200
        dynamodb_calls, secret_reads, requests = function.calls()
        assert (dynamodb_calls, secret_reads, len(requests)) == ([], 1, 1)
        capsys.readouterr()
    started, closed_after = time.monotonic(), time.time()

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
    if cell in WRITES:
        assert_remembered(cell, function, closed_after)


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
    assert taken < DEADLINE_SECONDS + LATE_SECONDS  # what has no limit takes a minute


def _seconds_late(expected: Expected, headers: Mapping[str, str], taken: float) -> int:
    """By how many whole seconds a copy is older than on an idle machine."""
    if expected.age is None or "Age" not in headers:
        return 0
    late = int(headers["Age"]) - expected.age
    assert 0 <= late <= taken + 1  # the copy is made a moment before the request
    return late


def assert_remembered(cell: Cell, function: LambdaFunction, closed_after: float) -> None:
    """The copy from before the write does not count; only a written value that is certain does."""
    item, now = function.table.items[ADA.hash, family_sort_key("songs")], time.time()
    family = read_family(item, ADA.hash, now)
    assert family is not None
    values = {key: (each.value, each.generation) for key, each in family.answers.items()}
    written = (int(cell.method == "PUT"), family.number)
    assert values == ({SONG: written} if cell.expected.is_kept else {})
    assert closed_after + 5 <= family.settling_until <= now + 5
    assert (family.unknown_until >= closed_after + 60) == cell.expected.outcome_unknown
    assert family.writing_until == 0.0


@pytest.mark.parametrize("cell", LISTS, ids=[cell.fault for cell in LISTS])
def test_what_the_response_to_a_list_proves_about_each_id(cell: ListCell, deploy: Deploy) -> None:
    function = deploy(apple=(sends(cell.response), sends(http(404))))
    response = function.get_list(*BOTH)
    function.get_list(*BOTH)

    if cell.code is None:
        assert json.loads(response["body"]) == {"data": [rating(each) for each in cell.served]}
        assert cache_status(response).endswith("stored") == bool(cell.stored)
    else:
        assert error_code(response) == cell.code
    requested = [re.findall(rb"i\.[ab]", request) for request in function.calls()[2]]
    missing = [each.encode() for each in BOTH if each not in cell.stored]
    assert requested == [[b"i.a", b"i.b"], *([missing] if missing else [])]


def test_every_cell_has_its_own_name() -> None:
    for cells in (READS, WRITES, DEPENDENCIES):
        assert len({str(cell) for cell in cells}) == len(cells)


def test_the_page_is_written_from_the_tables() -> None:
    assert PAGE.read_text("utf-8") == reliability_page(), (
        "write it again: python -m tests.integration.faults.reliability_page"
    )
