"""The secrets of the developer token and of the signing key."""

from __future__ import annotations

from typing import Final, cast

from aws_cdk import CfnResource, RemovalPolicy, SecretValue
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from functions.shared.placeholders import NO_DEVELOPER_TOKEN, NO_SIGNING_KEY
from infra.nag import acknowledge

_NOT_ROTATED: Final = "AwsSolutions-SMG4"

TOKEN_LOGICAL_ID: Final = "DeveloperToken"  # noqa: S105 - a name in the template
KEY_LOGICAL_ID: Final = "SigningKey"
"""Pinned: if one changes, CloudFormation replaces the secret with an empty one."""

TOKEN_PLACEHOLDER: Final = f"{NO_DEVELOPER_TOKEN}: put an Apple Music developer token (a JWT) here"
KEY_PLACEHOLDER: Final = (
    f"{NO_SIGNING_KEY}: put an Apple Music key with its key id and team id here"
)
"""The initial values of the secrets.

Never edit them: CloudFormation would overwrite the current token or key with the new text.
"""


class DeveloperToken(Construct):
    """The secret of the developer token; deleted with the stack, see decision 0012."""

    def __init__(self, scope: Construct, id_: str, *, is_rotated: bool) -> None:
        super().__init__(scope, id_)
        self.secret: Final = _secret(
            self,
            logical_id=TOKEN_LOGICAL_ID,
            description="Apple Music developer token: only the JWT, as plain text",
            placeholder=TOKEN_PLACEHOLDER,
            removal_policy=RemovalPolicy.DESTROY,
        )
        if not is_rotated:
            reason = "In this stage an operator sets the token. An alarm fires before it expires."
            acknowledge(self.secret, {_NOT_ROTATED: reason})


class SigningKey(Construct):
    """The secret of the signing key; retained when the stack is deleted, see decision 0012."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.secret: Final = _secret(
            self,
            logical_id=KEY_LOGICAL_ID,
            description="Apple Music signing key: JSON of private_key, key_id and team_id",
            placeholder=KEY_PLACEHOLDER,
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        reason = (
            "Only a person on Apple's developer site can create and revoke such a key. Apple has "
            "no API for it, so no schedule can rotate it."
        )
        acknowledge(self.secret, {_NOT_ROTATED: reason})


def _secret(
    scope: Construct,
    *,
    logical_id: str,
    description: str,
    placeholder: str,
    removal_policy: RemovalPolicy,
) -> secretsmanager.Secret:
    secret = secretsmanager.Secret(
        scope,
        "Secret",
        description=description,
        # A readable placeholder: CDK's default is a random value, which looks like a secret.
        secret_string_value=SecretValue.unsafe_plain_text(placeholder),
        removal_policy=removal_policy,
    )
    cast("CfnResource", secret.node.default_child).override_logical_id(logical_id)
    return secret
