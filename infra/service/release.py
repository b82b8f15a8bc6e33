"""The release of a new version of the ratings function, and its rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.nag import acknowledge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_cdk import CfnElement
    from aws_cdk import aws_cloudwatch as cloudwatch

ALIAS: Final = "live"

DEPLOY_ACTIONS: Final = (
    "lambda:GetAlias",
    "lambda:GetProvisionedConcurrencyConfig",
    "lambda:UpdateAlias",
)
"""The actions of CodeDeploy on the function; there are no hooks."""


class Release(Construct):
    """The alias that the API calls; a deployment moves it to a new version, if there is one.

    With `canary`, CodeDeploy moves it: the new version gets a tenth of the requests for five
    minutes, then all. The alarms of `roll_back_on` roll back a release.
    """

    def __init__(
        self, scope: Construct, id_: str, *, function: lambda_.Function, canary: bool
    ) -> None:
        super().__init__(scope, id_)
        self.version: Final[lambda_.Version] = function.current_version
        # Earlier versions are retained: an operator can move the alias back to one. A version whose
        # creation is rolled back is deleted, or the same code could never be published again.
        self.version.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        self.alias: Final[lambda_.Alias] = lambda_.Alias(
            self, "Live", alias_name=ALIAS, version=self.version
        )
        self._group: Final = _canary(self, function, self.alias) if canary else None

    def roll_back_on(self, alarms: Iterable[cloudwatch.IAlarm]) -> None:
        """Make each of the alarms roll back a canary; without `canary`, this does nothing.

        CodeDeploy also blocks a deployment while one of them is in ALARM.
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
    # Lambda checks some actions against the function, and some against a version.
    function_arns = [function.function_arn, f"{function.function_arn}:*"]
    role.add_to_policy(iam.PolicyStatement(actions=list(DEPLOY_ACTIONS), resources=function_arns))
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
        # CDK would add AWS's policy, which lets CodeDeploy move the alias of any function.
        role=role.without_policy_updates(),
        auto_rollback=codedeploy.AutoRollbackConfig(
            failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
        ),
    )
    group.node.add_dependency(role)
    _acknowledge_findings(role, function)
    return group


def _acknowledge_findings(role: iam.Role, function: lambda_.Function) -> None:
    function_id = Stack.of(role).get_logical_id(cast("CfnElement", function.node.default_child))
    every_version = f"<{function_id}.Arn>:*"
    every_alarm = "arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:*"
    reasons = {
        every_version: "A deployment moves the alias between versions of this "
        "function, whose numbers are unknown before they are published.",
        every_alarm: "This read-only action needs a permission for all alarms of the account.",
    }
    acknowledge(
        role,
        {f"AwsSolutions-IAM5[Resource::{resource}]": why for resource, why in reasons.items()},
    )
