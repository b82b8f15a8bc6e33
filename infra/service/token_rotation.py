"""The function that rotates the developer token, and its schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Aws, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from functions.token_rotation.settings import DAY_SECONDS, Settings
from infra.nag import acknowledge
from infra.service.python_function import PythonFunction

if TYPE_CHECKING:
    from infra.stages import StageSettings

TOKEN_ACTIONS: Final = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)
"""The actions of the rotation function on the developer token's secret."""

KEY_ACTIONS: Final = ("secretsmanager:GetSecretValue",)
"""The actions of the rotation function on the signing key's secret."""

MEMORY_MB: Final = 256
TIMEOUT_SECONDS: Final = 60
"""Enough for a step whose calls to AWS and Apple all time out twice."""


class TokenRotation(Construct):
    """Rotates the developer token if the stage has a schedule; reports the token's expiry daily."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        token: secretsmanager.ISecret,
        signing_key: secretsmanager.ISecret,
        settings: StageSettings,
    ) -> None:
        super().__init__(scope, id_)
        rotation = PythonFunction(
            self,
            "Rotation",
            package="token_rotation",
            description="Rotates the Apple Music developer token, and reports its remaining days",
            no_dlq_reason="Every failure fires an alarm. The next daily event repeats a report; "
            "Secrets Manager repeats a rotation. A replayed rotation would not find its version.",
            environment=Settings(
                developer_token_secret_id=token.secret_arn,
                signing_key_secret_id=signing_key.secret_arn,
                apple_music_url=settings.apple_music_url,
                token_life_seconds=settings.token_life_days * DAY_SECONDS,
            ).to_env(),
            memory_mb=MEMORY_MB,
            timeout_seconds=TIMEOUT_SECONDS,
            settings=settings,
        )
        self.function: Final[lambda_.Function] = rotation.function
        rotation.grant(TOKEN_ACTIONS, token.secret_arn)
        rotation.grant(KEY_ACTIONS, signing_key.secret_arn)
        daily = events.Rule(
            self,
            "Daily",
            description="Reports the remaining days of the developer token",
            schedule=events.Schedule.rate(Duration.days(1)),
            targets=[targets.LambdaFunction(rotation.function)],
        )
        reason = (
            "EventBridge retries for a day. Then the next event is due, and a replayed one would "
            "report an outdated number."
        )
        acknowledge(daily, {"Serverless-EventBusDLQ": reason})
        if settings.token_rotation:
            self._schedule(token, settings.rotate_after_days)

    def _schedule(self, token: secretsmanager.ISecret, days: int) -> None:
        # `add_rotation_schedule` would let the function generate random passwords, and let Secrets
        # Manager invoke it for a secret of any account.
        permission = lambda_.CfnPermission(
            self,
            "SecretsManager",
            action="lambda:InvokeFunction",
            function_name=self.function.function_arn,
            principal="secretsmanager.amazonaws.com",
            source_account=Aws.ACCOUNT_ID,
            source_arn=token.secret_arn,
        )
        schedule = secretsmanager.CfnRotationSchedule(
            self,
            "Schedule",
            secret_id=token.secret_arn,
            rotation_lambda_arn=self.function.function_arn,
            rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
                automatically_after_days=days
            ),
            # There is no signing key at the first deployment.
            rotate_immediately_on_update=False,
        )
        schedule.add_resource_dependency(permission)
