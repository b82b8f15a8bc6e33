"""Alarms and their topic, the dashboard and the saved queries of one stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Aws
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.nag import acknowledge
from infra.observability.alarms import ROLLBACK, add_alarms
from infra.observability.dashboard import add_dashboard
from infra.observability.metrics import ServiceMetrics, count_gateway_throttles
from infra.observability.queries import save_queries

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_lambda as lambda_

    from infra.service.api import RatingsApi
    from infra.stages import StageSettings


class Monitoring(Construct):
    """Monitors one stage.

    Every alarm notifies `topic`. `rollback_alarms` fire when users are affected in a way that a
    new version of the ratings function can cause.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        ratings: lambda_.Function,
        rotation: lambda_.Function,
        table: dynamodb.TableV2,
        api: RatingsApi,
        settings: StageSettings,
    ) -> None:
        super().__init__(scope, id_)
        self.topic: Final[sns.Topic] = _topic(self, settings.alarm_email)
        metrics = ServiceMetrics(
            ratings=ratings,
            rotation=rotation,
            gateway_dimensions=api.metric_dimensions,
            table=table,
            access_log=api.access_log,
            topic=self.topic,
        )
        count_gateway_throttles(self, api.access_log)
        alarms = add_alarms(self, metrics)
        for alarm in alarms.values():
            alarm.add_alarm_action(actions.SnsAction(self.topic))
        self.rollback_alarms: Final[list[cloudwatch.Alarm]] = [alarms[id_] for id_ in ROLLBACK]
        self.dashboard: Final[cloudwatch.Dashboard] = add_dashboard(
            self,
            metrics,
            alarms=list(alarms.values()),
            memory_mb=settings.function_memory_mb,
        )
        save_queries(self, ratings_log=ratings.log_group, access_log=api.access_log)


def _topic(scope: Construct, email: str | None) -> sns.Topic:
    # Not encrypted at rest: an alarm holds no secret. CloudWatch may not use AWS's own key for
    # SNS, so encryption would need a key of this stack, which costs money each month.
    topic = sns.Topic(scope, "Alarms", enforce_ssl=True)
    # A custom policy replaces the default one, which lets alarms of this account publish.
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )
    )
    if email is not None:
        topic.add_subscription(subscriptions.EmailSubscription(email))
        reason = (
            "SNS retries an email for six hours. A queue of failed ones would need its own alarm, "
            "and CloudWatch shows the state of every alarm anyway."
        )
        acknowledge(topic, {"Serverless-SNSRedrivePolicy": reason})
    return topic
