"""The secrets of the developer token and of the key that signs it, so that no app has either."""

from __future__ import annotations

from typing import Final, cast

from aws_cdk import Acknowledgment, CfnResource, RemovalPolicy, SecretValue, Validations
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from functions.token_rotation.settings import NO_DEVELOPER_TOKEN, NO_SIGNING_KEY

TOKEN_LOGICAL_ID: Final = "DeveloperToken"  # noqa: S105 - a name in the template
KEY_LOGICAL_ID: Final = "SigningKey"
"""Both pinned, because CloudFormation replaces a secret whose logical id changes by a new one."""

TOKEN_PLACEHOLDER: Final = f"{NO_DEVELOPER_TOKEN}: put an Apple Music developer token (a JWT) here"
KEY_PLACEHOLDER: Final = (
    f"{NO_SIGNING_KEY}: put an Apple Music key with its key id and team id here"
)
"""What the secrets hold until someone puts a token, or a key.

Never to be edited: CloudFormation writes it again whenever the template's text changes, over the
token or the key that has been put by then.
"""


class DeveloperToken(Construct):
    """The secret that holds the token alone; it goes with the stack, see decision 0012."""

    def __init__(self, scope: Construct, id_: str, *, is_rotated: bool) -> None:
        super().__init__(scope, id_)
        self.secret: Final = _secret(
            self,
            logical_id=TOKEN_LOGICAL_ID,
            description="Apple Music developer token: the JWT alone, as plain text",
            placeholder=TOKEN_PLACEHOLDER,
            removal_policy=RemovalPolicy.DESTROY,
        )
        if not is_rotated:
            Validations.of(self.secret).acknowledge(
                Acknowledgment(
                    id="AwsSolutions-SMG4",
                    reason="This stage's settings say that its token is put by hand: the alarm on "
                    "the days that it has left asks for the next one in time.",
                )
            )


class SigningKey(Construct):
    """The secret that holds the team's key; it outlives the stack, see decision 0012."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.secret: Final = _secret(
            self,
            logical_id=KEY_LOGICAL_ID,
            description="Apple Music signing key: JSON of private_key, key_id and team_id",
            placeholder=KEY_PLACEHOLDER,
            removal_policy=RemovalPolicy.RETAIN,
        )
        Validations.of(self.secret).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SMG4",
                reason="Only a person signed in to Apple's developer site can make and revoke such "
                "a key, and Apple offers no call for it, so nothing could rotate it by schedule.",
            )
        )


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
        # No secret: CDK's default would be a random value, which looks like one.
        secret_string_value=SecretValue.unsafe_plain_text(placeholder),
        removal_policy=removal_policy,
    )
    cast("CfnResource", secret.node.default_child).override_logical_id(logical_id)
    return secret
