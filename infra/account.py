"""The account's CloudWatch role, which API Gateway needs before any REST API may write logs."""

from __future__ import annotations

from typing import Final

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.nag import acknowledge

_LOG_POLICY: Final = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


class AccountStack(Stack):
    """Sets the CloudWatch role of API Gateway for all APIs of the account and region.

    All stages share and need this stack. If the account already has such a role, deploy a stage
    with `--exclusively` to keep that role. Role and setting are retained when the stack is deleted,
    because other APIs may use them.
    """

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(
            scope,
            id_,
            description="API Gateway's CloudWatch role, one for the account and region",
            termination_protection=True,
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(_LOG_POLICY)],
        )
        role.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        account = apigateway.CfnAccount(self, "Account", cloud_watch_role_arn=role.role_arn)
        account.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        finding = f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{_LOG_POLICY}]"
        reason = (
            "API Gateway accepts only a role that has the permissions of this policy for all log "
            "groups of the account. AWS keeps the policy up to date."
        )
        acknowledge(role, {finding: reason})
