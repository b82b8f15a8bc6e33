"""The one log line of a request, and the metrics in it."""

import json
from typing import Any

import pytest

from functions.ratings import errors
from functions.ratings.api.gateway import ApiRequest, Response, error_response
from functions.ratings.cache.status import BYPASS, CacheStatus
from functions.ratings.metrics import Metric
from functions.ratings.telemetry import Telemetry, cache_metric, outcome_metric
from tests.contracts.errors import ERRORS

REQUEST = ApiRequest(
    method="GET",
    resource="/v1/me/ratings/{type}",
    request_id="gateway-1",
    path_parameters={"type": "songs"},
    headers={"music-user-token": ("sample-user-token-ada",)},
    query={},
    body=None,
)
OK = Response(status=200)
LATE = error_response(errors.AppleTimeoutError("late"), "gateway-1", cache_status=BYPASS)


class Log:
    """The telemetry of one environment, and the lines that it writes."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.telemetry = Telemetry()

    def write(self, response: Response, *, seconds: float = 0.0123) -> dict[str, Any]:
        self.telemetry.write(
            REQUEST,
            response,
            seconds,
            function_name="ratings-dev",
            function_version="7",
            function_request_id="lambda-1",
        )
        line: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        return line


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Log:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "apple-music-ratings")
    return Log(capsys)


OUTCOMES = {
    errors.NotRatedError: Metric.SUCCEEDED,
    errors.NotSignedInError: Metric.REJECTED,
    errors.UserTokenRejectedError: Metric.REJECTED,
    errors.BadAppleRequestError: Metric.REJECTED,
    errors.ItemNotFoundError: Metric.REJECTED,
}


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_counts_in_one_metric_and_a_429_or_5xx_counts_as_failed(
    error: type[errors.RatingsError],
) -> None:
    is_failed = error.status == 429 or error.status >= 500
    metric = Metric.FAILED if is_failed else OUTCOMES.get(error, Metric.INVALID)

    assert outcome_metric(Response(status=error.status, error=error.__new__(error))) is metric
    assert outcome_metric(OK) is Metric.SUCCEEDED


@pytest.mark.parametrize(
    ("status", "metric"),
    [
        (CacheStatus(ttl=42), Metric.CACHE_HIT),
        *(
            (CacheStatus(fwd=fwd, stored=stored), Metric.CACHE_MISS)
            for fwd in ("miss", "partial", "stale")
            for stored in (True, False)
        ),
        (CacheStatus(fwd="stale", ttl=-30, detail="stale-if-error"), Metric.CACHE_STALE),
        (CacheStatus(ttl=-30, detail="stale-if-error"), Metric.CACHE_STALE),
        (BYPASS, Metric.CACHE_BYPASS),
    ],
)
def test_a_read_counts_in_one_metric_of_the_cache(status: CacheStatus, metric: Metric) -> None:
    assert cache_metric(status) is metric


def test_a_line_has_cloudwatchs_embedded_metric_format(log: Log) -> None:
    log.telemetry.measure(Metric.UPSTREAM_LATENCY, 12.34)
    log.telemetry.measure(Metric.UPSTREAM_LATENCY, 56)
    log.telemetry.count(Metric.CACHE_ITEM_INVALID, times=100)

    line = log.write(Response(status=200, cache_status=CacheStatus(fwd="miss", stored=True)))

    metadata = line.pop("_aws")
    assert metadata["CloudWatchMetrics"] == [
        {
            "Namespace": "AppleMusicRatings",
            "Dimensions": [["function_name", "service"]],
            "Metrics": [
                {"Name": "UpstreamLatency", "Unit": "Milliseconds"},
                {"Name": "CacheItemInvalid", "Unit": "Count"},
                {"Name": "Succeeded", "Unit": "Count"},
                {"Name": "CacheMiss", "Unit": "Count"},
            ],
        }
    ]
    assert line == {
        "function_name": "ratings-dev",
        "service": "apple-music-ratings",
        "level": "INFO",
        "message": "/v1/me/ratings/{type}",
        "request_id": "gateway-1",
        "function_request_id": "lambda-1",
        "method": "GET",
        "status": 200,
        "duration_ms": 12.3,
        "cache_status": "apple-music-ratings; fwd=miss; stored",
        "UpstreamLatency": [12.3, 56.0],
        "CacheItemInvalid": [100.0],
        "Succeeded": [1.0],
        "CacheMiss": [1.0],
    }


def test_a_5xx_but_not_a_429_counts_in_the_metric_of_the_function_version(log: Log) -> None:
    line = log.write(LATE)

    _, of_version = line["_aws"]["CloudWatchMetrics"]
    assert of_version == {
        "Namespace": "AppleMusicRatings",
        "Dimensions": [["function_name", "service", "function_version"]],
        "Metrics": [{"Name": "VersionFailed", "Unit": "Count"}],
    }
    assert (line["function_version"], line["VersionFailed"]) == ("7", [1.0])

    line = log.write(Response(status=429))
    assert len(line["_aws"]["CloudWatchMetrics"]) == 1
    assert not {"function_version", "VersionFailed"} & line.keys()


@pytest.mark.parametrize(
    ("status", "seconds", "is_slow"),
    [
        (CacheStatus(ttl=42), 0.1, False),
        (CacheStatus(ttl=42), 0.11, True),
        (CacheStatus(fwd="miss"), 1.0, False),
        (CacheStatus(ttl=-30, detail="stale-if-error"), 1.6, False),
    ],
)
def test_only_a_hit_that_takes_longer_than_a_tenth_of_a_second_is_a_slow_hit(
    log: Log, status: CacheStatus, seconds: float, is_slow: bool
) -> None:
    line = log.write(Response(status=200, cache_status=status), seconds=seconds)

    assert ("CacheHitSlow" in line) is is_slow


@pytest.mark.parametrize(
    ("response", "reason", "level"),
    [
        (OK, "", "INFO"),
        (OK, "ReadTimeoutError", "WARNING"),
        (error_response(errors.InvalidIdError("not an id"), "1"), "", "INFO"),
        (LATE, "", "ERROR"),
        (LATE, "ReadTimeoutError", "ERROR"),
    ],
)
def test_a_hidden_failure_is_a_warning_and_a_failed_request_an_error(
    log: Log, response: Response, reason: str, level: str
) -> None:
    if reason:
        log.telemetry.count(Metric.CACHE_STORE_FAILED, reason=reason)

    line = log.write(response)

    assert line["level"] == level
    assert line.get("warnings") == ([f"CacheStoreFailed: {reason}"] if reason else None)


def test_a_line_has_no_data_of_the_previous_request_and_no_metric_named_like_a_field(
    log: Log,
) -> None:
    log.telemetry.count(Metric.CACHE_STORE_FAILED, reason="ReadTimeoutError")
    line = log.write(LATE)
    assert (line["error"], line["reason"]) == ("AppleTimeoutError", "late")
    metrics = {"Failed", "VersionFailed", "CacheBypass", "CacheStoreFailed"}
    assert line.keys() & {metric.value for metric in Metric} == metrics

    line = log.write(OK)

    assert not {"warnings", "error", "reason", "cache_status", *metrics} & line.keys()
