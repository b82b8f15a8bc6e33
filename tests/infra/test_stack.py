from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from functions.ratings.settings import Settings
from infra.settings import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.infra.resources import Resources


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _statements(service: Resources) -> Iterator[dict[str, Any]]:
    for policy in service.of_type("AWS::IAM::Policy").values():
        yield from policy["Properties"]["PolicyDocument"]["Statement"]
    for role in service.of_type("AWS::IAM::Role").values():
        for inline in role["Properties"].get("Policies", []):
            yield from inline["PolicyDocument"]["Statement"]


def _function_log_group(service: Resources) -> str:
    function = service.properties("AWS::Lambda::Function")
    log_group: str = function["LoggingConfig"]["LogGroup"]["Ref"]
    return log_group


def test_the_function_may_do_what_it_does_and_nothing_else(service: Resources) -> None:
    allowed = {
        json.dumps(statement["Resource"]): set(_as_list(statement["Action"]))
        for statement in _statements(service)
    }

    assert allowed == {
        json.dumps({"Fn::GetAtt": [_function_log_group(service), "Arn"]}): {
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        },
        json.dumps({"Fn::GetAtt": ["ResponseCache", "Arn"]}): {
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        },
        json.dumps({"Ref": "DeveloperToken"}): {"secretsmanager:GetSecretValue"},
    }
    assert {statement["Effect"] for statement in _statements(service)} == {"Allow"}


def test_there_is_one_role_which_lambda_alone_assumes_and_no_managed_policy(
    service: Resources,
) -> None:
    role = service.properties("AWS::IAM::Role")

    assert "ManagedPolicyArns" not in role
    assert [each["Principal"] for each in role["AssumeRolePolicyDocument"]["Statement"]] == [
        {"Service": "lambda.amazonaws.com"}
    ]
    assert "AWS::IAM::ManagedPolicy" not in service.types()


def test_the_table_has_the_keys_and_the_ttl_that_the_function_uses(service: Resources) -> None:
    table = service.properties("AWS::DynamoDB::GlobalTable")

    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert {each["AttributeType"] for each in table["AttributeDefinitions"]} == {"S"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert [each["Region"] for each in table["Replicas"]] == [{"Ref": "AWS::Region"}]


def test_what_holds_state_keeps_its_logical_id(service: Resources) -> None:
    assert service.only("AWS::DynamoDB::GlobalTable")[0] == "ResponseCache"
    assert service.only("AWS::SecretsManager::Secret")[0] == "DeveloperToken"


@pytest.mark.parametrize(("name", "policy"), [("dev", "Delete"), ("prod", "Retain")])
def test_the_table_and_the_logs_outlive_the_stack_in_prod_alone(
    services: Mapping[str, Resources], name: str, policy: str
) -> None:
    kept = services[name].of_type("AWS::DynamoDB::GlobalTable") | services[name].of_type(
        "AWS::Logs::LogGroup"
    )

    assert len(kept) == 3
    for resource in kept.values():
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == policy


@pytest.mark.parametrize(("name", "days"), [("dev", 7), ("prod", 90)])
def test_every_log_group_forgets(services: Mapping[str, Resources], name: str, days: int) -> None:
    log_groups = services[name].of_type("AWS::Logs::LogGroup").values()

    assert [each["Properties"]["RetentionInDays"] for each in log_groups] == [days, days]


def test_the_secret_starts_with_a_placeholder_whose_text_never_changes(service: Resources) -> None:
    secret = service.properties("AWS::SecretsManager::Secret")

    # CloudFormation would write a changed text over the token that has been put since.
    assert secret["SecretString"] == (
        "no developer token yet: put an Apple Music developer token (a JWT) here"
    )
    assert "GenerateSecretString" not in secret


def test_the_secret_goes_with_the_stack(service: Resources) -> None:
    secret = service.only("AWS::SecretsManager::Secret")[1]

    assert secret["DeletionPolicy"] == secret["UpdateReplacePolicy"] == "Delete"


def test_the_functions_environment_is_what_its_settings_read(
    service: Resources, stage: str
) -> None:
    variables = service.properties("AWS::Lambda::Function")["Environment"]["Variables"]
    named = {
        name: value["Ref"] if isinstance(value, dict) else value
        for name, value in variables.items()
    }

    settings = Settings.from_env(named)

    assert settings == Settings(
        cache_table_name="ResponseCache",
        developer_token_secret_id="DeveloperToken",
        apple_music_url="https://api.music.apple.com",
        fresh_seconds=STAGES[stage].fresh_seconds,
        stale_if_error_seconds=STAGES[stage].stale_if_error_seconds,
        deadline_seconds=STAGES[stage].deadline_seconds,
    )
    assert named == {**settings.to_env(), "POWERTOOLS_SERVICE_NAME": "apple-music-ratings"}


def test_the_function_runs_the_handler_on_arm64_within_the_stages_limits(
    service: Resources, stage: str
) -> None:
    function = service.properties("AWS::Lambda::Function")

    assert function["Handler"] == "functions.ratings.handler.lambda_handler"
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert function["Timeout"] == STAGES[stage].function_timeout_seconds
    assert function["MemorySize"] == STAGES[stage].function_memory_mb
    assert "ReservedConcurrentExecutions" not in function
    assert "TracingConfig" not in function


def test_every_stage_gets_the_same_bundle(services: Mapping[str, Resources]) -> None:
    keys = {each.properties("AWS::Lambda::Function")["Code"]["S3Key"] for each in services.values()}

    assert len(keys) == 1


def test_lambda_leaves_the_functions_own_log_lines_as_they_are(service: Resources) -> None:
    assert service.properties("AWS::Lambda::Function")["LoggingConfig"]["LogFormat"] == "Text"


def test_the_outputs_are_what_a_person_needs(service: Resources, stage: str) -> None:
    outputs = service.outputs()

    assert set(outputs) == {"ApiUrl", "DeveloperTokenSecret", "CacheTable", "FunctionLogGroup"}
    assert outputs["DeveloperTokenSecret"] == {"Ref": "DeveloperToken"}
    assert outputs["CacheTable"] == {"Ref": "ResponseCache"}
    assert outputs["FunctionLogGroup"] == {"Ref": _function_log_group(service)}
    separator, parts = outputs["ApiUrl"]["Fn::Join"]
    assert separator == ""
    assert parts == [
        "https://",
        {"Ref": service.only("AWS::ApiGateway::RestApi")[0]},
        ".execute-api.",
        {"Ref": "AWS::Region"},
        ".",
        {"Ref": "AWS::URLSuffix"},
        f"/{stage}",
    ]
