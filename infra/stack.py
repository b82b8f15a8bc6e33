"""The stack of one stage: wires its parts and grants their permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from functions.ratings.settings import Settings
from infra.observability.budget import MonthlyBudget
from infra.observability.monitoring import Monitoring
from infra.service.api import RatingsApi
from infra.service.cache_table import CacheTable
from infra.service.developer_token import DeveloperToken, SigningKey
from infra.service.firewall import Firewall
from infra.service.python_function import PythonFunction
from infra.service.release import Release
from infra.service.sign_in import SignIn
from infra.service.token_rotation import TokenRotation

if TYPE_CHECKING:
    from infra.stages import StageSettings

CACHE_ACTIONS: Final = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
)
"""The actions of the ratings function on the cache table."""

TOKEN_ACTIONS: Final = ("secretsmanager:GetSecretValue",)
"""The actions of the ratings function on the developer token's secret."""


class RatingsStack(Stack):
    """The ratings service of one stage."""

    def __init__(self, scope: Construct, id_: str, *, settings: StageSettings) -> None:
        super().__init__(
            scope,
            id_,
            description=f"Personal Apple Music ratings, stage {settings.name}",
            termination_protection=settings.termination_protection,
        )
        cache = CacheTable(self, "Cache", removal_policy=settings.removal_policy)
        token = DeveloperToken(self, "Token", is_rotated=settings.token_rotation)
        signing_key = SigningKey(self, "Key")
        ratings = PythonFunction(
            self,
            "Ratings",
            package="ratings",
            description="Reads, caches and writes Apple Music ratings",
            no_dlq_reason="Only API Gateway invokes it, and waits for the response. There is no "
            "asynchronous event that could go to a queue.",
            environment=Settings(
                cache_table_name=cache.table.table_name,
                developer_token_secret_id=token.secret.secret_arn,
                apple_music_url=settings.apple_music_url,
                fresh_seconds=settings.fresh_seconds,
                stale_if_error_seconds=settings.stale_if_error_seconds,
                deadline_seconds=settings.deadline_seconds,
                cache_timeout_milliseconds=settings.cache_timeout_milliseconds,
                allowed_origins=settings.allowed_origins,
            ).to_env(),
            memory_mb=settings.function_memory_mb,
            timeout_seconds=settings.function_timeout_seconds,
            reserved_concurrency=settings.reserved_concurrency,
            snap_start=settings.snap_start,
            settings=settings,
        )
        ratings.grant(CACHE_ACTIONS, cache.table.table_arn)
        ratings.grant(TOKEN_ACTIONS, token.secret.secret_arn)
        rotation = TokenRotation(
            self,
            "TokenRotation",
            token=token.secret,
            signing_key=signing_key.secret,
            settings=settings,
        )
        release = Release(self, "Release", function=ratings.function, canary=settings.canary)
        if settings.provisioned_concurrency is not None:
            alias = cast("lambda_.CfnAlias", release.alias.node.default_child)
            alias.provisioned_concurrency_config = (
                lambda_.CfnAlias.ProvisionedConcurrencyConfigurationProperty(
                    provisioned_concurrent_executions=settings.provisioned_concurrency
                )
            )
        sign_in = None
        if settings.sign_in_tokens is not None:
            sign_in = SignIn(
                self,
                "SignIn",
                signing_key=signing_key.secret,
                tokens=settings.sign_in_tokens,
                settings=settings,
            ).function
        api = RatingsApi(self, "Api", handler=release.alias, sign_in=sign_in, settings=settings)
        monitoring = Monitoring(
            self,
            "Monitoring",
            ratings=ratings.function,
            version=release.version,
            rotation=rotation.function,
            sign_in=sign_in,
            table=cache.table,
            api=api,
            settings=settings,
        )
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
        outputs = {
            "ApiUrl": (api.url, "Base URL, before /v1/me/ratings"),
            "DeveloperTokenSecret": (token.secret.secret_arn, "Secret of the developer token"),
            "SigningKeySecret": (signing_key.secret.secret_arn, "Secret of the signing key"),
            "RotationFunction": (rotation.function.function_name, "Token rotation function"),
            "AlarmTopic": (monitoring.page_topic.topic_arn, "SNS topic of urgent alarms"),
            "TicketTopic": (monitoring.ticket_topic.topic_arn, "SNS topic of other alarms"),
            "Dashboard": (monitoring.dashboard.dashboard_name, "CloudWatch dashboard"),
            "CacheTable": (cache.table.table_name, "Cache table"),
            "FunctionLogGroup": (ratings.log_group.log_group_name, "Logs of the ratings function"),
            "RatingsFunction": (ratings.function.function_name, "Ratings function (alias: live)"),
        }
        if api.domain is not None:
            outputs["DomainTarget"] = (
                api.domain.domain_name_alias_domain_name,
                "Target of the domain's DNS record, as CNAME or alias",
            )
        if sign_in is not None:
            outputs["SignInFunction"] = (sign_in.function_name, "Sign-in function")
        for name, key_id in api.api_key_ids.items():
            outputs[f"ApiKey{name}"] = (key_id, f"Id, not value, of the API key of {name}")
        for name, (value, description) in outputs.items():
            CfnOutput(self, name, value=value, description=description)
