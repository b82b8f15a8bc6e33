"""How a new version of the ratings function comes to answer requests, and how it is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from aws_cdk import Acknowledgment, ArnFormat, Duration, Stack, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_cdk import CfnElement

ALIAS: Final = "live"

DEPLOY_ACTIONS: Final = (
    "lambda:GetAlias",
    "lambda:GetProvisionedConcurrencyConfig",
    "lambda:UpdateAlias",
)
"""What CodeDeploy does with the function; it is told the versions, and there are no hooks."""


class Release(Construct):
    """The alias that the API calls, which every deployment moves to the function's new version.

    With `canary`, CodeDeploy moves it: a tenth of the requests go to the new version for five
    minutes, then all. An error of the function, which never raises one of its own accord, takes
    them back, and so does every alarm that `roll_back_on` is given.
    """

    def __init__(
        self, scope: Construct, id_: str, *, function: lambda_.Function, canary: bool
    ) -> None:
        super().__init__(scope, id_)
        self.alias: Final[lambda_.Alias] = lambda_.Alias(
            self, "Live", alias_name=ALIAS, version=function.current_version
        )
        self.alarms: Final[list[cloudwatch.Alarm]] = []
        self._group: Final = _canary(self, function, self.alias) if canary else None
        if canary:
            self.alarms.append(_errors_alarm(self, self.alias))
            self.roll_back_on(self.alarms)

    def roll_back_on(self, alarms: Iterable[cloudwatch.IAlarm]) -> None:
        """Have each of the alarms take a canary back; where there is none, this does nothing.

        While one of them rings, no new version gets through.
        """
        if self._group is not None:
            for alarm in alarms:
                self._group.add_alarm(alarm)


def _canary(
    scope: Construct, function: lambda_.Function, alias: lambda_.Alias
) -> codedeploy.LambdaDeploymentGroup:
    role = iam.Role(
        scope, "DeployRole", assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com")
    )
    # Lambda checks some of them against the function, some against a version of it.
    of_the_function = [function.function_arn, f"{function.function_arn}:*"]
    role.add_to_policy(iam.PolicyStatement(actions=list(DEPLOY_ACTIONS), resources=of_the_function))
    every_alarm = Stack.of(scope).format_arn(
        service="cloudwatch",
        resource="alarm",
        resource_name="*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    role.add_to_policy(
        iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=[every_alarm])
    )
    group = codedeploy.LambdaDeploymentGroup(
        scope,
        "Canary",
        alias=alias,
        deployment_config=codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
        # CDK would add AWS's policy, by which every function of the account may be moved.
        role=role.without_policy_updates(),
        auto_rollback=codedeploy.AutoRollbackConfig(
            failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
        ),
    )
    group.node.add_dependency(role)
    _acknowledge_findings(role, function)
    return group


def _acknowledge_findings(role: iam.Role, function: lambda_.Function) -> None:
    """Answer cdk-nag where the role needs more than one resource of a kind."""
    function_id = Stack.of(role).get_logical_id(cast("CfnElement", function.node.default_child))
    reasons = {
        f"<{function_id}.Arn>:*": "A deployment moves the alias between versions of this one "
        "function, whose numbers are not known before they are published.",
        "arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:*": "CloudWatch "
        "checks the reading of alarms against all of the account, whichever are asked for; it "
        "changes nothing.",
    }
    Validations.of(role).acknowledge(
        *(
            Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{resource}]", reason=reason)
            for resource, reason in reasons.items()
        )
    )


def _errors_alarm(scope: Construct, alias: lambda_.Alias) -> cloudwatch.Alarm:
    return cloudwatch.Alarm(
        scope,
        "Errors",
        alarm_description="The ratings function crashed or ran into its timeout: "
        "docs/operations.md says what to do",
        metric=alias.metric_errors(period=Duration.minutes(1), statistic=cloudwatch.Stats.SUM),
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold=1,
        evaluation_periods=1,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
