from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from functions.ratings.settings import PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE
from functions.ratings.settings import Settings as RatingsSettings
from functions.token_rotation.settings import Settings as TokenRotationSettings
from infra.stages import STAGES
from tests.infra.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGES = ("ratings", "token_rotation")
ALLOWED = {
    "ratings": {
        "ResponseCache": {
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        },
        "DeveloperToken": {"secretsmanager:GetSecretValue"},
    },
    "token_rotation": {
        "DeveloperToken": {
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
        },
        "SigningKey": {"secretsmanager:GetSecretValue"},
    },
}


def _role(service: Resources, package: str) -> str:
    role: str = service.function(package)[1]["Role"]["Fn::GetAtt"][0]
    return role


def _logical_id(resource: Any) -> str:
    id_: str = resource["Ref"] if "Ref" in resource else resource["Fn::GetAtt"][0]
    assert resource in ({"Ref": id_}, {"Fn::GetAtt": [id_, "Arn"]})
    return id_


@pytest.mark.parametrize("package", PACKAGES)
def test_a_function_has_exactly_these_permissions(service: Resources, package: str) -> None:
    _, statements = service.policy(_role(service, package))

    assert all(each.keys() == {"Effect", "Action", "Resource"} for each in statements)
    assert {each["Effect"] for each in statements} == {"Allow"}
    actions = {
        _logical_id(each["Resource"]): {each["Action"]}
        if isinstance(each["Action"], str)
        else set(each["Action"])
        for each in statements
    }
    logs = {service.log_group(package): {"logs:CreateLogStream", "logs:PutLogEvents"}}
    assert actions == {**ALLOWED[package], **logs}


def test_each_function_has_its_own_role_without_any_other_policy(service: Resources) -> None:
    roles = {id_: each["Properties"] for id_, each in service.of_type("AWS::IAM::Role").items()}
    of_functions = {_role(service, package) for package in PACKAGES}
    principals = {
        id_: [
            each["Principal"]["Service"] for each in role["AssumeRolePolicyDocument"]["Statement"]
        ]
        for id_, role in roles.items()
    }

    assert len(of_functions) == len(PACKAGES)
    assert all(principals.pop(id_) == ["lambda.amazonaws.com"] for id_ in of_functions)
    assert all(each == ["codedeploy.amazonaws.com"] for each in principals.values())
    assert not any({"ManagedPolicyArns", "Policies"} & role.keys() for role in roles.values())
    assert not {"AWS::IAM::ManagedPolicy", "AWS::SecretsManager::ResourcePolicy"} & service.types()
    assert '"*"' not in json.dumps(service.of_type("AWS::IAM::Policy"))
    assert "GetRandomPassword" not in json.dumps(service.template)


