"""The DynamoDB table of cached ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from aws_cdk import CfnResource, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from functions.ratings.settings import PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE
from infra.nag import acknowledge

if TYPE_CHECKING:
    from aws_cdk.aws_dynamodb import TableV2

LOGICAL_ID: Final = "ResponseCache"
"""Pinned: if it changes, CloudFormation replaces the table with an empty one."""


class CacheTable(Construct):
    """The cache table, with on-demand billing; DynamoDB deletes expired items."""

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
        reason = (
            "Every item is a copy of Apple's data and expires within hours. A restored copy would "
            "be stale."
        )
        acknowledge(self.table, {"AwsSolutions-DDB3": reason})
