"""The service in one stack: its parts, what each is told, and what each may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from constructs import Construct

from functions.ratings.settings import Settings
from infra.api import RatingsApi
from infra.budget import MonthlyBudget
from infra.developer_token import DeveloperToken, SigningKey
from infra.firewall import Firewall
from infra.monitoring import Monitoring
from infra.python_function import PythonFunction
from infra.release import Release
from infra.response_cache import ResponseCache
from infra.token_rotation import TokenRotation

if TYPE_CHECKING:
    from infra.settings import StageSettings

CACHE_ACTIONS: Final = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
)
"""What the ratings function does with the cache table."""

TOKEN_ACTIONS: Final = ("secretsmanager:GetSecretValue",)
"""What the ratings function does with the developer token."""


class RatingsStack(Stack):
    """The ratings service of one stage; only wires its parts and grants what they need."""

    def __init__(self, scope: Construct, id_: str, *, settings: StageSettings) -> None:
        super().__init__(
            scope,
            id_,
            description=f"Personal Apple Music ratings, stage {settings.name}",
            termination_protection=settings.termination_protection,
        )
        cache = ResponseCache(self, "Cache", removal_policy=settings.removal_policy)
        token = DeveloperToken(self, "Token", is_rotated=settings.token_rotation)
        signing_key = SigningKey(self, "Key")
        ratings = PythonFunction(
            self,
            "Ratings",
            package="ratings",
            description="Answers ratings requests from the cache or from Apple Music",
            no_dead_letters_because="API Gateway alone invokes it, and waits for its answer: there "
            "is no event that Lambda would hold back and could put into a queue.",
            environment=Settings(
                cache_table_name=cache.table.table_name,
                developer_token_secret_id=token.secret.secret_arn,
                apple_music_url=settings.apple_music_url,
                fresh_seconds=settings.fresh_seconds,
                stale_if_error_seconds=settings.stale_if_error_seconds,
                deadline_seconds=settings.deadline_seconds,
                cache_timeout_milliseconds=settings.cache_timeout_milliseconds,
            ).to_env(),
            architecture=settings.architecture,
            memory_mb=settings.function_memory_mb,
            timeout_seconds=settings.function_timeout_seconds,
            log_retention=settings.log_retention,
            removal_policy=settings.removal_policy,
            reserved_concurrency=settings.reserved_concurrency,
        )
        ratings.role.add_to_policy(
            iam.PolicyStatement(actions=list(CACHE_ACTIONS), resources=[cache.table.table_arn])
        )
        ratings.role.add_to_policy(
            iam.PolicyStatement(actions=list(TOKEN_ACTIONS), resources=[token.secret.secret_arn])
        )
        rotation = TokenRotation(
            self,
            "TokenRotation",
            token=token.secret,
            signing_key=signing_key.secret,
            settings=settings,
        )
        release = Release(self, "Release", function=ratings.function, canary=settings.canary)
        api = RatingsApi(self, "Api", handler=release.alias, settings=settings)
        monitoring = Monitoring(
            self,
            "Monitoring",
            ratings=ratings.function,
            rotation=rotation.function,
            table=cache.table,
            api=api,
            settings=settings,
        )
        for alarm in release.alarms:
            alarm.add_alarm_action(actions.SnsAction(monitoring.topic))
        release.roll_back_on(monitoring.rollback_alarms)
        if settings.firewall is not None:
            Firewall(self, "Firewall", stage=api.stage, rules=settings.firewall)
        if settings.monthly_budget_usd is not None and settings.alarm_email is not None:
            MonthlyBudget(
                self,
                "Budget",
                limit_usd=settings.monthly_budget_usd,
                email=settings.alarm_email,
            )
        CfnOutput(self, "ApiUrl", value=api.url, description="What goes before /v1/me/ratings")
        CfnOutput(
            self,
            "DeveloperTokenSecret",
            value=token.secret.secret_arn,
            description="The secret to put an Apple Music developer token into",
        )
        CfnOutput(
            self,
            "SigningKeySecret",
            value=signing_key.secret.secret_arn,
            description="The secret to put the Apple Music signing key into",
        )
        CfnOutput(
            self,
            "RotationFunction",
            value=rotation.function.function_name,
            description="The function that renews the developer token",
        )
        CfnOutput(
            self,
            "AlarmTopic",
            value=monitoring.topic.topic_arn,
            description="The topic that alarms are sent to: subscribe to it",
        )
        CfnOutput(
            self,
            "Dashboard",
            value=monitoring.dashboard.dashboard_name,
            description="The CloudWatch dashboard to look at",
        )
        CfnOutput(self, "CacheTable", value=cache.table.table_name, description="The cache table")
        CfnOutput(
            self,
            "FunctionLogGroup",
            value=ratings.log_group.log_group_name,
            description="Where the ratings function logs",
        )
        CfnOutput(
            self,
            "RatingsFunction",
            value=ratings.function.function_name,
            description="The function that answers; its alias live is what the API calls",
        )
        if api.domain is not None:
            CfnOutput(
                self,
                "DomainTarget",
                value=api.domain.domain_name_alias_domain_name,
                description="What the domain's DNS record has to point to, as CNAME or alias",
            )
        for name, key_id in api.api_key_ids.items():
            CfnOutput(
                self,
                f"ApiKey{name}",
                value=key_id,
                description=f"The id, not the value, of the API key of {name}",
            )
