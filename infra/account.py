"""What API Gateway needs once in an account and region before any REST API may log."""

from __future__ import annotations

from typing import Final

from aws_cdk import Acknowledgment, RemovalPolicy, Stack, Validations
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct

_LOG_POLICY: Final = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


class AccountStack(Stack):
    """Sets the role by which API Gateway writes logs, for all APIs of the account and region.

    Every stage has the same one, and depends on it: `cdk deploy` of a stage's stack brings it
    along. Where the account has such a role already, `--exclusively` leaves that role in place.
    Role and setting outlive the stack, for other APIs may have come to rely on them.
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
        role.apply_removal_policy(RemovalPolicy.RETAIN)
        account = apigateway.CfnAccount(self, "Account", cloud_watch_role_arn=role.role_arn)
        account.apply_removal_policy(RemovalPolicy.RETAIN)
        Validations.of(role).acknowledge(
            Acknowledgment(
                id=f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{_LOG_POLICY}]",
                reason="API Gateway refuses a role without the permissions that this policy lists, "
                "for any log group of the account, and AWS keeps the policy in step with that.",
            )
        )
