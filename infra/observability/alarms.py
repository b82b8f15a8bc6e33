"""The alarms: what each one measures, its threshold, and its section of docs/operations.md.

Percentages divide by all requests at the gateway: that metric has a value in every period with
traffic. A minimum count keeps one failure among few requests from being a large percentage.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from functions.ratings.metrics import Metric
from infra.observability.metrics import MINUTE

if TYPE_CHECKING:
    from constructs import Construct

    from infra.observability.metrics import ServiceMetrics

FIVE_MINUTES: Final = Duration.minutes(5)
QUARTER_OF_AN_HOUR: Final = Duration.minutes(15)

MIN_DAYS_LEFT: Final = 14
"""A working rotation renews the token long before it has fewer days left."""

SLOW_MILLISECONDS: Final = 3000
"""Slower than a cold start with a call to Apple, and half of the deadline."""


@unique
class AlarmId(Enum):
    """The construct id of each alarm, in the order of docs/operations.md."""

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
    NO_DEVELOPER_TOKEN = "NoDeveloperToken"  # noqa: S105  # nosec B105  # an alarm's name
    ROTATION_ERRORS = "TokenRotationErrors"
    DAYS_LEFT = "DeveloperTokenDaysLeft"


ROLLBACK: Final = (AlarmId.FAILURES, AlarmId.LATENCY)
"""The alarms that roll back a release, because a new version can cause what they measure.

Crashes and timeouts are among the failures: the gateway answers them with 502.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """Fires when `datapoints` of the last `periods` values breach the threshold: usually 2 of 3.

    `runbook` is the anchor of the alarm's section in docs/operations.md.
    """

    description: str
    runbook: str
    metric: cloudwatch.IMetric
    threshold: float
    periods: int = 3
    datapoints: int = 2
    comparison: cloudwatch.ComparisonOperator = (
        cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
    )
    missing_data: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING


def add_alarms(scope: Construct, metrics: ServiceMetrics) -> dict[AlarmId, cloudwatch.Alarm]:
    """Add every alarm to `scope`."""
    rules = {**_request_rules(metrics), **_cache_rules(metrics), **_token_rules(metrics)}
    return {id_: _alarm(scope, id_, rules[id_]) for id_ in AlarmId}


def _request_rules(metrics: ServiceMetrics) -> dict[AlarmId, AlarmRule]:
    lasting_failures = metrics.gateway("5XXError", period=QUARTER_OF_AN_HOUR)
    stale = metrics.own(Metric.CACHE_STALE, period=FIVE_MINUTES)
    rate_limited = metrics.own(Metric.UPSTREAM_RATE_LIMITED, period=FIVE_MINUTES)
    throttled = metrics.gateway_throttled(period=FIVE_MINUTES)
    return {
        AlarmId.FAILURES: AlarmRule(
            description="At least 5% of requests were answered 5xx, in 2 of 3 minutes",
            runbook="an-alarm-requests-fail",
            # Fast, because a canary has a tenth of the requests for five minutes only.
            metric=_percentage(metrics, metrics.gateway("5XXError"), minimum=5),
            threshold=5,
        ),
        AlarmId.LINGERING_FAILURES: AlarmRule(
            description="At least 2% of requests were answered 5xx, for 45 minutes",
            runbook="an-alarm-requests-keep-failing",
            # Detects what the alarm above cannot: few requests, or a small share that persists.
            metric=_percentage(metrics, lasting_failures, minimum=5),
            threshold=2,
            datapoints=3,
        ),
        AlarmId.LATENCY: AlarmRule(
            description="1% of requests took 3 s or longer, in 3 of 5 minutes",
            runbook="an-alarm-responses-are-slow",
            # With fewer than 100 requests, the 99th percentile is the slowest request alone.
            metric=cloudwatch.MathExpression(
                expression="IF(requests >= 100, latency, 0)",
                using_metrics={
                    "requests": metrics.gateway("Count"),
                    "latency": metrics.gateway("Latency", cloudwatch.Stats.percentile(99)),
                },
                period=MINUTE,
                label="p99 of at least 100 requests (ms)",
            ),
            threshold=SLOW_MILLISECONDS,
            periods=5,
            datapoints=3,
        ),
        AlarmId.STALE_ANSWERS: AlarmRule(
            description="At least 10% of requests were served stale, for 15 minutes",
            runbook="an-alarm-many-responses-are-stale",
            metric=_percentage(metrics, stale, minimum=10),
            threshold=10,
            datapoints=3,
        ),
        AlarmId.APPLE_THROTTLES: AlarmRule(
            # Clients get 429 or a stale copy, neither of which counts as 5xx.
            description="Apple answered 429 for at least 2% of requests, for 10 minutes",
            runbook="an-alarm-apple-rate-limit-reached",
            metric=_percentage(metrics, rate_limited, minimum=5),
            threshold=2,
        ),
        AlarmId.GATEWAY_THROTTLES: AlarmRule(
            description="The gateway throttled at least 5% of requests, for 10 minutes",
            runbook="an-alarm-the-gateway-throttles",
            metric=_percentage(metrics, throttled, minimum=20),
            threshold=5,
        ),
        AlarmId.FUNCTION_THROTTLES: AlarmRule(
            description="Lambda throttled the ratings function, in 3 of 5 minutes",
            runbook="an-alarm-lambda-throttles",
            metric=metrics.function("Throttles"),
            threshold=1,
            periods=5,
            datapoints=3,
        ),
    }


