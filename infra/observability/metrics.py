"""The CloudWatch metrics that alarms and dashboard use, each with the dimensions of its sender."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING, Final

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns

from functions.ratings.metrics import Metric
from functions.shared.metrics import (
    FUNCTION_DIMENSION,
    NAMESPACE,
    SERVICE_DIMENSION,
    VERSION_DIMENSION,
)
from functions.sign_in.metrics import Metric as SignInMetric
from functions.token_rotation.metrics import DAYS_LEFT
from infra.service.python_function import SERVICE_NAME
from infra.service.release import ALIAS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs import Construct

MINUTE: Final = Duration.minutes(1)
FIVE_MINUTES: Final = Duration.minutes(5)
DAY: Final = Duration.days(1)

ACCESS_NAMESPACE: Final = f"{NAMESPACE}/{Aws.STACK_NAME}"
"""Metrics of the access log, separate for each stage."""

SLOW_MILLISECONDS: Final = 2000
"""A cold start with a call to Apple is faster, and so is a stale copy, served after 1.5 s."""

SLOW_CANARY_MILLISECONDS: Final = 1000
"""Slower than the first request of an environment. Lambda's Duration excludes the init phase."""

_BY_FUNCTION: Final = '$.errorType = "-"'
_FAILED: Final = f'($.status = "5*") || ($.status = "429" && {_BY_FUNCTION})'
_SUM: Final = cloudwatch.Stats.SUM


@unique
class AccessMetric(Enum):
    """The CloudWatch name of each metric of the access log.

    API Gateway's own metrics do not separate 404 "not rated", which is a success, from other 4xx.
    Both counts of an objective come from one log, so neither arrives before the other.
    """

    # Requests that the service had to serve: neither throttled, rejected nor invalid.
    VALID = "ValidRequests"
    # Valid requests that got 5xx, or 429 because of Apple's rate limit.
    FAILED = "FailedRequests"
    # Requests that the gateway throttled.
    THROTTLED = "GatewayThrottled"


