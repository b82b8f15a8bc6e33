"""What calls for a person: each alarm, what it sees, and where the operator's page tells of it.

Shares have all requests at the gateway below the line: that metric is there whenever anything is,
so that a share never lacks a value because one of its parts had nothing to count. A least number
above the line keeps one failure among few requests from being a large share.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from functions.ratings.metrics import Metric
from infra.metrics import MINUTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

    from infra.metrics import ServiceMetrics

FIVE_MINUTES: Final = Duration.minutes(5)
QUARTER_OF_AN_HOUR: Final = Duration.minutes(15)

LEAST_DAYS_LEFT: Final = 14
"""A token with fewer days left should have been renewed long ago."""

SLOW_MILLISECONDS: Final = 3000
"""Longer than a cold start that asks Apple, and half of what a caller waits at most."""


@unique
class AlarmId(Enum):
    """Each alarm by its construct's id, in the order of docs/operations.md."""

    FAILURES = "Failures"
    LINGERING_FAILURES = "LingeringFailures"
    LATENCY = "Latency"
    STALE_ANSWERS = "StaleAnswers"
    APPLE_THROTTLES = "AppleThrottles"
    GATEWAY_THROTTLES = "GatewayThrottles"
    FUNCTION_THROTTLES = "FunctionThrottles"
    CACHE_READS = "CacheReads"
    CACHE_STORES = "CacheStores"
    CACHE_INVALIDATIONS = "CacheInvalidations"
    NO_DEVELOPER_TOKEN = "NoDeveloperToken"  # noqa: S105 - an alarm's name
    ROTATION_ERRORS = "TokenRotationErrors"
    DAYS_LEFT = "DeveloperTokenDaysLeft"


ROLLBACK: Final = (AlarmId.FAILURES, AlarmId.LATENCY)
"""Those by which a new version of the ratings function shows that users suffer from it.

Crashes and time-outs are among the failures: the gateway answers 502 for them.
"""

