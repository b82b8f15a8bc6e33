from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.infra.resources import Resources

ALIAS = "AWS::Lambda::Alias"
GROUP = "AWS::CodeDeploy::DeploymentGroup"
VERSION = "AWS::Lambda::Version"


@pytest.fixture
def prod(services: Mapping[str, Resources]) -> Resources:
    return services["prod"]


def test_the_alias_has_a_retained_version_of_the_ratings_function(service: Resources) -> None:
    function = {"Ref": service.function("ratings")[0]}
    version_id, version = service.only(VERSION)

    assert version["Properties"] == {"FunctionName": function}
    # An operator can move the alias back to a retained version. A version whose creation fails is
    # deleted, so that the same code can be published again.
    assert version["DeletionPolicy"] == "RetainExceptOnCreate"
    assert version["UpdateReplacePolicy"] == "Retain"
    assert service.properties(ALIAS) == {
        "Name": "live",
        "FunctionName": function,
        "FunctionVersion": {"Fn::GetAtt": [version_id, "Version"]},
    }


def test_dev_moves_to_a_new_version_at_once(services: Mapping[str, Resources]) -> None:
    dev = services["dev"]

    assert "UpdatePolicy" not in dev.only(ALIAS)[1]
    assert not any(type_.startswith("AWS::CodeDeploy") for type_ in dev.types())


def test_prods_new_version_gets_a_tenth_of_requests_for_five_minutes_and_any_fault_rolls_it_back(
    prod: Resources,
) -> None:
    group_id, resource = prod.only(GROUP)
    application_id, _ = prod.only("AWS::CodeDeploy::Application")
    group = resource["Properties"]

    assert prod.only(ALIAS)[1]["UpdatePolicy"] == {
        "CodeDeployLambdaAliasUpdate": {
            "ApplicationName": {"Ref": application_id},
            "DeploymentGroupName": {"Ref": group_id},
        }
    }
    canary = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert group["DeploymentConfigName"] == canary
    assert group["AutoRollbackConfiguration"] == {
        "Enabled": True,
        "Events": [
            "DEPLOYMENT_FAILURE",
            "DEPLOYMENT_STOP_ON_REQUEST",
            "DEPLOYMENT_STOP_ON_ALARM",
        ],
    }
    assert group["AlarmConfiguration"]["Enabled"] is True
    # CodeDeploy also stops when it cannot read an alarm's state.
    assert "IgnorePollAlarmFailure" not in group["AlarmConfiguration"]
    alarms = [each["Name"]["Ref"] for each in group["AlarmConfiguration"]["Alarms"]]
    assert set(alarms) <= set(prod.of_type("AWS::CloudWatch::Alarm"))
    assert [re.sub("[0-9A-F]{8}$", "", each) for each in alarms] == [
        "MonitoringCanaryFailures",
        "MonitoringCanaryLatency",
    ]


def test_codedeploy_may_only_move_this_alias_and_read_alarms(prod: Resources) -> None:
    group = prod.only(GROUP)[1]
    function = {"Fn::GetAtt": [prod.function("ratings")[0], "Arn"]}
    policy_id, (move, read) = prod.policy(group["Properties"]["ServiceRoleArn"]["Fn::GetAtt"][0])

    assert move == {
        "Effect": "Allow",
        "Action": [
            "lambda:GetAlias",
            "lambda:GetProvisionedConcurrencyConfig",
            "lambda:UpdateAlias",
        ],
        "Resource": [function, {"Fn::Join": ["", [function, ":*"]]}],
    }
    assert (read["Effect"], read["Action"]) == ("Allow", "cloudwatch:DescribeAlarms")
    assert read["Resource"]["Fn::Join"][1][-1] == ":alarm:*"
    # The permission exists before the first deployment.
    assert policy_id in group["DependsOn"]