def test_the_table_has_the_key_and_the_ttl_of_the_ratings_function(service: Resources) -> None:
    table = service.properties("AWS::DynamoDB::GlobalTable")

    assert table["KeySchema"] == [
        {"AttributeName": PARTITION_KEY, "KeyType": "HASH"},
        {"AttributeName": SORT_KEY, "KeyType": "RANGE"},
    ]
    assert table["TimeToLiveSpecification"] == {"AttributeName": TTL_ATTRIBUTE, "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


# A failed first deployment retains nothing, so that another attempt can start.
RETAIN = ("RetainExceptOnCreate", "Retain")
DELETE = ("Delete", "Delete")


def _policies(resource: Mapping[str, Any]) -> tuple[str, str]:
    return resource["DeletionPolicy"], resource["UpdateReplacePolicy"]


@pytest.mark.parametrize(("name", "policies", "days"), [("dev", DELETE, 7), ("prod", RETAIN, 90)])
def test_only_prod_retains_table_and_logs_and_every_log_expires(
    services: Mapping[str, Resources], name: str, policies: tuple[str, str], days: int
) -> None:
    logs = services[name].of_type("AWS::Logs::LogGroup")
    kept = {**logs, **services[name].of_type("AWS::DynamoDB::GlobalTable")}

    assert [each["Properties"]["RetentionInDays"] for each in logs.values()] == [days] * 3
    for resource in kept.values():
        assert _policies(resource) == policies


def test_exactly_the_stateful_resources_have_a_deletion_policy(full: Resources) -> None:
    for resource in full.by_id.values():
        # CDK sets a policy on every stateful type: choose a policy for a new type, and list it.
        assert ("DeletionPolicy" in resource) == (
            resource["Type"]
            in {
                "AWS::DynamoDB::GlobalTable",
                "AWS::Lambda::Version",
                "AWS::Logs::LogGroup",
                "AWS::SecretsManager::Secret",
            }
        )


@pytest.mark.parametrize(
    ("secret", "policies", "text"),
    [
        (
            "DeveloperToken",
            DELETE,
            "no developer token yet: put an Apple Music developer token (a JWT) here",
        ),
        (
            "SigningKey",
            RETAIN,
            "no signing key yet: put an Apple Music key with its key id and team id here",
        ),
    ],
)
def test_a_secret_has_a_fixed_placeholder_and_only_the_key_outlives_the_stack(
    service: Resources, secret: str, policies: tuple[str, str], text: str
) -> None:
    resource = service.of_type("AWS::SecretsManager::Secret")[secret]

    # If this text changed, the next deployment would overwrite the current secret.
    assert resource["Properties"]["SecretString"] == text
    assert "GenerateSecretString" not in resource["Properties"]
    assert _policies(resource) == policies


def _environment(service: Resources, package: str) -> dict[str, str]:
    variables = service.function(package)[1]["Environment"]["Variables"]
    return {
        name: value["Ref"] if isinstance(value, dict) else value
        for name, value in variables.items()
    }


def test_the_functions_read_their_settings_from_their_environments(
    service: Resources, stage: str
) -> None:
    environments = {package: _environment(service, package) for package in PACKAGES}
    ratings = RatingsSettings.from_env(environments["ratings"])
    rotation = TokenRotationSettings.from_env(environments["token_rotation"])

    for package, settings in (("ratings", ratings), ("token_rotation", rotation)):
        service_name = {"POWERTOOLS_SERVICE_NAME": "apple-music-ratings"}
        assert environments[package] == {**settings.to_env(), **service_name}
        assert settings.developer_token_secret_id == "DeveloperToken"
        assert settings.apple_music_url == "https://api.music.apple.com"
    assert ratings.cache_table_name == "ResponseCache"
    assert (ratings.fresh_seconds, ratings.stale_if_error_seconds) == (60, 3_600)
    assert ratings.deadline_seconds == 6
    assert rotation.signing_key_secret_id == "SigningKey"
    assert rotation.token_life_seconds == STAGES[stage].token_life_days * 86_400


@pytest.mark.parametrize("package", PACKAGES)
def test_each_function_runs_on_arm64_untraced_and_with_text_logs(
    services: Mapping[str, Resources], package: str
) -> None:
    functions = [service.function(package)[1] for service in services.values()]

    for function in functions:
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
        off = {"ReservedConcurrentExecutions", "SnapStart", "TracingConfig"}
        assert not off & function.keys()
        assert function["LoggingConfig"]["LogFormat"] == "Text"
    # Every stage deploys the same bundle.
    assert len({function["Code"]["S3Key"] for function in functions}) == 1


def test_a_stage_has_no_optional_feature_by_default(service: Resources) -> None:
    assert (
        not {
            "AWS::ApiGateway::ApiKey",
            "AWS::ApiGateway::Authorizer",
            "AWS::ApiGateway::DomainName",
            "AWS::ApiGateway::UsagePlan",
            "AWS::Budgets::Budget",
            "AWS::SNS::Subscription",
        }
        & service.types()
    )
    assert "ProvisionedConcurrencyConfig" not in service.properties("AWS::Lambda::Alias")


def test_a_stage_can_reserve_and_provision_concurrency_for_the_ratings_function(
    full: Resources,
) -> None:
    assert full.function("ratings")[1]["ReservedConcurrentExecutions"] == 50
    assert "ReservedConcurrentExecutions" not in full.function("token_rotation")[1]
    assert full.properties("AWS::Lambda::Alias")["ProvisionedConcurrencyConfig"] == {
        "ProvisionedConcurrentExecutions": 5
    }


def test_a_stage_can_start_the_ratings_function_from_a_snapshot() -> None:
    service = Resources.of_stage(replace(STAGES["dev"], snap_start=True))

    assert service.function("ratings")[1]["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert "SnapStart" not in service.function("token_rotation")[1]


def test_the_outputs_are_complete_and_stateful_resources_keep_their_ids(
    service: Resources, stage: str
) -> None:
    outputs = service.outputs()
    topics = {each: {"Ref": each} for each in service.of_type("AWS::SNS::Topic")}
    pages, tickets = (
        next(each for id_, each in topics.items() if id_.startswith(f"Monitoring{name}"))
        for name in ("Alarms", "Tickets")
    )

    url = outputs.pop("ApiUrl")["Fn::Join"][1]
    assert url[:2] == ["https://", {"Ref": service.only("AWS::ApiGateway::RestApi")[0]}]
    assert url[-1] == f"/{stage}"
    assert outputs == {
        "DeveloperTokenSecret": {"Ref": "DeveloperToken"},
        "SigningKeySecret": {"Ref": "SigningKey"},
        "RatingsFunction": {"Ref": service.function("ratings")[0]},
        "RotationFunction": {"Ref": service.function("token_rotation")[0]},
        "AlarmTopic": pages,
        "TicketTopic": tickets,
        "Dashboard": {"Ref": service.only("AWS::CloudWatch::Dashboard")[0]},
        "CacheTable": {"Ref": "ResponseCache"},
        "FunctionLogGroup": {"Ref": service.log_group("ratings")},
    }
