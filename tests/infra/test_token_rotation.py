from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Validations
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks

from infra.settings import STAGES
from infra.stack import RatingsStack
from tests.infra.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infra.settings import StageSettings

SCHEDULE = "AWS::SecretsManager::RotationSchedule"
SECRETS_MANAGER = "secretsmanager.amazonaws.com"


def _permissions(service: Resources) -> dict[str, dict[str, Any]]:
    """Who may invoke the rotation function, by the permission's logical id."""
    function_id, _ = service.function("token_rotation")
    return {
        id_: each["Properties"]
        for id_, each in service.of_type("AWS::Lambda::Permission").items()
        if each["Properties"]["FunctionName"] == {"Fn::GetAtt": [function_id, "Arn"]}
    }


def _template(context: Mapping[str, Any], settings: StageSettings) -> Resources:
    stack = RatingsStack(App(context=context), "service", settings=settings)
    return Resources(Template.from_stack(stack).to_json())


def test_the_token_is_rotated_a_day_before_half_its_life_and_not_at_the_first_deployment(
    service: Resources,
) -> None:
    function_id, _ = service.function("token_rotation")

    assert service.properties(SCHEDULE) == {
        "SecretId": {"Ref": "DeveloperToken"},
        "RotationLambdaARN": {"Fn::GetAtt": [function_id, "Arn"]},
        "RotationRules": {"AutomaticallyAfterDays": 29},
        "RotateImmediatelyOnUpdate": False,
    }


def test_only_this_accounts_token_and_the_daily_rule_invoke_the_rotation(
    service: Resources,
) -> None:
    rule_id, rule = service.only("AWS::Events::Rule")

    assert sorted(_permissions(service).values(), key=lambda each: str(each["Principal"])) == [
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": rule["Properties"]["Targets"][0]["Arn"],
            "Principal": "events.amazonaws.com",
            "SourceArn": {"Fn::GetAtt": [rule_id, "Arn"]},
        },
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": rule["Properties"]["Targets"][0]["Arn"],
            "Principal": SECRETS_MANAGER,
            "SourceAccount": {"Ref": "AWS::AccountId"},
            "SourceArn": {"Ref": "DeveloperToken"},
        },
    ]


def test_the_permissions_are_there_before_the_schedule_has_its_trial(service: Resources) -> None:
    (permission_id,) = (
        id_ for id_, each in _permissions(service).items() if each["Principal"] == SECRETS_MANAGER
    )
    function_id, function = service.function("token_rotation")
    role_id = function["Role"]["Fn::GetAtt"][0]
    (policy_id,) = (
        id_
        for id_, each in service.of_type("AWS::IAM::Policy").items()
        if {"Ref": role_id} in each["Properties"]["Roles"]
    )

    assert permission_id in service.only(SCHEDULE)[1]["DependsOn"]
    assert policy_id in service.template["Resources"][function_id]["DependsOn"]


def test_the_days_left_are_reported_daily(service: Resources) -> None:
    rule = service.properties("AWS::Events::Rule")
    function_id, _ = service.function("token_rotation")

    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 day)", "ENABLED")
    assert [each["Arn"] for each in rule["Targets"]] == [{"Fn::GetAtt": [function_id, "Arn"]}]


def test_a_stage_without_rotation_has_all_but_the_schedule(
    cdk_context: Mapping[str, Any], service: Resources, stage: str
) -> None:
    by_hand = _template(cdk_context, replace(STAGES[stage], token_rotation=False))

    left_out = set(service.template["Resources"]) - set(by_hand.template["Resources"])

    assert {service.template["Resources"][id_]["Type"] for id_ in left_out} == {
        SCHEDULE,
        "AWS::Lambda::Permission",
    }
    assert len(left_out) == 2
    assert SECRETS_MANAGER not in json.dumps(by_hand.template)
    assert by_hand.outputs().keys() == service.outputs().keys()


@pytest.mark.parametrize("is_rotated", [True, False])
def test_cdk_nag_is_told_why_a_secret_is_not_rotated_only_where_it_is_not(
    cdk_context: Mapping[str, Any], tmp_path: Path, *, is_rotated: bool
) -> None:
    app = App(context=cdk_context, outdir=str(tmp_path))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    stack = RatingsStack(app, "service", settings=replace(STAGES["dev"], token_rotation=is_rotated))

    app.synth()

    acknowledged = [
        construct.node.path
        for construct in stack.node.find_all()
        if any("SMG4" in str(entry.data) for entry in construct.node.metadata)
    ]
    expected = ["service/Key/Secret", *([] if is_rotated else ["service/Token/Secret"])]
    assert sorted(acknowledged) == sorted(expected)
