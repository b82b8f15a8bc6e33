"""What is watched, and who is told: alarms and their topic, the dashboard, the saved queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Acknowledgment, Aws, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.alarms import ROLLBACK, add_alarms
from infra.dashboard import add_dashboard
from infra.metrics import ServiceMetrics, count_gateway_throttles
from infra.queries import save_queries

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_lambda as lambda_

    from infra.api import RatingsApi
    from infra.settings import StageSettings


class Monitoring(Construct):
    """Watches one deployment of the service.

    `topic` is told of every alarm. While one of `rollback_alarms` rings, users suffer in a way that
    a new version of the ratings function may be the cause of.
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
        self.rollback_alarms: Final[tuple[cloudwatch.Alarm, ...]] = tuple(
            alarms[id_] for id_ in ROLLBACK
        )
        self.dashboard: Final[cloudwatch.Dashboard] = add_dashboard(
            self,
            metrics,
            alarms=list(alarms.values()),
            memory_mb=settings.function_memory_mb,
        )
        save_queries(self, ratings_log=ratings.log_group, access_log=api.access_log)


def _topic(scope: Construct, email: str | None) -> sns.Topic:
    # Not encrypted at rest: an alarm holds no secret, and CloudWatch may not use AWS's own key for
    # SNS, so that it would take a key of the stack's own, paid for by the month.
    topic = sns.Topic(scope, "Alarms", enforce_ssl=True)
    # A topic with a policy no longer has the one that lets its own account's alarms publish.
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
        Validations.of(topic).acknowledge(
            Acknowledgment(
                id="Serverless-SNSRedrivePolicy",
                reason="SNS tries a mail for six hours. A queue of those that failed would need an "
                "alarm of its own, while the state of every alarm stays to be seen in CloudWatch.",
            )
        )
    return topic
