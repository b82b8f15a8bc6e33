"""The construct of every Lambda function of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.nag import acknowledge
from infra.packaging.bundling import function_code

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.stages import StageSettings

SERVICE_NAME: Final = "apple-music-ratings"
"""The service dimension of every function's metrics."""

LOG_ACTIONS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")


class PythonFunction(Construct):
    """A Python 3.13 function that runs `functions.<package>.handler.lambda_handler`.

    Without a call of `grant`, its role may only write to its log group. `no_dlq_reason` says why
    failed events need no dead-letter queue. Without `reserved_concurrency` it uses the account's
    unreserved concurrency. With `snap_start`, each version starts from a snapshot. Tracing is off,
    see decision 0014.
    """

    def __init__(  # noqa: PLR0913 - a construct's properties, named at every call
        self,
        scope: Construct,
        id_: str,
        *,
        package: str,
        description: str,
        no_dlq_reason: str,
        environment: Mapping[str, str],
        memory_mb: int,
        timeout_seconds: int,
        settings: StageSettings,
        reserved_concurrency: int | None = None,
        snap_start: bool = False,
    ) -> None:
        super().__init__(scope, id_)
        self.log_group: Final[logs.LogGroup] = logs.LogGroup(
            self,
            "Logs",
            retention=settings.log_retention,
            removal_policy=settings.removal_policy,
        )
        self._role: Final = iam.Role(
            self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
        )
        self.grant(LOG_ACTIONS, self.log_group.log_group_arn)
        self.function: Final[lambda_.Function] = lambda_.Function(
            self,
            "Function",
            description=description,
            code=function_code(package, settings.architecture),
            handler=f"functions.{package}.handler.lambda_handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.custom(settings.architecture),
            memory_size=memory_mb,
            timeout=Duration.seconds(timeout_seconds),
            reserved_concurrent_executions=reserved_concurrency,
            role=self._role,
            log_group=self.log_group,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
            # Powertools writes JSON already; Lambda's JSON format would wrap it in another object.
            logging_format=lambda_.LoggingFormat.TEXT,
            environment={**environment, "POWERTOOLS_SERVICE_NAME": SERVICE_NAME},
        )
        python_version = (
            "Python 3.13 is the newest version with which the code is tested, and Lambda still "
            "updates it."
        )
        reasons = {
            "AwsSolutions-L1": python_version,
            "Serverless-LambdaLatestVersion": python_version,
            "Serverless-LambdaDLQ": no_dlq_reason,
            "Serverless-LambdaTracing": "Lambda's trace has only the duration, which is also a "
            "metric, and needs a fee and a permission on every resource. Tracing inside the code "
            "would by default copy responses and URLs.",
        }
        if snap_start:
            reasons["Annotation::@aws-cdk/aws-lambda:snapStartRequirePublish"] = (
                "The API calls an alias of published versions."
            )
        acknowledge(self.function, reasons)

    def grant(self, actions: Sequence[str], resource_arn: str) -> None:
        """Allow exactly these actions on one resource."""
        self._role.add_to_policy(
            iam.PolicyStatement(actions=list(actions), resources=[resource_arn])
        )