def _cache_rules(metrics: ServiceMetrics) -> dict[AlarmId, AlarmRule]:
    def rule(what: str, metric: Metric, *, percent: int, minimum: int, runbook: str) -> AlarmRule:
        return AlarmRule(
            description=f"{what} failed for at least {percent}% of requests, for 10 minutes",
            runbook=runbook,
            metric=_percentage(metrics, metrics.own(metric, period=FIVE_MINUTES), minimum=minimum),
            threshold=percent,
        )

    return {
        # A few DynamoDB calls slower than 0.3 s are normal.
        AlarmId.CACHE_READS: rule(
            "Cache reads",
            Metric.CACHE_READ_FAILED,
            percent=5,
            minimum=10,
            runbook="an-alarm-cache-reads-fail",
        ),
        AlarmId.CACHE_STORES: rule(
            "Cache stores",
            Metric.CACHE_STORE_FAILED,
            percent=5,
            minimum=10,
            runbook="an-alarm-cache-stores-fail",
        ),
        # Few requests are writes: a failure of all writes can be a small share of requests.
        AlarmId.CACHE_INVALIDATIONS: rule(
            "Cache invalidations",
            Metric.CACHE_INVALIDATION_FAILED,
            percent=1,
            minimum=5,
            runbook="an-alarm-cache-invalidations-fail",
        ),
    }


def _token_rules(metrics: ServiceMetrics) -> dict[AlarmId, AlarmRule]:
    return {
        AlarmId.NO_DEVELOPER_TOKEN: AlarmRule(
            description="Requests had no valid developer token, for 15 minutes",
            runbook="an-alarm-no-developer-token",
            # An environment that starts during a short failure of Secrets Manager counts too.
            # A failure of less than five minutes never affects three periods.
            metric=metrics.own(Metric.DEVELOPER_TOKEN_UNAVAILABLE, period=FIVE_MINUTES),
            threshold=1,
            periods=4,
            datapoints=3,
        ),
        AlarmId.DAYS_LEFT: AlarmRule(
            description="The developer token has fewer than 14 days left and was not renewed",
            runbook="an-alarm-fewer-than-14-days-left",
            metric=metrics.days_left(),
            threshold=MIN_DAYS_LEFT,
            periods=1,
            datapoints=1,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            # Nothing is sent before the first token; a day without a report changes nothing.
            missing_data=cloudwatch.TreatMissingData.IGNORE,
        ),
        AlarmId.ROTATION_ERRORS: AlarmRule(
            description="The rotation function failed: the current developer token stays in use",
            runbook="an-alarm-a-rotation-failed",
            # It runs daily and when a rotation is due, so every error matters.
            metric=metrics.rotation_function("Errors", period=FIVE_MINUTES),
            threshold=1,
            periods=1,
            datapoints=1,
        ),
    }


def _percentage(
    metrics: ServiceMetrics, counted: cloudwatch.Metric, *, minimum: int
) -> cloudwatch.MathExpression:
    requests = metrics.gateway("Count", period=counted.period)
    return cloudwatch.MathExpression(
        expression=f"IF(counted >= {minimum}, 100 * counted / requests, 0)",
        using_metrics={"counted": counted, "requests": requests},
        period=counted.period,
        label=f"% of requests, if at least {minimum}",
    )


def _alarm(scope: Construct, id_: AlarmId, rule: AlarmRule) -> cloudwatch.Alarm:
    return cloudwatch.Alarm(
        scope,
        id_.value,
        alarm_description=f"{rule.description}. docs/operations.md#{rule.runbook}",
        metric=rule.metric,
        comparison_operator=rule.comparison,
        threshold=rule.threshold,
        evaluation_periods=rule.periods,
        datapoints_to_alarm=rule.datapoints,
        treat_missing_data=rule.missing_data,
    )
