"""The metrics that alarms and dashboard look at, each by the one name under which it is sent."""

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
from infra.python_function import SERVICE_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

MINUTE: Final = Duration.minutes(1)

GATEWAY_NAMESPACE: Final = f"{NAMESPACE}/{Aws.STACK_NAME}"
"""Of what is counted in the access log, which names no function to keep the stages apart by."""

GATEWAY_THROTTLED: Final = "GatewayThrottled"
"""Requests that the gateway answered 429 by itself: its own metrics know nothing but 4xx."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMetrics:
    """What one deployment of the service sends, as CloudWatch's metrics of it."""

    ratings: lambda_.Function
    rotation: lambda_.Function
    gateway_dimensions: Mapping[str, str]
    table: dynamodb.TableV2
    access_log: logs.ILogGroup
    topic: sns.ITopic

    def counted(self, metric: Metric, *, period: Duration = MINUTE) -> cloudwatch.Metric:
        """Give how often the ratings function counted it."""
        return self.measured(metric, cloudwatch.Stats.SUM, period=period)

    def measured(
        self, metric: Metric, statistic: str, *, period: Duration = MINUTE
    ) -> cloudwatch.Metric:
        """Give a statistic of what the ratings function sent."""
        return _metric(
            NAMESPACE,
            metric.value,
            {
                SERVICE_DIMENSION: SERVICE_NAME,
                FUNCTION_DIMENSION: self.ratings.function_name,
            },
            statistic,
            period,
        )

    def days_left(self) -> cloudwatch.Metric:
        """Give the days that the developer token still lives, day by day."""
        return _metric(
            NAMESPACE,
            DAYS_LEFT,
            {
                SERVICE_DIMENSION: SERVICE_NAME,
                FUNCTION_DIMENSION: self.rotation.function_name,
            },
            cloudwatch.Stats.MINIMUM,
            Duration.days(1),
        )

    def gateway(
        self, name: str, statistic: str = cloudwatch.Stats.SUM, *, period: Duration = MINUTE
    ) -> cloudwatch.Metric:
        """Give one of API Gateway's, of this stage."""
        return _metric("AWS/ApiGateway", name, self.gateway_dimensions, statistic, period)

    def gateway_throttled(self, *, period: Duration = MINUTE) -> cloudwatch.Metric:
        """Give how many requests the gateway refused because there were too many."""
        return _metric(GATEWAY_NAMESPACE, GATEWAY_THROTTLED, {}, cloudwatch.Stats.SUM, period)

    def function(
        self, name: str, statistic: str = cloudwatch.Stats.SUM, *, period: Duration = MINUTE
    ) -> cloudwatch.Metric:
        """Give one of Lambda's, of the ratings function in all its versions."""
        return self.ratings.metric(name, statistic=statistic, period=period)

    def rotation_function(self, name: str, *, period: Duration = MINUTE) -> cloudwatch.Metric:
        """Give one of Lambda's sums, of the rotation function."""
        return self.rotation.metric(name, statistic=cloudwatch.Stats.SUM, period=period)

    def cache_table(self, name: str) -> cloudwatch.Metric:
        """Give one of DynamoDB's sums over all operations on the cache table."""
        return self.table.metric(name, statistic=cloudwatch.Stats.SUM, period=MINUTE)

    def cache_operation(self, name: str, operation: str, statistic: str) -> cloudwatch.Metric:
        """Give one of DynamoDB's, of one operation on the cache table."""
        return self.table.metric(
            name,
            dimensions_map={"TableName": self.table.table_name, "Operation": operation},
            statistic=statistic,
            period=MINUTE,
            label=operation,
        )

    def log_bytes(self) -> dict[str, cloudwatch.Metric]:
        """Give what each log group takes in, by what writes it."""
        groups = {
            "ratings function": self.ratings.log_group,
            "access log": self.access_log,
            "rotation function": self.rotation.log_group,
        }
        return {
            name: cloudwatch.Metric(
                namespace="AWS/Logs",
                metric_name="IncomingBytes",
                dimensions_map={"LogGroupName": group.log_group_name},
                statistic=cloudwatch.Stats.SUM,
                period=MINUTE,
                label=name,
            )
            for name, group in groups.items()
        }

    def untold_alarms(self) -> cloudwatch.Metric:
        """Give how many notifications of alarms did not reach a subscriber."""
        return cloudwatch.Metric(
            namespace="AWS/SNS",
            metric_name="NumberOfNotificationsFailed",
            dimensions_map={"TopicName": self.topic.topic_name},
            statistic=cloudwatch.Stats.SUM,
            period=MINUTE,
        )


def count_gateway_throttles(scope: Construct, access_log: logs.ILogGroup) -> None:
    """Have the access log's lines counted that tell of a request refused by the throttle."""
    logs.MetricFilter(
        scope,
        "GatewayThrottled",
        log_group=access_log,
        filter_pattern=logs.FilterPattern.string_value("$.errorType", "=", "THROTTLED"),
        metric_namespace=GATEWAY_NAMESPACE,
        metric_name=GATEWAY_THROTTLED,
    )


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
