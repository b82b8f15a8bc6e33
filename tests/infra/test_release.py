from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.settings import STAGES
from infra.stack import RatingsStack
from tests.infra.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings import StageSettings

ALIAS = "AWS::Lambda::Alias"
GROUP = "AWS::CodeDeploy::DeploymentGroup"
VERSION = "AWS::Lambda::Version"


@pytest.fixture(scope="module")
def prod(services: Mapping[str, Resources]) -> Resources:
    return services["prod"]


def _template(context: Mapping[str, Any], settings: StageSettings) -> Resources:
    stack = RatingsStack(App(context=context), "service", settings=settings)
    return Resources(Template.from_stack(stack).to_json())


def test_what_is_live_is_a_published_version_of_the_ratings_function(service: Resources) -> None:
    function = {"Ref": service.function("ratings")[0]}
    version_id, version = service.only(VERSION)

    assert version["Properties"] == {"FunctionName": function}
    assert service.properties(ALIAS) == {
        "Name": "live",
        "FunctionName": function,
        "FunctionVersion": {"Fn::GetAtt": [version_id, "Version"]},
    }


def test_a_changed_setting_makes_a_new_version_and_the_same_settings_do_not(
    cdk_context: Mapping[str, Any], services: Mapping[str, Resources]
) -> None:
    dev = STAGES["dev"]
    same, changed = (
        _template(cdk_context, settings).only(VERSION)[0]
        for settings in (dev, replace(dev, fresh_seconds=61))
    )

    assert same == services["dev"].only(VERSION)[0]
    assert changed != same


def test_a_version_that_was_live_stays_to_be_gone_back_to(service: Resources) -> None:
    version = service.only(VERSION)[1]

    assert version["DeletionPolicy"] == version["UpdateReplacePolicy"] == "Retain"


def test_dev_moves_to_a_new_version_all_at_once(services: Mapping[str, Resources]) -> None:
    dev = services["dev"]

    assert "UpdatePolicy" not in dev.only(ALIAS)[1]
    assert not any(type_.startswith("AWS::CodeDeploy") for type_ in dev.types())


def test_prod_moves_by_codedeploy_a_tenth_for_five_minutes_and_then_all(prod: Resources) -> None:
    group_id, group = prod.only(GROUP)
    application_id, application = prod.only("AWS::CodeDeploy::Application")

    assert prod.only(ALIAS)[1]["UpdatePolicy"] == {
        "CodeDeployLambdaAliasUpdate": {
            "ApplicationName": {"Ref": application_id},
            "DeploymentGroupName": {"Ref": group_id},
        }
    }
    assert application["Properties"]["ComputePlatform"] == "Lambda"
    assert (
        group["Properties"]["DeploymentConfigName"]
        == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    )


def test_an_alarm_a_failure_or_a_stop_takes_a_new_version_back(prod: Resources) -> None:
    group = prod.properties(GROUP)

    assert group["AutoRollbackConfiguration"] == {
        "Enabled": True,
        "Events": [
            "DEPLOYMENT_FAILURE",
            "DEPLOYMENT_STOP_ON_REQUEST",
            "DEPLOYMENT_STOP_ON_ALARM",
        ],
    }
    assert group["AlarmConfiguration"]["Enabled"] is True
    # An alarm whose state cannot be read stops a deployment as well.
    assert "IgnorePollAlarmFailure" not in group["AlarmConfiguration"]
    alarms = prod.of_type("AWS::CloudWatch::Alarm")
    watched = [each["Name"]["Ref"] for each in group["AlarmConfiguration"]["Alarms"]]
    assert set(watched) <= set(alarms)
    assert [re.sub("[0-9A-F]{8}$", "", each) for each in watched] == [
        "ReleaseErrors",
        "MonitoringFailures",
        "MonitoringLatency",
    ]


def test_one_crash_of_what_is_live_rings_within_a_minute(prod: Resources) -> None:
    function = {"Ref": prod.function("ratings")[0]}
    (alarm,) = (
        each["Properties"]
        for each in prod.of_type("AWS::CloudWatch::Alarm").values()
        if "Resource"
        in {dimension["Name"] for dimension in each["Properties"].get("Dimensions", ())}
    )

    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    # Both versions that are live during a canary are counted under the alias.
    assert {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == {
        "FunctionName": function,
        "Resource": {"Fn::Join": ["", [function, ":live"]]},
    }
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Sum", 60, 1)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == (
        "GreaterThanOrEqualToThreshold",
        1,
    )
    assert alarm["TreatMissingData"] == "notBreaching"


def test_codedeploy_may_move_this_functions_alias_and_read_alarms_and_nothing_else(
    prod: Resources,
) -> None:
    role_id = prod.properties(GROUP)["ServiceRoleArn"]["Fn::GetAtt"][0]
    function = {"Fn::GetAtt": [prod.function("ratings")[0], "Arn"]}
    (policy_id, policy) = next(
        (id_, each["Properties"])
        for id_, each in prod.of_type("AWS::IAM::Policy").items()
        if each["Properties"]["Roles"] == [{"Ref": role_id}]
    )

    moving, reading = policy["PolicyDocument"]["Statement"]
    assert moving == {
        "Effect": "Allow",
        "Action": [
            "lambda:GetAlias",
            "lambda:GetProvisionedConcurrencyConfig",
            "lambda:UpdateAlias",
        ],
        "Resource": [function, {"Fn::Join": ["", [function, ":*"]]}],
    }
    assert (reading["Effect"], reading["Action"]) == ("Allow", "cloudwatch:DescribeAlarms")
    assert reading["Resource"]["Fn::Join"][1][-1] == ":alarm:*"
    # It may do so before it is asked to.
    assert policy_id in prod.only(GROUP)[1]["DependsOn"]
