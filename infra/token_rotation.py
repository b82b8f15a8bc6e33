"""The function that renews the developer token, and what makes it run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Acknowledgment, Aws, Duration, Validations
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from functions.token_rotation.settings import DAY_SECONDS, Settings
from infra.python_function import PythonFunction

if TYPE_CHECKING:
    from infra.settings import StageSettings

TOKEN_ACTIONS: Final = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)
"""What the rotation function does with the developer token."""

KEY_ACTIONS: Final = ("secretsmanager:GetSecretValue",)
"""What the rotation function does with the signing key."""

MEMORY_MB: Final = 256
TIMEOUT_SECONDS: Final = 60
"""Room for each of a step's calls to fail slowly, twice."""


class TokenRotation(Construct):
    """Renews the token by a schedule, if the stage wants one, and reports daily on it anyway."""

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
            description="Renews the Apple Music developer token, and reports the days it has left",
            no_dead_letters_because="A failed event rings an alarm by its count alone, and comes "
            "again by itself: the report on the next day, a rotation by Secrets Manager's own "
            "tries. Played again later, it would find its version gone.",
            environment=Settings(
                developer_token_secret_id=token.secret_arn,
                signing_key_secret_id=signing_key.secret_arn,
                apple_music_url=settings.apple_music_url,
                token_life_seconds=settings.token_life_days * DAY_SECONDS,
            ).to_env(),
            architecture=settings.architecture,
            memory_mb=MEMORY_MB,
            timeout_seconds=TIMEOUT_SECONDS,
            log_retention=settings.log_retention,
            removal_policy=settings.removal_policy,
        )
        self.function: Final[lambda_.Function] = rotation.function
        rotation.role.add_to_policy(
            iam.PolicyStatement(actions=list(TOKEN_ACTIONS), resources=[token.secret_arn])
        )
        rotation.role.add_to_policy(
            iam.PolicyStatement(actions=list(KEY_ACTIONS), resources=[signing_key.secret_arn])
        )
        daily = events.Rule(
            self,
            "Daily",
            description="Has the days reported that the developer token has left",
            schedule=events.Schedule.rate(Duration.days(1)),
            targets=[targets.LambdaFunction(rotation.function)],
        )
        Validations.of(daily).acknowledge(
            Acknowledgment(
                id="Serverless-EventBusDLQ",
                reason="EventBridge tries for a day, and then the next day's event is due, which "
                "says the same: one kept from before would report a number that is out of date.",
            )
        )
        if settings.token_rotation:
            self._schedule(token, settings.rotate_after_days)

    def _schedule(self, token: secretsmanager.ISecret, days: int) -> None:
        # Not by `add_rotation_schedule`: it would let the function make random passwords, and
        # Secrets Manager invoke it for a secret of any account.
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
            # At the first deployment there is no key to sign by.
            rotate_immediately_on_update=False,
        )
        schedule.add_resource_dependency(permission)
