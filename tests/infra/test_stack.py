from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from functions.ratings.settings import Settings
from functions.token_rotation.settings import Settings as TokenRotationSettings
from infra.settings import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.infra.resources import Resources


LAMBDA = "lambda.amazonaws.com"
CODEDEPLOY = "codedeploy.amazonaws.com"


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _statements(service: Resources, package: str) -> Iterator[dict[str, Any]]:
    """What the role of that package's function may do."""
    role_id = service.function(package)[1]["Role"]["Fn::GetAtt"][0]
    yield from (
        statement
        for policy in service.of_type("AWS::IAM::Policy").values()
        if {"Ref": role_id} in policy["Properties"]["Roles"]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    )
    for inline in service.of_type("AWS::IAM::Role")[role_id]["Properties"].get("Policies", []):
        yield from inline["PolicyDocument"]["Statement"]


def _allowed(service: Resources, package: str) -> dict[str, set[str]]:
    """The actions that it may take, by the resource's logical id."""
    statements = list(_statements(service, package))
    assert {statement["Effect"] for statement in statements} == {"Allow"}
    assert all("Condition" not in statement for statement in statements)
    return {_logical_id(each["Resource"]): set(_as_list(each["Action"])) for each in statements}


def _logical_id(resource: Any) -> str:
    id_: str = resource["Ref"] if "Ref" in resource else resource["Fn::GetAtt"][0]
    assert resource in ({"Ref": id_}, {"Fn::GetAtt": [id_, "Arn"]})
    return id_


def _log_group(service: Resources, package: str) -> str:
    log_group: str = service.function(package)[1]["LoggingConfig"]["LogGroup"]["Ref"]
    return log_group


def test_the_ratings_function_may_do_what_it_does_and_nothing_else(service: Resources) -> None:
    assert _allowed(service, "ratings") == {
        _log_group(service, "ratings"): {"logs:CreateLogStream", "logs:PutLogEvents"},
        "ResponseCache": {
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        },
        "DeveloperToken": {"secretsmanager:GetSecretValue"},
    }


def test_the_rotation_function_alone_reads_the_key_and_renews_the_token(
    service: Resources,
) -> None:
    assert _allowed(service, "token_rotation") == {
        _log_group(service, "token_rotation"): {"logs:CreateLogStream", "logs:PutLogEvents"},
        "DeveloperToken": {
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
        },
        "SigningKey": {"secretsmanager:GetSecretValue"},
    }


def test_nothing_may_make_random_passwords_or_use_any_resource(service: Resources) -> None:
    policies = json.dumps(service.of_type("AWS::IAM::Policy"))

    assert "GetRandomPassword" not in json.dumps(service.template)
    assert '"*"' not in policies
    assert "AWS::SecretsManager::ResourcePolicy" not in service.types()


def test_each_function_has_a_role_that_lambda_alone_assumes_and_no_managed_policy(
    service: Resources,
) -> None:
    roles = service.of_type("AWS::IAM::Role")

    used = {
        service.function(package)[1]["Role"]["Fn::GetAtt"][0]
        for package in ("ratings", "token_rotation")
    }
    assumed = {
        id_: [each["Principal"] for each in trust]
        for id_, role in roles.items()
        if (trust := role["Properties"]["AssumeRolePolicyDocument"]["Statement"])
    }
    assert len(used) == 2
    assert {id_ for id_, who in assumed.items() if who == [{"Service": LAMBDA}]} == used
    # Any other is CodeDeploy's.
    assert all(assumed[id_] == [{"Service": CODEDEPLOY}] for id_ in set(roles) - used)
    assert len(service.of_type("AWS::IAM::Policy")) == len(roles)
    assert not any("ManagedPolicyArns" in role["Properties"] for role in roles.values())
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
    assert set(service.of_type("AWS::SecretsManager::Secret")) == {"DeveloperToken", "SigningKey"}


@pytest.mark.parametrize(("name", "policy"), [("dev", "Delete"), ("prod", "Retain")])
def test_the_table_and_the_logs_outlive_the_stack_in_prod_alone(
    services: Mapping[str, Resources], name: str, policy: str
) -> None:
    kept = services[name].of_type("AWS::DynamoDB::GlobalTable") | services[name].of_type(
        "AWS::Logs::LogGroup"
    )

    assert len(kept) == 4
    for resource in kept.values():
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == policy


HOLDS_STATE = {
    "AWS::DynamoDB::GlobalTable",
    "AWS::Lambda::Version",
    "AWS::Logs::LogGroup",
    "AWS::SecretsManager::Secret",
}
HOLDS_NONE = {
    "AWS::ApiGateway::ApiKey",
    "AWS::ApiGateway::BasePathMapping",
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::DomainName",
    "AWS::ApiGateway::GatewayResponse",
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::Resource",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::ApiGateway::UsagePlan",
    "AWS::ApiGateway::UsagePlanKey",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Events::Rule",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SecretsManager::RotationSchedule",
    "AWS::WAFv2::WebACL",
    "AWS::WAFv2::WebACLAssociation",
}


