"""The tickets on causes: parts that fail or are slow, or will fail unless someone acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from functions.ratings.metrics import Metric
from functions.sign_in.metrics import Metric as SignInMetric
from infra.observability.alarms import AlarmId, AlarmRule, share
from infra.observability.metrics import FIVE_MINUTES

if TYPE_CHECKING:
    from infra.observability.metrics import ServiceMetrics

MIN_DAYS_LEFT: Final = 14
"""A working rotation renews the token long before it has fewer days left."""

REPORT_PERIOD: Final = Duration.hours(1)
REPORT_PERIODS: Final = 48
"""Two days without a report.

CloudWatch may include a few earlier periods, which delays the alarm: so periods are short.
"""


def cause_rules(metrics: ServiceMetrics) -> dict[AlarmId, AlarmRule]:
    """Return the tickets on causes."""
    rules = {**_response_rules(metrics), **_cache_rules(metrics), **_token_rules(metrics)}
    return rules if metrics.sign_in is None else {**rules, AlarmId.SIGN_IN: _sign_in_rule(metrics)}


def _response_rules(metrics: ServiceMetrics) -> dict[AlarmId, AlarmRule]:
    hits = metrics.custom(Metric.CACHE_HIT, period=FIVE_MINUTES)
    slow_hits = metrics.custom(Metric.CACHE_HIT_SLOW, period=FIVE_MINUTES)
    return {
        AlarmId.SLOW_HITS: AlarmRule(
            description="Users wait for cached ratings: at least 5% of the hits took longer than "
            "0.1 s, for 15 minutes",
            runbook="an-alarm-hits-are-slow",
            metric=share(slow_hits, hits, minimum=5),
            threshold=5,
            datapoints=3,
        ),
        AlarmId.STALE_ANSWERS: AlarmRule(
            description="Users see ratings of up to an hour ago: at least 10% of the requests were "
            "served stale, for 15 minutes",
            runbook="an-alarm-many-responses-are-stale",
            metric=_share_of_requests(metrics, Metric.CACHE_STALE, minimum=10),
            threshold=10,
            datapoints=3,
        ),
        AlarmId.APPLE_THROTTLES: AlarmRule(
            description="Users get 429 or ratings of up to an hour ago: Apple answered 429 for at "
            "least 2% of the requests, for 10 minutes",
            runbook="an-alarm-apple-rate-limit-reached",
            metric=_share_of_requests(metrics, Metric.UPSTREAM_RATE_LIMITED, minimum=5),
            threshold=2,
        ),
        AlarmId.FUNCTION_THROTTLES: AlarmRule(
            description="Users get errors: Lambda throttled the ratings function, in 3 of 5 "
            "minutes",
            runbook="an-alarm-lambda-throttles",
            metric=metrics.function("Throttles"),
            threshold=1,
            periods=5,
            datapoints=3,
        ),
    }


def _cache_rules(metrics: ServiceMetrics) -> dict[AlarmId, AlarmRule]:
    return {
        # DynamoDB calls that take longer than 0.3 s fail; a few are normal.
        AlarmId.CACHE_READS: AlarmRule(
            description="Users wait for Apple Music: cache reads failed for at least 5% of the "
            "requests, for 10 minutes",
            runbook="an-alarm-cache-reads-fail",
            metric=_share_of_requests(metrics, Metric.CACHE_READ_FAILED, minimum=10),
            threshold=5,
        ),
        AlarmId.CACHE_STORES: AlarmRule(
            description="Users will wait for Apple Music: cache stores failed for at least 5% of "
            "the requests, for 10 minutes",
            runbook="an-alarm-cache-stores-fail",
            metric=_share_of_requests(metrics, Metric.CACHE_STORE_FAILED, minimum=10),
            threshold=5,
        ),
        # Few requests are writes: a failure of all writes can be a small share of requests.
        AlarmId.CACHE_INVALIDATIONS: AlarmRule(
            description="Users can read an old rating after they changed it: cache invalidations "
            "failed for at least 1% of the requests, for 10 minutes",
            runbook="an-alarm-cache-invalidations-fail",
            metric=_share_of_requests(metrics, Metric.CACHE_INVALIDATION_FAILED, minimum=5),
            threshold=1,
        ),
    }


def _token_rules(metrics: ServiceMetrics) -> dict[AlarmId, AlarmRule]:
    return {
        AlarmId.NO_DEVELOPER_TOKEN: AlarmRule(
            description="Users get 503 for everything that is not in the cache: requests had "
            "no valid developer token, for 15 minutes",
            runbook="an-alarm-no-developer-token",
            # During a short failure of Secrets Manager, new environments have no token. A failure
            # of less than five minutes never affects three periods.
            metric=metrics.custom(Metric.DEVELOPER_TOKEN_UNAVAILABLE, period=FIVE_MINUTES),
            threshold=1,
            periods=4,
            datapoints=3,
        ),
        AlarmId.ROTATION_ERRORS: AlarmRule(
            description="Users are not affected yet: the rotation function failed, and the current "
            "developer token stays in use",
            runbook="an-alarm-a-rotation-failed",
            # The function runs daily and when a rotation is due, so every error matters.
            metric=metrics.rotation_function("Errors", period=FIVE_MINUTES),
            threshold=1,
            periods=1,
            datapoints=1,
        ),
        AlarmId.DAYS_LEFT: AlarmRule(
            description="Users are not affected yet: the developer token has fewer than "
            f"{MIN_DAYS_LEFT} days left and was not renewed",
            runbook="an-alarm-fewer-than-14-days-left",
            metric=metrics.days_left(),
            threshold=MIN_DAYS_LEFT,
            periods=1,
            datapoints=1,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            # No report is sent before the first token. A day without a report changes nothing.
            missing_data=cloudwatch.TreatMissingData.IGNORE,
        ),
        AlarmId.NO_REPORT: AlarmRule(
            description="Users are not affected yet: the daily report on the developer token "
            "stopped two days ago",
            runbook="an-alarm-the-daily-report-stopped",
            # The alarm never breaches. Without reports it changes from OK to INSUFFICIENT_DATA,
            # which notifies. It starts in INSUFFICIENT_DATA: no notification before a first report.
            metric=metrics.days_left(cloudwatch.Stats.SAMPLE_COUNT, period=REPORT_PERIOD),
            threshold=0,
            periods=REPORT_PERIODS,
            datapoints=REPORT_PERIODS,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            missing_data=cloudwatch.TreatMissingData.MISSING,
        ),
    }


def _sign_in_rule(metrics: ServiceMetrics) -> AlarmRule:
    # Lambda counts neither a 5xx response nor a throttled invocation as an error.
    failures = cloudwatch.MathExpression(
        expression="FILL(failed, 0) + FILL(errors, 0) + FILL(throttles, 0)",
        using_metrics={
            "failed": metrics.sign_ins(SignInMetric.FAILED, period=FIVE_MINUTES),
            "errors": metrics.sign_in_function("Errors", period=FIVE_MINUTES),
            "throttles": metrics.sign_in_function("Throttles", period=FIVE_MINUTES),
        },
        period=FIVE_MINUTES,
        label="sign-ins that failed",
    )
    return AlarmRule(
        description="Users get errors at sign-in (others are not affected): requests for a "
        "developer token failed, for 15 minutes",
        runbook="an-alarm-users-cannot-sign-in",
        metric=failures,
        threshold=1,
        periods=4,
        datapoints=3,
    )


def _share_of_requests(
    metrics: ServiceMetrics, metric: Metric, *, minimum: int
) -> cloudwatch.MathExpression:
    requests = metrics.gateway("Count", period=FIVE_MINUTES)
    return share(metrics.custom(metric, period=FIVE_MINUTES), requests, minimum=minimum)
