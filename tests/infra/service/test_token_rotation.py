from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infra.stages import STAGES
from tests.infra.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEDULE = "AWS::SecretsManager::RotationSchedule"
PRINCIPAL = "secretsmanager.amazonaws.com"


def _permissions(service: Resources) -> dict[str, dict[str, Any]]:
    function_id, _ = service.function("token_rotation")
    return {
        id_: each["Properties"]
        for id_, each in service.of_type("AWS::Lambda::Permission").items()
        if each["Properties"]["FunctionName"] == {"Fn::GetAtt": [function_id, "Arn"]}
    }


def test_the_token_is_rotated_before_half_its_life_and_not_at_the_first_deployment(
    service: Resources,
) -> None:
    function_id, function = service.function("token_rotation")
    policy_id, _ = service.policy(function["Role"]["Fn::GetAtt"][0])
    (permission_id,) = (
        id_ for id_, each in _permissions(service).items() if each["Principal"] == PRINCIPAL
    )

    assert service.properties(SCHEDULE) == {
        "SecretId": {"Ref": "DeveloperToken"},
        "RotationLambdaARN": {"Fn::GetAtt": [function_id, "Arn"]},
        "RotationRules": {"AutomaticallyAfterDays": 29},
        "RotateImmediatelyOnUpdate": False,
    }
    # Secrets Manager calls the function when the schedule is created.
    assert permission_id in service.only(SCHEDULE)[1]["DependsOn"]
    assert policy_id in service.by_id[function_id]["DependsOn"]


def test_only_this_accounts_secret_and_the_daily_rule_may_invoke_the_rotation(
    service: Resources,
) -> None:
    rule_id, rule = service.only("AWS::Events::Rule")
    function = {"Fn::GetAtt": [service.function("token_rotation")[0], "Arn"]}
    invoke = {"Action": "lambda:InvokeFunction", "FunctionName": function}

    assert sorted(_permissions(service).values(), key=lambda each: str(each["Principal"])) == [
        {
            **invoke,
            "Principal": "events.amazonaws.com",
            "SourceArn": {"Fn::GetAtt": [rule_id, "Arn"]},
        },
        {
            **invoke,
            "Principal": PRINCIPAL,
            "SourceAccount": {"Ref": "AWS::AccountId"},
            "SourceArn": {"Ref": "DeveloperToken"},
        },
    ]
    assert rule["Properties"]["ScheduleExpression"] == "rate(1 day)"
    assert [each["Arn"] for each in rule["Properties"]["Targets"]] == [function]


def test_a_stage_without_rotation_lacks_only_the_schedule_and_its_permission(
    services: Mapping[str, Resources],
) -> None:
    dev = services["dev"]
    manual = Resources.of_stage(replace(STAGES["dev"], token_rotation=False))

    missing = [dev.by_id[id_]["Type"] for id_ in dev.by_id.keys() - manual.by_id.keys()]

    assert sorted(missing) == ["AWS::Lambda::Permission", SCHEDULE]
    assert PRINCIPAL not in json.dumps(manual.template)
    assert manual.outputs().keys() == dev.outputs().keys()
