"""Alarms and their topics, the dashboard and the saved queries of one stage."""

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
from infra.observability.alarms import CANARY, PARTS, AlarmId, add_alarm, add_pages
from infra.observability.canary import canary_rules
from infra.observability.causes import cause_rules
from infra.observability.dashboard import add_dashboard
from infra.observability.metrics import ServiceMetrics, VersionMetrics, add_metric_filters
from infra.observability.objectives import objective_rules, page_rules
from infra.observability.queries import save_queries

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_lambda as lambda_

    from infra.service.api import RatingsApi
    from infra.stages import StageSettings


class Monitoring(Construct):
    """Monitors one stage.

    Pages notify `page_topic`, and tickets `ticket_topic`, when they fire and when they end. With a
    canary, `rollback_alarms` watch only `version`, the new version.
    """

    def __init__(  # noqa: PLR0913 - a construct's properties, named at every call
        self,
        scope: Construct,
        id_: str,
        *,
        ratings: lambda_.Function,
        version: lambda_.IVersion,
        rotation: lambda_.Function,
        sign_in: lambda_.Function | None,
        table: dynamodb.TableV2,
        api: RatingsApi,
        settings: StageSettings,
    ) -> None:
        super().__init__(scope, id_)
        self.page_topic: Final[sns.Topic] = _topic(self, "Alarms", settings.alarm_email)
        self.ticket_topic: Final[sns.Topic] = _topic(self, "Tickets", settings.alarm_email)
        metrics = ServiceMetrics(
            ratings=ratings,
            rotation=rotation,
            sign_in=sign_in,
            gateway_dimensions=api.metric_dimensions,
            table=table,
            access_log=api.access_log,
            topics=(self.page_topic, self.ticket_topic),
        )
        add_metric_filters(self, api.access_log)
        rules = {**objective_rules(metrics), **cause_rules(metrics)}
        if settings.canary:
            rules |= canary_rules(VersionMetrics(ratings=ratings, version=version))
        alarms = {
            name: add_alarm(self, name, rule, runbook_url=settings.runbook_url)
            for name, rule in rules.items()
        }
        pages = add_pages(self, page_rules(alarms), runbook_url=settings.runbook_url)
        for page in pages.values():
            _notify(page, self.page_topic)
        for name, alarm in alarms.items():
            if name not in PARTS and name not in CANARY:
                _notify(alarm, self.ticket_topic)
        no_report = alarms[AlarmId.NO_REPORT]
        no_report.add_insufficient_data_action(actions.SnsAction(self.ticket_topic))
        self.rollback_alarms: Final = [alarms[name] for name in CANARY if name in alarms]
        self.dashboard: Final[cloudwatch.Dashboard] = add_dashboard(
            self,
            metrics,
            alarms=[*pages.values(), *(alarms[name] for name in alarms if name not in PARTS)],
            memory_mb=settings.function_memory_mb,
        )
        save_queries(self, ratings_log=ratings.log_group, access_log=api.access_log)


def _notify(alarm: cloudwatch.AlarmBase, topic: sns.Topic) -> None:
    alarm.add_alarm_action(actions.SnsAction(topic))
    alarm.add_ok_action(actions.SnsAction(topic))


def _topic(scope: Construct, id_: str, email: str | None) -> sns.Topic:
    # Not encrypted at rest: an alarm contains no secret. CloudWatch cannot use AWS's own key for
    # SNS, so encryption would need a key of this stack, which costs money each month.
    topic = sns.Topic(scope, id_, enforce_ssl=True)
    # A custom policy replaces the default one, which allows alarms of this account to publish.
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
            "SNS retries an email for six hours. A queue of failed emails would need its own "
            "alarm, and CloudWatch shows the state of every alarm anyway."
        )
        acknowledge(topic, {"Serverless-SNSRedrivePolicy": reason})
    return topic
