"""The secret that holds the Apple Music developer token, so that no app needs to."""

from __future__ import annotations

from typing import Final, cast

from aws_cdk import Acknowledgment, CfnResource, RemovalPolicy, SecretValue, Validations
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

LOGICAL_ID: Final = "DeveloperToken"
"""Pinned, because CloudFormation replaces a secret whose logical id changes by a new one."""

PLACEHOLDER: Final = "no developer token yet: put an Apple Music developer token (a JWT) here"
"""What the secret holds until someone puts a token.

Never to be edited: CloudFormation writes it again whenever the template's text changes, over the
token that has been put by then.
"""


class DeveloperToken(Construct):
    """The secret, holding the token alone; it goes with the stack, see decision 0012."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.secret: Final[secretsmanager.Secret] = secretsmanager.Secret(
            self,
            "Secret",
            description="Apple Music developer token: the JWT alone, as plain text",
            # No secret: CDK's default would be a random value, which looks like a token.
            secret_string_value=SecretValue.unsafe_plain_text(PLACEHOLDER),
            removal_policy=RemovalPolicy.DESTROY,
        )
        cast("CfnResource", self.secret.node.default_child).override_logical_id(LOGICAL_ID)
        Validations.of(self.secret).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SMG4",
                reason="The token is signed with the Apple developer team's private key, which "
                "this stack does not hold. Whoever holds it puts a new token before the old one "
                "expires, at most six months later.",
            )
        )
