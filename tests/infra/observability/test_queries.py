from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from functions.ratings.api.gateway import ApiRequest, error_response
from functions.ratings.cache.status import CacheStatus
from functions.ratings.errors import AppleTimeoutError
from functions.ratings.metrics import Metric
from functions.ratings.telemetry import Telemetry
from infra.observability.queries import ACCESS_QUERIES, RATINGS_QUERIES, Query
from infra.service.api import ACCESS_LOG_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.infra.resources import Resources

PROJECT = Path(__file__).parents[3]

# The fields and keywords of Logs Insights.
AT_FIELDS = {"@timestamp", "@message"}
WORDS = {
    *("fields", "filter", "stats", "sort", "limit", "parse", "as", "by", "desc", "asc"),
    *("and", "or", "not", "like", "count", "sum", "latest", "bin", "ispresent", "strcontains"),
}


@pytest.fixture
def log_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The log line of a failed request with two warnings, which has every field."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "apple-music-ratings")
    telemetry = Telemetry()
    telemetry.count(Metric.CACHE_STORE_FAILED, reason="one")
    telemetry.count(Metric.UPSTREAM_TIMEOUT, reason="another")
    error = AppleTimeoutError("too slow")
    telemetry.write(
        ApiRequest.from_event({}, fallback_request_id="gateway-1"),
        error_response(error, "gateway-1", cache_status=CacheStatus(fwd="miss")),
        0.0123,
        function_name="ratings-dev",
        function_version="7",
        function_request_id="lambda-1",
    )
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    return line


def _fields(query: Query) -> set[str]:
    """The fields of a query: its words except strings, keywords and names that it defines."""
    own = set(re.findall(r"\bas (\w+)|\?<(\w+)>", query.text))
    text = re.sub(r'"[^"]*"|/(?:[^/\\]|\\.)*/|(?<![\w.])\d+m?\b', " ", query.text)
    words = set(re.findall(r"@?[A-Za-z_][\w.]*", text))
    return words - WORDS - AT_FIELDS - {name for names in own for name in names}


def _is_in(line: Mapping[str, Any], field: str) -> bool:
    """Whether Logs Insights finds a field in the line; `name.0` is the first item of a list."""
    name, _, index = field.partition(".")
    if not index:
        return name in line and not isinstance(line[name], (list, dict))
    return isinstance(line.get(name), list) and int(index) < len(line[name])


@pytest.mark.parametrize("query", [*RATINGS_QUERIES, *ACCESS_QUERIES], ids=lambda each: each.id)
def test_a_query_uses_fields_of_its_log(query: Query, log_line: dict[str, Any]) -> None:
    line = log_line if query in RATINGS_QUERIES else ACCESS_LOG_FIELDS
    fields = _fields(query)

    assert fields or query.id == "Crashes", "only Crashes needs no field of the function"
    assert {field for field in fields if not _is_in(line, field)} == set()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (CacheStatus(ttl=42), "hit"),
        (CacheStatus(fwd="miss", stored=True), "fwd=miss"),
        (CacheStatus(fwd="bypass"), "fwd=bypass"),
    ],
)
def test_the_cache_result_is_parsed_from_the_logged_cache_status(
    status: CacheStatus, outcome: str
) -> None:
    (query,) = (each for each in RATINGS_QUERIES if each.id == "CacheOutcome")
    pattern = re.search(r"parse cache_status /(.+)/", query.text)
    assert pattern is not None

    found = re.search(pattern[1].replace("(?<", "(?P<"), str(status))

    assert found is not None
    assert found["outcome"] == outcome


def test_every_query_is_saved_for_its_log_group_in_the_stacks_folder(service: Resources) -> None:
    filters = service.of_type("AWS::Logs::MetricFilter").values()
    access_log = next(iter(filters))["Properties"]["LogGroupName"]
    ratings_log = {"Ref": service.log_group("ratings")}

    saved = [each["Properties"] for each in service.of_type("AWS::Logs::QueryDefinition").values()]

    assert {each["QueryString"]: (each["Name"], each["LogGroupNames"]) for each in saved} == {
        query.text: (
            {"Fn::Join": ["", [{"Ref": "AWS::StackName"}, f"/{query.name}"]]},
            [ratings_log if query in RATINGS_QUERIES else access_log],
        )
        for query in (*RATINGS_QUERIES, *ACCESS_QUERIES)
    }


def test_the_names_in_italics_in_the_runbook_are_exactly_those_of_the_queries() -> None:
    page = (PROJECT / "docs" / "runbook.md").read_text("utf-8")
    names = {" ".join(name.split()) for name in re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", page)}

    assert names == {query.name for query in (*RATINGS_QUERIES, *ACCESS_QUERIES)}
