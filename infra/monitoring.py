"""What calls for a person: the alarms, and the topic that they tell."""

from __future__ import annotations

from typing import Final

from aws_cdk import Acknowledgment, Aws, Duration, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from functions.ratings import metrics as ratings_metrics
from functions.token_rotation import metrics as rotation_metrics
from infra.python_function import SERVICE_NAME

LEAST_DAYS_LEFT: Final = 14
"""A token with fewer days left should have been renewed long ago."""


class Monitoring(Construct):
    """The service's alarms, told to one topic."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        ratings: lambda_.IFunction,
        rotation: lambda_.IFunction,
        alarm_email: str | None,
    ) -> None:
        super().__init__(scope, id_)
        self.topic: Final[sns.Topic] = _topic(self, alarm_email)
        alarms = (
            cloudwatch.Alarm(
                self,
                "DeveloperTokenDaysLeft",
                alarm_description="The developer token expires soon and has not been renewed: "
                "docs/operations.md says what to do",
                metric=cloudwatch.Metric(
                    namespace=rotation_metrics.NAMESPACE,
                    metric_name=rotation_metrics.DAYS_LEFT,
                    dimensions_map={
                        rotation_metrics.SERVICE_DIMENSION: SERVICE_NAME,
                        rotation_metrics.FUNCTION_DIMENSION: rotation.function_name,
                    },
                    statistic=cloudwatch.Stats.MINIMUM,
                    period=Duration.days(1),
                ),
                comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                threshold=LEAST_DAYS_LEFT,
                evaluation_periods=1,
                # Until there is a token, nothing is sent.
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            ),
            cloudwatch.Alarm(
                self,
                "NoDeveloperToken",
                alarm_description="Requests fail because there is no developer token, or Apple "
                "refuses it: docs/operations.md says what to do",
                metric=cloudwatch.Metric(
                    namespace=ratings_metrics.NAMESPACE,
                    metric_name=ratings_metrics.Metric.NO_DEVELOPER_TOKEN.value,
                    dimensions_map={
                        ratings_metrics.SERVICE_DIMENSION: SERVICE_NAME,
                        ratings_metrics.FUNCTION_DIMENSION: ratings.function_name,
                    },
                    statistic=cloudwatch.Stats.SUM,
                    period=Duration.minutes(5),
                ),
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                threshold=1,
                evaluation_periods=1,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            ),
            cloudwatch.Alarm(
                self,
                "TokenRotationErrors",
                alarm_description="The developer token was not renewed, or could not be read: the "
                "token in use stays in use, docs/operations.md says what to do",
                metric=rotation.metric_errors(
                    period=Duration.minutes(5), statistic=cloudwatch.Stats.SUM
                ),
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                threshold=1,
                evaluation_periods=1,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            ),
        )
        for alarm in alarms:
            alarm.add_alarm_action(actions.SnsAction(self.topic))
        self.rollback_alarms: Final = (alarms[1],)
        """Those by which a new version of the ratings function shows that it does not work."""


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
