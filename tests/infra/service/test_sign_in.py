from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from functions.sign_in.settings import Settings
from infra.optional_features import CognitoAuthorizer, SignInTokens
from infra.stages import STAGES
from tests.infra.full_stage import FULL, WEB_ORIGIN
from tests.infra.resources import Resources

POOL = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Ab12Cd34E"

if TYPE_CHECKING:
    from collections.abc import Mapping


def _method(service: Resources) -> dict[str, Any]:
    (resource,) = (
        id_
        for id_, each in service.of_type("AWS::ApiGateway::Resource").items()
        if each["Properties"]["PathPart"] == "developer-token"
    )
    (method,) = (
        each["Properties"]
        for each in service.of_type("AWS::ApiGateway::Method").values()
        if each["Properties"]["ResourceId"] == {"Ref": resource}
        and each["Properties"]["HttpMethod"] != "OPTIONS"
    )
    return dict(method)


def test_a_stage_has_no_sign_in_endpoint_by_default(service: Resources) -> None:
    text = json.dumps(service.template)

    assert "functions.sign_in" not in text
    assert '"developer-token"' not in text


def test_the_function_may_only_read_the_signing_key_and_write_its_log(full: Resources) -> None:
    role = full.function("sign_in")[1]["Role"]["Fn::GetAtt"][0]
    _, statements = full.policy(role)

    assert statements == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": {"Fn::GetAtt": [full.log_group("sign_in"), "Arn"]},
        },
        {
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": {"Ref": "SigningKey"},
        },
    ]
    assert not {"ManagedPolicyArns", "Policies"} & full.by_id[role]["Properties"].keys()


def test_only_the_functions_that_sign_may_read_the_signing_key(full: Resources) -> None:
    readers = {
        reference["Ref"]
        for each in full.of_type("AWS::IAM::Policy").values()
        if "SigningKey" in json.dumps(each["Properties"]["PolicyDocument"])
        for reference in each["Properties"]["Roles"]
    }

    assert readers == {
        full.function(package)[1]["Role"]["Fn::GetAtt"][0]
        for package in ("sign_in", "token_rotation")
    }


def test_the_function_reads_its_settings_and_has_its_own_concurrency(
    full: Resources,
) -> None:
    _, function = full.function("sign_in")
    variables = function["Environment"]["Variables"]
    key = variables.pop("SIGNING_KEY_SECRET_ID")

    assert key == {"Ref": "SigningKey"}
    assert variables.pop("POWERTOOLS_SERVICE_NAME") == "apple-music-ratings"
    settings = Settings.from_env({**variables, "SIGNING_KEY_SECRET_ID": "SigningKey"})
    assert settings.to_env() == {**variables, "SIGNING_KEY_SECRET_ID": "SigningKey"}
    assert settings.token_life_seconds == 1_800
    assert settings.allowed_origins == (WEB_ORIGIN, "http://localhost:3000")
    assert function["ReservedConcurrentExecutions"] == 5


def test_only_one_method_of_this_stage_invokes_the_function(
    full: Resources,
) -> None:
    function = {"Fn::GetAtt": [full.function("sign_in")[0], "Arn"]}
    method = _method(full)
    (permission,) = (
        each["Properties"]
        for each in full.of_type("AWS::Lambda::Permission").values()
        if each["Properties"]["FunctionName"] == function
    )

    assert (method["HttpMethod"], method["Integration"]["Type"]) == ("GET", "AWS_PROXY")
    assert function in method["Integration"]["Uri"]["Fn::Join"][1]
    assert permission["Principal"] == "apigateway.amazonaws.com"
    *_, api, _, stage, path = permission["SourceArn"]["Fn::Join"][1]
    assert api == {"Ref": full.only("AWS::ApiGateway::RestApi")[0]}
    assert stage == {"Ref": full.only("AWS::ApiGateway::Stage")[0]}
    assert path == "/GET/developer-token"


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        ({"api_keys": ("web",)}, (True, "NONE")),
        (
            {"authorizer": CognitoAuthorizer(user_pool_arn=POOL)},
            (False, "COGNITO_USER_POOLS"),
        ),
        ({"api_keys": ("web",), "authorizer": FULL.authorizer}, (True, "CUSTOM")),
    ],
    ids=["keys", "authorizer", "both"],
)
def test_a_developer_token_requires_the_same_credentials_as_a_rating(
    access: Mapping[str, Any], expected: tuple[bool, str]
) -> None:
    settings = replace(STAGES["dev"], sign_in_tokens=SignInTokens(), **access)
    method = _method(Resources.of_stage(settings))

    assert (method["ApiKeyRequired"], method["AuthorizationType"]) == expected


def test_only_the_sign_in_endpoint_has_its_own_throttle(
    full: Resources,
) -> None:
    common = {
        "MetricsEnabled": True,
        "CachingEnabled": False,
        "DataTraceEnabled": False,
        "LoggingLevel": "OFF",
    }

    assert full.properties("AWS::ApiGateway::Stage")["MethodSettings"] == [
        {
            **common,
            "HttpMethod": "*",
            "ResourcePath": "/*",
            "ThrottlingRateLimit": 100,
            "ThrottlingBurstLimit": 200,
        },
        {
            **common,
            "HttpMethod": "GET",
            "ResourcePath": "/~1developer-token",
            "ThrottlingRateLimit": 3,
            "ThrottlingBurstLimit": 6,
        },
    ]
