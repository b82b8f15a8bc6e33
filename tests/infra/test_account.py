from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.infra.resources import Resources


def test_the_account_lets_api_gateway_alone_write_logs(account: Resources) -> None:
    role_id, role = account.only("AWS::IAM::Role")

    assert account.properties("AWS::ApiGateway::Account") == {
        "CloudWatchRoleArn": {"Fn::GetAtt": [role_id, "Arn"]}
    }
    (policy,) = role["Properties"]["ManagedPolicyArns"]
    assert json.dumps(policy).count("service-role/AmazonAPIGatewayPushToCloudWatchLogs") == 1
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "apigateway.amazonaws.com"}


def test_role_and_setting_outlive_the_stack(account: Resources) -> None:
    for type_ in ("AWS::IAM::Role", "AWS::ApiGateway::Account"):
        resource = account.only(type_)[1]
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


def test_the_account_stack_holds_nothing_else(account: Resources) -> None:
    assert account.types() == {"AWS::IAM::Role", "AWS::ApiGateway::Account"}


def test_the_services_stack_leaves_the_account_alone(service: Resources) -> None:
    assert "AWS::ApiGateway::Account" not in service.types()
    assert "apigateway.amazonaws.com" not in json.dumps(service.of_type("AWS::IAM::Role"))
