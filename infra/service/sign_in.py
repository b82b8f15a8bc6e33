"""The function that signs short-lived developer tokens, with which apps sign users in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from functions.sign_in.settings import Settings
from infra.service.python_function import PythonFunction

if TYPE_CHECKING:
    from infra.optional_features import SignInTokens
    from infra.stages import StageSettings

KEY_ACTIONS: Final = ("secretsmanager:GetSecretValue",)
"""The actions of the sign-in function on the signing key's secret, its only permission."""

MEMORY_MB: Final = 512
TIMEOUT_SECONDS: Final = 5
"""Enough even if Lambda repeats a failed start; reading the key takes at most a second."""

RESERVED_CONCURRENCY: Final = 5
"""A flood of sign-ins uses at most this part of the account's concurrency."""


class SignIn(Construct):
    """Signs developer tokens. It may only read the signing key and write its log."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        signing_key: secretsmanager.ISecret,
        tokens: SignInTokens,
        settings: StageSettings,
    ) -> None:
        super().__init__(scope, id_)
        sign_in = PythonFunction(
            self,
            "SignIn",
            package="sign_in",
            description="Signs short-lived developer tokens, with which apps sign users in",
            no_dlq_reason="Only API Gateway invokes it, and waits for the response. There is no "
            "asynchronous event that could go to a queue.",
            environment=Settings(
                signing_key_secret_id=signing_key.secret_arn,
                token_life_seconds=60 * tokens.life_minutes,
                allowed_origins=tokens.allowed_origins,
            ).to_env(),
            memory_mb=MEMORY_MB,
            timeout_seconds=TIMEOUT_SECONDS,
            reserved_concurrency=RESERVED_CONCURRENCY,
            settings=settings,
        )
        sign_in.grant(KEY_ACTIONS, signing_key.secret_arn)
        self.function: Final[lambda_.Function] = sign_in.function
