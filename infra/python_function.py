"""The one way in which this service makes a Lambda function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.architecture import Architecture
from infra.bundling import function_code

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE_NAME: Final = "apple-music-ratings"
"""The name under which Powertools' logs and metrics of every function are found."""

LOG_ACTIONS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")

_ARCHITECTURES: Final = {
    Architecture.ARM_64: lambda_.Architecture.ARM_64,
    Architecture.X86_64: lambda_.Architecture.X86_64,
}


class PythonFunction(Construct):
    """A Python 3.13 function that runs `functions.<package>.handler.lambda_handler`.

    It may write to its own log group and do nothing else; the stack grants the rest to `role`.
    `no_dead_letters_because` says why an event that failed need not be kept in a queue. Without
    `reserved_concurrency` it shares what the account has, for a new one has too little to reserve
    from. Nothing is traced, see decision 0031.
    """

    def __init__(  # noqa: PLR0913 - a construct's properties, named at every call
        self,
        scope: Construct,
        id_: str,
        *,
        package: str,
        description: str,
        no_dead_letters_because: str,
        environment: Mapping[str, str],
        architecture: Architecture,
        memory_mb: int,
        timeout_seconds: int,
        log_retention: logs.RetentionDays,
        removal_policy: RemovalPolicy,
        reserved_concurrency: int | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.log_group: Final[logs.LogGroup] = logs.LogGroup(
            self, "Logs", retention=log_retention, removal_policy=removal_policy
        )
        self.role: Final[iam.Role] = iam.Role(
            self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
        )
        self.role.add_to_policy(
            iam.PolicyStatement(actions=list(LOG_ACTIONS), resources=[self.log_group.log_group_arn])
        )
        self.function: Final[lambda_.Function] = lambda_.Function(
            self,
            "Function",
            description=description,
            code=function_code(package, architecture),
            handler=f"functions.{package}.handler.lambda_handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=_ARCHITECTURES[architecture],
            memory_size=memory_mb,
            timeout=Duration.seconds(timeout_seconds),
            reserved_concurrent_executions=reserved_concurrency,
            role=self.role,
            log_group=self.log_group,
            # What an alias is moved back to by hand has to be there.
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
            # Powertools writes JSON; Lambda's own JSON format would write each line over again.
            logging_format=lambda_.LoggingFormat.TEXT,
            environment={**environment, "POWERTOOLS_SERVICE_NAME": SERVICE_NAME},
        )
        python_version = (
            "Python 3.13 is the newest version that the code's tests and types are checked with, "
            "and Lambda still gives it security updates."
        )
        reasons = {
            "AwsSolutions-L1": python_version,
            "Serverless-LambdaLatestVersion": python_version,
            "Serverless-LambdaDLQ": no_dead_letters_because,
            "Serverless-LambdaTracing": "Lambda's own trace tells a duration that its report and "
            "metrics tell of every call, for a fee and a permission on any resource; what would "
            "add to that, tracing inside the code, is by default a copy of answers and URLs.",
        }
        Validations.of(self.function).acknowledge(
            *(Acknowledgment(id=finding, reason=reason) for finding, reason in reasons.items())
        )
