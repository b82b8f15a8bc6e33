from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.infra.resources import Resources


def test_the_account_stack_only_lets_api_gateway_write_logs_and_is_retained(
    account: Resources,
) -> None:
    role_id, role = account.only("AWS::IAM::Role")

    assert account.types() == {"AWS::IAM::Role", "AWS::ApiGateway::Account"}
    assert account.properties("AWS::ApiGateway::Account") == {
        "CloudWatchRoleArn": {"Fn::GetAtt": [role_id, "Arn"]}
    }
    (policy,) = role["Properties"]["ManagedPolicyArns"]
    assert "service-role/AmazonAPIGatewayPushToCloudWatchLogs" in json.dumps(policy)
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "apigateway.amazonaws.com"}
    for resource in account.by_id.values():
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resource["UpdateReplacePolicy"] == "Retain"