RUNBOOK: Final[Mapping[AlarmId, str]] = {
    AlarmId.FAILURES: "an-alarm-requests-fail",
    AlarmId.LINGERING_FAILURES: "an-alarm-requests-go-on-failing",
    AlarmId.LATENCY: "an-alarm-answers-are-slow",
    AlarmId.STALE_ANSWERS: "an-alarm-many-answers-are-stale",
    AlarmId.APPLE_THROTTLES: "an-alarm-apple-throttles-us",
    AlarmId.GATEWAY_THROTTLES: "an-alarm-the-gateway-throttles",
    AlarmId.FUNCTION_THROTTLES: "an-alarm-lambda-throttles",
    AlarmId.CACHE_READS: "an-alarm-the-cache-is-not-read",
    AlarmId.CACHE_STORES: "an-alarm-the-cache-is-not-filled",
    AlarmId.CACHE_INVALIDATIONS: "an-alarm-writes-are-not-told-to-the-cache",
    AlarmId.NO_DEVELOPER_TOKEN: "an-alarm-no-developer-token",
    AlarmId.ROTATION_ERRORS: "an-alarm-a-rotation-failed",
    AlarmId.DAYS_LEFT: "an-alarm-fewer-than-14-days-left",
}
"""The section of docs/operations.md on each alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """What rings: `datapoints` of the last `periods` values at `threshold` or past it.

    Missing data is not breaching, unless `stands_until_told`: then the alarm stays as it is.
    """

    says: str
    sees: cloudwatch.IMetric
    threshold: float
    periods: int
    datapoints: int
    is_below: bool = False
    stands_until_told: bool = False


def add_alarms(scope: Construct, metrics: ServiceMetrics) -> dict[AlarmId, cloudwatch.Alarm]:
    """Make every alarm there is."""
    rules = {**_symptoms(metrics), **_quiet_failures(metrics), **_token(metrics)}
    return {id_: _alarm(scope, id_, rules[id_]) for id_ in AlarmId}


def _symptoms(metrics: ServiceMetrics) -> dict[AlarmId, AlarmRule]:
    return {
        AlarmId.FAILURES: AlarmRule(
            says="5% of requests or more were answered 5xx, in 2 of 3 minutes",
            # So soon, because a canary gives it five minutes, with a tenth of the requests.
            sees=_share(metrics, metrics.gateway("5XXError"), least=5, period=MINUTE),
            threshold=5,
            periods=3,
            datapoints=2,
        ),
        AlarmId.LINGERING_FAILURES: AlarmRule(
            says="2% of requests or more were answered 5xx, for three quarters of an hour",
            # What the one above cannot see: few requests, or a small share that does not end.
            sees=_share(
                metrics,
                metrics.gateway("5XXError", period=QUARTER_OF_AN_HOUR),
                least=5,
                period=QUARTER_OF_AN_HOUR,
            ),
            threshold=2,
            periods=3,
            datapoints=3,
        ),
        AlarmId.LATENCY: AlarmRule(
            says="1% of requests took 3 s or longer, in 3 of 5 minutes",
            # Of fewer than a hundred requests, the 99th percentile is the slowest alone.
            sees=cloudwatch.MathExpression(
                expression="IF(requests >= 100, latency, 0)",
                using_metrics={
                    "requests": metrics.gateway("Count"),
                    "latency": metrics.gateway("Latency", cloudwatch.Stats.percentile(99)),
                },
                period=MINUTE,
                label="p99 of 100 requests or more (ms)",
            ),
            threshold=SLOW_MILLISECONDS,
            periods=5,
            datapoints=3,
        ),
        AlarmId.STALE_ANSWERS: AlarmRule(
            says="10% of requests or more got a stale copy, for a quarter of an hour",
            sees=_share(
                metrics,
                metrics.counted(Metric.CACHE_STALE, period=FIVE_MINUTES),
                least=10,
                period=FIVE_MINUTES,
            ),
            threshold=10,
            periods=3,
            datapoints=3,
        ),
        AlarmId.APPLE_THROTTLES: AlarmRule(
            # Told to callers as 429, which is no 5xx; or hidden by a copy.
            says="Apple answered 429 for 2% of requests or more, for 10 minutes",
            sees=_share(
                metrics,
                metrics.counted(Metric.UPSTREAM_THROTTLED, period=FIVE_MINUTES),
                least=5,
                period=FIVE_MINUTES,
            ),
            threshold=2,
            periods=3,
            datapoints=2,
        ),
        AlarmId.GATEWAY_THROTTLES: AlarmRule(
            says="The gateway's throttle refused 5% of requests or more, for 10 minutes",
            sees=_share(
                metrics,
                metrics.gateway_throttled(period=FIVE_MINUTES),
                least=20,
                period=FIVE_MINUTES,
            ),
            threshold=5,
            periods=3,
            datapoints=2,
        ),
        AlarmId.FUNCTION_THROTTLES: AlarmRule(
            says="Lambda refused to run the ratings function, in 3 of 5 minutes",
            sees=metrics.function("Throttles"),
            threshold=1,
            periods=5,
            datapoints=3,
        ),
    }


def _quiet_failures(metrics: ServiceMetrics) -> dict[AlarmId, AlarmRule]:
    def failing(metric: Metric, *, least: int) -> cloudwatch.MathExpression:
        return _share(
            metrics,
            metrics.counted(metric, period=FIVE_MINUTES),
            least=least,
            period=FIVE_MINUTES,
        )

    return {
        AlarmId.CACHE_READS: AlarmRule(
            says="DynamoDB did not give what is cached, for 5% of requests or more, for 10 minutes",
            # A call that takes longer than its 0.3 s now and then is no news.
            sees=failing(Metric.CACHE_READ_FAILED, least=10),
            threshold=5,
            periods=3,
            datapoints=2,
        ),
        AlarmId.CACHE_STORES: AlarmRule(
            says="DynamoDB did not take answers, for 5% of requests or more, for 10 minutes",
            sees=failing(Metric.CACHE_STORE_FAILED, least=10),
            threshold=5,
            periods=3,
            datapoints=2,
        ),
        AlarmId.CACHE_INVALIDATIONS: AlarmRule(
            # Of all requests, few are writes: all of those failing may be a small share.
            says="DynamoDB was not told of writes, for 1% of requests or more, for 10 minutes",
            sees=failing(Metric.CACHE_INVALIDATION_FAILED, least=5),
            threshold=1,
            periods=3,
            datapoints=2,
        ),
    }


def _token(metrics: ServiceMetrics) -> dict[AlarmId, AlarmRule]:
    return {
        AlarmId.NO_DEVELOPER_TOKEN: AlarmRule(
            says="Requests lack a developer token that works, for a quarter of an hour",
            # An environment that starts while Secrets Manager hiccups counts as well; what lasts
            # less than five minutes is never in three of these.
            sees=metrics.counted(Metric.NO_DEVELOPER_TOKEN, period=FIVE_MINUTES),
            threshold=1,
            periods=4,
            datapoints=3,
        ),
        AlarmId.DAYS_LEFT: AlarmRule(
            says="The developer token has fewer than 14 days left and was not renewed",
            sees=metrics.days_left(),
            threshold=LEAST_DAYS_LEFT,
            periods=1,
            datapoints=1,
            is_below=True,
            # Until there is a token, nothing is sent; and a day without a report is no good news.
            stands_until_told=True,
        ),
        AlarmId.ROTATION_ERRORS: AlarmRule(
            says="The developer token was not renewed, or could not be read: the one in use stays",
            # It runs daily and when a token is due: each of its failures is one to look at.
            sees=metrics.rotation_function("Errors", period=FIVE_MINUTES),
            threshold=1,
            periods=1,
            datapoints=1,
        ),
    }


def _share(
    metrics: ServiceMetrics, counted: cloudwatch.Metric, *, least: int, period: Duration
) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=f"IF(counted >= {least}, 100 * counted / requests, 0)",
        using_metrics={"counted": counted, "requests": metrics.gateway("Count", period=period)},
        period=period,
        label=f"% of requests, from {least} up",
    )


def _alarm(scope: Construct, id_: AlarmId, rule: AlarmRule) -> cloudwatch.Alarm:
    return cloudwatch.Alarm(
        scope,
        id_.value,
        alarm_description=f"{rule.says}. docs/operations.md#{RUNBOOK[id_]}",
        metric=rule.sees,
        comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
        if rule.is_below
        else cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold=rule.threshold,
        evaluation_periods=rule.periods,
        datapoints_to_alarm=rule.datapoints,
        treat_missing_data=cloudwatch.TreatMissingData.IGNORE
        if rule.stands_until_told
        else cloudwatch.TreatMissingData.NOT_BREACHING,
    )