FILTER_PATTERNS: Final = {
    # Without preflights: they need no function, and succeed while every other request fails.
    AccessMetric.VALID: '{ ($.status = "2*" && $.httpMethod != "OPTIONS") || '
    f'($.status = "404" && {_BY_FUNCTION}) || {_FAILED} }}',
    AccessMetric.FAILED: f"{{ {_FAILED} }}",
    AccessMetric.THROTTLED: '{ $.errorType = "THROTTLED" }',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMetrics:
    """The metrics of one stage. Periods are one minute by default.

    `sign_in` is None in a stage without sign-in tokens.
    """

    ratings: lambda_.Function
    rotation: lambda_.Function
    sign_in: lambda_.Function | None
    gateway_dimensions: Mapping[str, str]
    table: dynamodb.TableV2
    access_log: logs.ILogGroup
    topics: Sequence[sns.ITopic]

    def custom(
        self, metric: Metric, statistic: str = _SUM, *, period: Duration = MINUTE
    ) -> cloudwatch.Metric:
        """Return a custom metric of the ratings function."""
        return _custom_metric(metric.value, self.ratings, statistic, period)

    def days_left(
        self, statistic: str = cloudwatch.Stats.MINIMUM, *, period: Duration = DAY
    ) -> cloudwatch.Metric:
        """Return the remaining life of the developer token in days, reported daily."""
        return _custom_metric(DAYS_LEFT, self.rotation, statistic, period)

    def gateway(
        self, name: str, statistic: str = _SUM, *, period: Duration = MINUTE
    ) -> cloudwatch.Metric:
        """Return a metric of the API's stage."""
        return _metric("AWS/ApiGateway", name, self.gateway_dimensions, statistic, period)

    def access(self, metric: AccessMetric, *, period: Duration = MINUTE) -> cloudwatch.Metric:
        """Return a metric of the access log."""
        return _metric(ACCESS_NAMESPACE, metric.value, {}, _SUM, period)

    def fast_percentage(self, *, period: Duration = MINUTE) -> cloudwatch.Metric:
        """Return the percentage of all responses that were not slow."""
        fast = cloudwatch.Stats.percentile_rank(SLOW_MILLISECONDS)
        return self.gateway("Latency", fast, period=period)

    def function(self, name: str, statistic: str = _SUM) -> cloudwatch.Metric:
        """Return Lambda's metric of the ratings function, all versions together."""
        return self.ratings.metric(name, statistic=statistic, period=MINUTE)

    def rotation_function(self, name: str, *, period: Duration = MINUTE) -> cloudwatch.Metric:
        """Return Lambda's metric of the rotation function."""
        return self.rotation.metric(name, statistic=_SUM, period=period)

    def sign_ins(self, metric: SignInMetric, *, period: Duration = MINUTE) -> cloudwatch.Metric:
        """Return a custom metric of the sign-in function."""
        return _custom_metric(metric.value, self._sign_in, _SUM, period)

    def sign_in_function(self, name: str, *, period: Duration = MINUTE) -> cloudwatch.Metric:
        """Return Lambda's metric of the sign-in function."""
        return self._sign_in.metric(name, statistic=_SUM, period=period)

    @property
    def _sign_in(self) -> lambda_.Function:
        if self.sign_in is None:
            raise ValueError("the stage has no sign-in tokens")
        return self.sign_in

    def cache_table(self, name: str) -> cloudwatch.Metric:
        """Return DynamoDB's metric of the cache table, all operations together."""
        return self.table.metric(name, statistic=_SUM, period=MINUTE)

    def cache_operation(self, name: str, operation: str, statistic: str) -> cloudwatch.Metric:
        """Return DynamoDB's metric of one operation on the cache table."""
        return self.table.metric(
            name,
            dimensions_map={"TableName": self.table.table_name, "Operation": operation},
            statistic=statistic,
            period=MINUTE,
            label=operation,
        )

    def log_bytes(self) -> list[cloudwatch.Metric]:
        """Return the ingested bytes of each log group."""
        groups = {
            "ratings function": self.ratings.log_group,
            "access log": self.access_log,
            "rotation function": self.rotation.log_group,
        }
        if self.sign_in is not None:
            groups["sign-in function"] = self.sign_in.log_group
        return [
            _metric(
                "AWS/Logs", "IncomingBytes", {"LogGroupName": group.log_group_name}, _SUM, MINUTE
            ).with_(label=label)
            for label, group in groups.items()
        ]

    def failed_notifications(self) -> list[cloudwatch.Metric]:
        """Return, for each topic, the number of notifications that SNS did not deliver."""
        return [
            _metric(
                "AWS/SNS",
                "NumberOfNotificationsFailed",
                {"TopicName": topic.topic_name},
                _SUM,
                MINUTE,
            ).with_(label=topic.node.id)
            for topic in self.topics
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionMetrics:
    """The metrics of one version of the ratings function behind its alias, per minute.

    Lambda's metrics with the dimension `ExecutedVersion` are free.
    """

    ratings: lambda_.Function
    version: lambda_.IVersion

    def function(self, name: str, statistic: str = _SUM) -> cloudwatch.Metric:
        """Return Lambda's metric of the version."""
        dimensions = {
            "FunctionName": self.ratings.function_name,
            "Resource": f"{self.ratings.function_name}:{ALIAS}",
            "ExecutedVersion": self.version.version,
        }
        return _metric("AWS/Lambda", name, dimensions, statistic, MINUTE)

    def fast_percentage(self) -> cloudwatch.Metric:
        """Return the percentage of the version's invocations that took at most a second."""
        return self.function("Duration", cloudwatch.Stats.percentile_rank(SLOW_CANARY_MILLISECONDS))

    def failed(self) -> cloudwatch.Metric:
        """Return the number of the version's 5xx responses."""
        custom = _custom_metric(Metric.VERSION_FAILED.value, self.ratings, _SUM, MINUTE)
        dimensions = {**(custom.dimensions or {}), VERSION_DIMENSION: self.version.version}
        return custom.with_(dimensions_map=dimensions)


def add_metric_filters(scope: Construct, access_log: logs.ILogGroup) -> None:
    """Add the metric filters of the access log."""
    for metric, pattern in FILTER_PATTERNS.items():
        logs.MetricFilter(
            scope,
            metric.value,
            log_group=access_log,
            filter_pattern=logs.FilterPattern.literal(pattern),
            metric_namespace=ACCESS_NAMESPACE,
            metric_name=metric.value,
        )


def _custom_metric(
    name: str, function: lambda_.Function, statistic: str, period: Duration
) -> cloudwatch.Metric:
    dimensions = {SERVICE_DIMENSION: SERVICE_NAME, FUNCTION_DIMENSION: function.function_name}
    return _metric(NAMESPACE, name, dimensions, statistic, period)


def _metric(
    namespace: str, name: str, dimensions: Mapping[str, str], statistic: str, period: Duration
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=period,
    )
