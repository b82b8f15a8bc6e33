from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from functions.ratings.api_gateway import ApiRequest, error_answer
from functions.ratings.cache_status import CacheStatus
from functions.ratings.errors import AppleTooSlowError
from functions.ratings.metrics import Metric
from functions.ratings.telemetry import Telemetry
from infra.api import ACCESS_LOG_FIELDS
from infra.queries import ACCESS_QUERIES, RATINGS_QUERIES, Query

if TYPE_CHECKING:
    from tests.infra.resources import Resources

# CloudWatch's own.
AT_FIELDS = {"@timestamp", "@message"}
WORDS = {
    *("fields", "filter", "stats", "sort", "limit", "parse", "as", "by", "desc", "asc"),
    *("and", "or", "not", "like", "count", "sum", "latest", "bin", "ispresent", "strcontains"),
}


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The line of a request with which all went wrong, and so with every field there is."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "apple-music-ratings")
    telemetry = Telemetry()
    telemetry.count(Metric.CACHE_STORE_FAILED, reason="one")
    telemetry.count(Metric.UPSTREAM_TOO_SLOW, reason="another")
    error = AppleTooSlowError("too slow")
    error.cache_status = CacheStatus(fwd="miss")
    telemetry.write(
        ApiRequest.from_event({}, fallback_request_id="gateway-1"),
        error_answer(error, "gateway-1"),
        0.0123,
        function_name="ratings-dev",
        function_request_id="lambda-1",
    )
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    return line


def _fields(query: Query) -> set[str]:
    """The fields that a query reads: its words, but for texts, commands and names of its own."""
    own = set(re.findall(r"\bas (\w+)|\?<(\w+)>", query.text))
    text = re.sub(r'"[^"]*"|/(?:[^/\\]|\\.)*/|(?<![\w.])\d+m?\b', " ", query.text)
    words = set(re.findall(r"@?[A-Za-z_][\w.]*", text))
    return words - WORDS - AT_FIELDS - {name for names in own for name in names}


def _is_in(line: dict[str, Any], field: str) -> bool:
    """Whether Logs Insights finds it: a list's members are fields by their numbers."""
    name, _, index = field.partition(".")
    if not index:
        return name in line and not isinstance(line[name], (list, dict))
    return isinstance(line.get(name), list) and int(index) < len(line[name])


@pytest.mark.parametrize("query", RATINGS_QUERIES, ids=lambda each: each.id)
def test_a_query_reads_fields_that_the_ratings_function_writes(
    query: Query, written: dict[str, Any]
) -> None:
    missing = {field for field in _fields(query) if not _is_in(written, field)}

    assert missing == set()


@pytest.mark.parametrize("query", ACCESS_QUERIES, ids=lambda each: each.id)
def test_a_query_reads_fields_that_the_access_log_has(query: Query) -> None:
    assert _fields(query) <= set(ACCESS_LOG_FIELDS)
    assert _fields(query)


def test_the_fields_of_a_query_are_found() -> None:
    query = Query(
        "Any",
        "any",
        "filter ispresent(cache) and status >= 500 and x like /a|b/\n| parse cache /(?<seen>hit)/\n"
        '| stats count(*) as requests by bin(5m), noticed.0, "text", seen\n| sort requests desc\n',
    )

    assert _fields(query) == {"cache", "status", "x", "noticed.0"}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (CacheStatus(ttl=42), "hit"),
        (CacheStatus(fwd="miss", stored=True), "fwd=miss"),
        (CacheStatus(fwd="bypass"), "fwd=bypass"),
    ],
)
def test_what_the_cache_did_is_read_out_of_what_is_written(
    status: CacheStatus, outcome: str
) -> None:
    (query,) = (each for each in RATINGS_QUERIES if each.id == "CacheOutcome")
    pattern = re.search(r"parse cache /(.+)/", query.text)
    assert pattern is not None

    found = re.search(pattern[1].replace("(?<", "(?P<"), str(status))

    assert found is not None
    assert found["outcome"] == outcome


def test_every_query_is_saved_for_its_log_group_under_the_stacks_name(
    service: Resources,
) -> None:
    saved = [each["Properties"] for each in service.of_type("AWS::Logs::QueryDefinition").values()]
    ratings_log = service.function("ratings")[1]["LoggingConfig"]["LogGroup"]
    access_log = service.properties("AWS::Logs::MetricFilter")["LogGroupName"]

    assert {str(each["Name"]): (each["QueryString"], each["LogGroupNames"]) for each in saved} == {
        str({"Fn::Join": ["", [{"Ref": "AWS::StackName"}, f"/{query.name}"]]}): (
            query.text,
            [log_group],
        )
        for queries, log_group in ((RATINGS_QUERIES, ratings_log), (ACCESS_QUERIES, access_log))
        for query in queries
    }