def test_whatever_holds_state_says_what_becomes_of_it(
    services: Mapping[str, Resources], everything_on: Resources
) -> None:
    for service in (*services.values(), everything_on):
        # A new type of resource has to be judged, and written into one of the two.
        assert service.types() <= HOLDS_STATE | HOLDS_NONE
        for type_ in HOLDS_STATE:
            for resource in service.of_type(type_).values():
                assert resource["DeletionPolicy"] in {"Delete", "Retain"}
                assert resource["UpdateReplacePolicy"] == resource["DeletionPolicy"]


@pytest.mark.parametrize(("name", "days"), [("dev", 7), ("prod", 90)])
def test_every_log_group_forgets(services: Mapping[str, Resources], name: str, days: int) -> None:
    log_groups = services[name].of_type("AWS::Logs::LogGroup").values()

    assert [each["Properties"]["RetentionInDays"] for each in log_groups] == [days] * 3


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        (
            "DeveloperToken",
            "no developer token yet: put an Apple Music developer token (a JWT) here",
        ),
        (
            "SigningKey",
            "no signing key yet: put an Apple Music key with its key id and team id here",
        ),
    ],
)
def test_a_secret_starts_with_a_placeholder_whose_text_never_changes(
    service: Resources, secret: str, text: str
) -> None:
    properties = service.of_type("AWS::SecretsManager::Secret")[secret]["Properties"]

    # CloudFormation would write a changed text over what has been put since.
    assert properties["SecretString"] == text
    assert "GenerateSecretString" not in properties


@pytest.mark.parametrize(
    ("secret", "policy"), [("DeveloperToken", "Delete"), ("SigningKey", "Retain")]
)
def test_the_token_goes_with_the_stack_and_the_key_outlives_it(
    service: Resources, secret: str, policy: str
) -> None:
    resource = service.of_type("AWS::SecretsManager::Secret")[secret]

    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == policy


def test_the_functions_environment_is_what_its_settings_read(
    service: Resources, stage: str
) -> None:
    named = _environment(service, "ratings")

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


def test_the_rotation_functions_environment_is_what_its_settings_read(
    service: Resources, stage: str
) -> None:
    named = _environment(service, "token_rotation")

    settings = TokenRotationSettings.from_env(named)

    assert settings == TokenRotationSettings(
        developer_token_secret_id="DeveloperToken",
        signing_key_secret_id="SigningKey",
        apple_music_url="https://api.music.apple.com",
        token_life_seconds=STAGES[stage].token_life_days * 86_400,
    )
    assert named == {**settings.to_env(), "POWERTOOLS_SERVICE_NAME": "apple-music-ratings"}


def _environment(service: Resources, package: str) -> dict[str, str]:
    variables = service.function(package)[1]["Environment"]["Variables"]
    return {
        name: value["Ref"] if isinstance(value, dict) else value
        for name, value in variables.items()
    }


def test_the_ratings_function_runs_within_the_stages_limits(service: Resources, stage: str) -> None:
    _, function = service.function("ratings")

    assert function["Timeout"] == STAGES[stage].function_timeout_seconds
    assert function["MemorySize"] == STAGES[stage].function_memory_mb


@pytest.mark.parametrize("package", ["ratings", "token_rotation"])
def test_each_function_runs_on_arm64_untraced_and_logs_its_own_lines(
    service: Resources, package: str
) -> None:
    _, function = service.function(package)

    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert "ReservedConcurrentExecutions" not in function
    assert "TracingConfig" not in function
    assert function["LoggingConfig"]["LogFormat"] == "Text"


def test_a_stage_may_reserve_concurrency_for_the_ratings_function_alone(
    everything_on: Resources,
) -> None:
    assert everything_on.function("ratings")[1]["ReservedConcurrentExecutions"] == 50
    assert "ReservedConcurrentExecutions" not in everything_on.function("token_rotation")[1]


@pytest.mark.parametrize("package", ["ratings", "token_rotation"])
def test_every_stage_gets_the_same_bundle(services: Mapping[str, Resources], package: str) -> None:
    keys = {each.function(package)[1]["Code"]["S3Key"] for each in services.values()}

    assert len(keys) == 1


def test_the_outputs_are_what_a_person_needs(service: Resources, stage: str) -> None:
    outputs = service.outputs()

    assert set(outputs) == {
        "ApiUrl",
        "DeveloperTokenSecret",
        "SigningKeySecret",
        "RatingsFunction",
        "RotationFunction",
        "AlarmTopic",
        "Dashboard",
        "CacheTable",
        "FunctionLogGroup",
    }
    assert outputs["SigningKeySecret"] == {"Ref": "SigningKey"}
    assert outputs["RotationFunction"] == {"Ref": service.function("token_rotation")[0]}
    assert outputs["RatingsFunction"] == {"Ref": service.function("ratings")[0]}
    assert outputs["AlarmTopic"] == {"Ref": service.only("AWS::SNS::Topic")[0]}
    assert outputs["Dashboard"] == {"Ref": service.only("AWS::CloudWatch::Dashboard")[0]}
    assert outputs["DeveloperTokenSecret"] == {"Ref": "DeveloperToken"}
    assert outputs["CacheTable"] == {"Ref": "ResponseCache"}
    assert outputs["FunctionLogGroup"] == {"Ref": _log_group(service, "ratings")}
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
