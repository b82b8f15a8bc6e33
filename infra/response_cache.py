"""The table that holds ratings for a while, so that most reads need not ask Apple."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from aws_cdk import Acknowledgment, CfnResource, RemovalPolicy, Validations
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from functions.ratings.settings import PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE

if TYPE_CHECKING:
    from aws_cdk.aws_dynamodb import TableV2

LOGICAL_ID: Final = "ResponseCache"
"""Pinned, because CloudFormation replaces a table whose logical id changes by an empty one."""


class ResponseCache(Construct):
    """The cache table, paid for by request, whose items DynamoDB deletes once they expire."""

    def __init__(self, scope: Construct, id_: str, *, removal_policy: RemovalPolicy) -> None:
        super().__init__(scope, id_)
        self.table: Final[TableV2] = dynamodb.TableV2(
            self,
            "Table",
            partition_key=dynamodb.Attribute(
                name=PARTITION_KEY, type=dynamodb.AttributeType.STRING
            ),
            sort_key=dynamodb.Attribute(name=SORT_KEY, type=dynamodb.AttributeType.STRING),
            time_to_live_attribute=TTL_ATTRIBUTE,
            billing=dynamodb.Billing.on_demand(),
            removal_policy=removal_policy,
        )
        cast("CfnResource", self.table.node.default_child).override_logical_id(LOGICAL_ID)
        Validations.of(self.table).acknowledge(
            Acknowledgment(
                id="AwsSolutions-DDB3",
                reason="Every item is a copy of what Apple holds and expires within hours: "
                "there is nothing to restore, and a restored copy would be stale.",
            )
        )
