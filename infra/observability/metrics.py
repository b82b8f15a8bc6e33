"""The CloudWatch metrics that alarms and dashboard use, each with the dimensions of its sender."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns

from functions.ratings.metrics import Metric
from functions.shared.metrics import FUNCTION_DIMENSION, NAMESPACE, SERVICE_DIMENSION
from functions.token_rotation.metrics import DAYS_LEFT
from infra.service.python_function import SERVICE_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

MINUTE: Final = Duration.minutes(1)

GATEWAY_NAMESPACE: Final = f"{NAMESPACE}/{Aws.STACK_NAME}"
"""Metrics of the access log, separate for each stage."""

GATEWAY_THROTTLED: Final = "GatewayThrottled"
"""Requests that the gateway throttled. API Gateway's own metrics do not separate 429 from 4xx."""

_SUM: Final = cloudwatch.Stats.SUM


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMetrics:
    """The metrics of one stage. Periods are one minute by default."""

    ratings: lambda_.Function
    rotation: lambda_.Function
    gateway_dimensions: Mapping[str, str]
    table: dynamodb.TableV2
    access_log: logs.ILogGroup
    topic: sns.ITopic

    def own(
        self, metric: Metric, statistic: str = _SUM, *, period: Duration = MINUTE
    ) -> cloudwatch.Metric:
        """Return a metric that the ratings function emits."""
        return _own(metric.value, self.ratings, statistic, period)

    def days_left(self) -> cloudwatch.Metric:
        """Return the remaining life of the developer token in days, reported daily."""
        return _own(DAYS_LEFT, self.rotation, cloudwatch.Stats.MINIMUM, Duration.days(1))

    def gateway(
        self, name: str, statistic: str = _SUM, *, period: Duration = MINUTE
    ) -> cloudwatch.Metric:
        """Return a metric of the API's stage."""
        return _metric("AWS/ApiGateway", name, self.gateway_dimensions, statistic, period)

    def gateway_throttled(self, *, period: Duration = MINUTE) -> cloudwatch.Metric:
        """Return the number of requests that the gateway throttled."""
        return _metric(GATEWAY_NAMESPACE, GATEWAY_THROTTLED, {}, _SUM, period)

    def function(self, name: str, statistic: str = _SUM) -> cloudwatch.Metric:
        """Return Lambda's metric of the ratings function, all versions together."""
        return self.ratings.metric(name, statistic=statistic, period=MINUTE)

    def rotation_function(self, name: str, *, period: Duration = MINUTE) -> cloudwatch.Metric:
        """Return Lambda's metric of the rotation function."""
        return self.rotation.metric(name, statistic=_SUM, period=period)

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
        return [
            _metric(
                "AWS/Logs", "IncomingBytes", {"LogGroupName": group.log_group_name}, _SUM, MINUTE
            ).with_(label=label)
            for label, group in groups.items()
        ]

    def failed_notifications(self) -> cloudwatch.Metric:
        """Return the number of alarm notifications that SNS did not deliver."""
        dimensions = {"TopicName": self.topic.topic_name}
        return _metric("AWS/SNS", "NumberOfNotificationsFailed", dimensions, _SUM, MINUTE)


def count_gateway_throttles(scope: Construct, access_log: logs.ILogGroup) -> None:
    """Add a metric filter that counts throttled requests in the access log."""
    logs.MetricFilter(
        scope,
        "GatewayThrottled",
        log_group=access_log,
        filter_pattern=logs.FilterPattern.string_value("$.errorType", "=", "THROTTLED"),
        metric_namespace=GATEWAY_NAMESPACE,
        metric_name=GATEWAY_THROTTLED,
    )


def _own(
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
