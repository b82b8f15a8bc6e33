"""What the one line of a request says, and which metrics it counts in."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from functions.ratings.api_gateway import Answer, ApiRequest, error_answer
from functions.ratings.cache_status import BYPASS, CacheStatus
from functions.ratings.errors import (
    HTTP_ERRORS,
    AppleThrottlesError,
    AppleTooSlowError,
    DeveloperTokenRefusedError,
    InvalidBodyError,
    InvalidIdError,
    MethodNotAllowedError,
    MissingParameterError,
    NotRatedError,
    NotSignedInError,
    RatingsError,
    RequestRefusedError,
    RequestRejectedError,
    UserTokenMalformedError,
    UserTokenRefusedError,
)
from functions.ratings.metrics import Metric
from functions.ratings.telemetry import Telemetry, cache_metric, outcome_metric

REQUEST = ApiRequest(
    method="GET",
    resource="/v1/me/ratings/{type}",
    request_id="gateway-1",
    path_parameters={"type": "songs"},
    headers={},
    query={},
    body=None,
)


@pytest.fixture(autouse=True)
def _service_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "apple-music-ratings")


def write(telemetry: Telemetry, answer: Answer) -> None:
    telemetry.write(
        REQUEST, answer, 0.0123, function_name="ratings-dev", function_request_id="lambda-1"
    )


def written(capsys: pytest.CaptureFixture[str]) -> Mapping[str, Any]:
    line: Mapping[str, Any] = json.loads(capsys.readouterr().out)
    return line


def error(kind: RatingsError) -> Answer:
    return error_answer(kind, "gateway-1")


@pytest.mark.parametrize(
    ("answer", "metric"),
    [
        (Answer(status=200), Metric.ANSWERED),
        (Answer(status=204), Metric.ANSWERED),
        (error(NotRatedError("no rating")), Metric.ANSWERED),
        (error(UserTokenMalformedError("x")), Metric.INVALID),
        (error(InvalidIdError("x")), Metric.INVALID),
        (error(InvalidBodyError("/type")), Metric.INVALID),
        (error(MissingParameterError("ids")), Metric.INVALID),
        (error(MethodNotAllowedError(("GET",))), Metric.INVALID),
        (error(NotSignedInError("x")), Metric.REFUSED),
        (error(UserTokenRefusedError("x")), Metric.REFUSED),
        (error(RequestRefusedError("40015")), Metric.REFUSED),
        (error(RequestRejectedError("x")), Metric.FAILED),
        (error(DeveloperTokenRefusedError("x")), Metric.FAILED),
        (error(AppleThrottlesError("x")), Metric.FAILED),
        (error(AppleTooSlowError("x")), Metric.FAILED),
    ],
    ids=lambda each: each.error.__class__.__name__ if isinstance(each, Answer) else each.value,
)
def test_a_request_counts_in_one_outcome(answer: Answer, metric: Metric) -> None:
    assert outcome_metric(answer) is metric


def test_no_answer_of_5xx_counts_as_anything_but_failed() -> None:
    for kind, told in HTTP_ERRORS.items():
        answer = Answer(status=told.status, error=kind.__new__(kind))
        assert (outcome_metric(answer) is Metric.FAILED) == (told.status in {429, *range(500, 600)})


@pytest.mark.parametrize(
    ("status", "metric"),
    [
        (CacheStatus(ttl=42), Metric.CACHE_HIT),
        (CacheStatus(fwd="miss"), Metric.CACHE_MISS),
        (CacheStatus(fwd="partial", stored=True), Metric.CACHE_MISS),
        (CacheStatus(fwd="stale", stored=True), Metric.CACHE_MISS),
        (CacheStatus(fwd="stale", ttl=-30, detail="stale-if-error"), Metric.CACHE_STALE),
        (CacheStatus(ttl=-30, detail="stale-if-error"), Metric.CACHE_STALE),
        (BYPASS, Metric.CACHE_BYPASS),
    ],
)
def test_a_read_counts_in_one_outcome_of_the_cache(status: CacheStatus, metric: Metric) -> None:
    assert cache_metric(status) is metric


def test_a_line_is_cloudwatchs_embedded_metric_format(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = Telemetry()
    telemetry.measure(Metric.UPSTREAM_LATENCY, 12.34)
    telemetry.measure(Metric.UPSTREAM_LATENCY, 56)

    write(telemetry, Answer(status=200, cache_status=CacheStatus(fwd="miss", stored=True)))

    line = written(capsys)
    assert line["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": "AppleMusicRatings",
            "Dimensions": [["function_name", "service"]],
            "Metrics": [
                {"Name": "UpstreamLatency", "Unit": "Milliseconds"},
                {"Name": "Answered", "Unit": "Count"},
                {"Name": "CacheMiss", "Unit": "Count"},
            ],
        }
    ]
    assert line["UpstreamLatency"] == [12.3, 56.0]
    assert (line["function_name"], line["service"]) == ("ratings-dev", "apple-music-ratings")
    assert (line["level"], line["milliseconds"]) == ("INFO", 12.3)


def test_what_is_there_a_hundred_times_is_one_value_of_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    telemetry = Telemetry()
    telemetry.count(Metric.CACHE_ITEM_REJECTED, times=100)

    write(telemetry, Answer(status=200))

    assert written(capsys)["CacheItemRejected"] == [100.0]


def test_a_write_says_nothing_of_the_cache(capsys: pytest.CaptureFixture[str]) -> None:
    write(Telemetry(), Answer(status=204))

    assert "cache" not in written(capsys)


@pytest.mark.parametrize(
    ("answer", "reason", "level"),
    [
        (Answer(status=200), "", "INFO"),
        (Answer(status=200), "ReadTimeoutError", "WARNING"),
        (error(InvalidIdError("not an id")), "", "INFO"),
        (error(AppleTooSlowError("late")), "", "ERROR"),
        (error(AppleTooSlowError("late")), "ReadTimeoutError", "ERROR"),
    ],
)
def test_what_no_caller_sees_is_a_warning_and_what_failed_an_error(
    capsys: pytest.CaptureFixture[str], answer: Answer, reason: str, level: str
) -> None:
    telemetry = Telemetry()
    if reason:
        telemetry.count(Metric.CACHE_STORE_FAILED, reason=reason)

    write(telemetry, answer)

    line = written(capsys)
    assert line["level"] == level
    assert line.get("noticed") == ([f"CacheStoreFailed: {reason}"] if reason else None)


def test_nothing_of_one_request_is_in_the_next_ones_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    telemetry = Telemetry()
    telemetry.count(Metric.CACHE_STORE_FAILED, reason="ReadTimeoutError")
    write(telemetry, error(AppleTooSlowError("late")))
    capsys.readouterr()

    write(telemetry, Answer(status=200))

    line = written(capsys)
    assert not {"noticed", "error", "reason", "CacheStoreFailed", "Failed"} & line.keys()


def test_no_metric_has_the_name_of_a_field_of_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = Telemetry()
    telemetry.count(Metric.CACHE_STORE_FAILED, reason="x")
    error_of_the_cache = AppleTooSlowError("late")
    error_of_the_cache.cache_status = BYPASS
    write(telemetry, error(error_of_the_cache))

    fields = written(capsys).keys() - {"Failed", "CacheBypass", "CacheStoreFailed"}

    assert not fields & {metric.value for metric in Metric}
