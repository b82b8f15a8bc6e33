from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.gateway_errors import GATEWAY_ERRORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.infra.resources import Resources

REQUEST_ID = "$context.extendedRequestId"


def _path(service: Resources, resource_id: str) -> str:
    properties = service.of_type("AWS::ApiGateway::Resource")[resource_id]["Properties"]
    parent = properties["ParentId"].get("Ref")
    return f"{_path(service, parent) if parent else ''}/{properties['PathPart']}"


def _methods(service: Resources) -> dict[str, dict[str, Any]]:
    methods = service.of_type("AWS::ApiGateway::Method").values()
    return {
        _path(service, each["Properties"]["ResourceId"]["Ref"]): each["Properties"]
        for each in methods
    }


def test_the_two_routes_take_any_method_and_hand_it_to_the_function(service: Resources) -> None:
    methods = _methods(service)

    assert set(methods) == {"/v1/me/ratings/{type}", "/v1/me/ratings/{type}/{id}"}
    for method in methods.values():
        assert method["HttpMethod"] == "ANY"
        assert method["AuthorizationType"] == "NONE"
        assert method["Integration"]["Type"] == "AWS_PROXY"
        # Its alias, which says which version answers.
        assert {"Ref": service.only("AWS::Lambda::Alias")[0]} in method["Integration"]["Uri"][
            "Fn::Join"
        ][1]
        assert method["Integration"]["IntegrationHttpMethod"] == "POST"


def test_the_api_is_regional_and_takes_text_alone(service: Resources, stage: str) -> None:
    api = service.properties("AWS::ApiGateway::RestApi")

    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert api["Name"] == f"apple-music-ratings-{stage}"
    assert "BinaryMediaTypes" not in api
    assert "DisableExecuteApiEndpoint" not in api


def test_only_this_api_may_invoke_the_function_and_only_from_its_stage(
    service: Resources, stage: str
) -> None:
    api_id = service.only("AWS::ApiGateway::RestApi")[0]
    function_id, _ = service.function("ratings")
    function = {"Fn::GetAtt": [function_id, "Arn"]}
    alias = {"Ref": service.only("AWS::Lambda::Alias")[0]}
    permissions = [
        each["Properties"]
        for each in service.of_type("AWS::Lambda::Permission").values()
        if each["Properties"]["FunctionName"] in (function, alias)
    ]

    # Not the function itself, which is whatever was deployed last.
    assert all(each["FunctionName"] == alias for each in permissions)
    assert {each["Principal"] for each in permissions} == {"apigateway.amazonaws.com"}
    deployed = service.only("AWS::ApiGateway::Stage")[0]
    tails = set()
    for permission in permissions:
        _, parts = permission["SourceArn"]["Fn::Join"]
        assert {"Ref": api_id} in parts
        assert parts[-2] == {"Ref": deployed}
        tails.add(parts[-1])
    assert tails == {"/*/v1/me/ratings/*", "/*/v1/me/ratings/*/*"}
    assert len(permissions) == 2
    assert "test-invoke-stage" not in json.dumps(permissions)


@pytest.mark.parametrize(("name", "rate", "burst"), [("dev", 10, 20), ("prod", 100, 200)])
def test_the_stage_throttles_counts_and_neither_caches_nor_traces(
    services: Mapping[str, Resources], name: str, rate: int, burst: int
) -> None:
    stage = services[name].properties("AWS::ApiGateway::Stage")

    assert stage["MethodSettings"] == [
        {
            "HttpMethod": "*",
            "ResourcePath": "/*",
            "ThrottlingRateLimit": rate,
            "ThrottlingBurstLimit": burst,
            "MetricsEnabled": True,
            "CachingEnabled": False,
            "DataTraceEnabled": False,
            "LoggingLevel": "OFF",
        }
    ]
    assert "CacheClusterEnabled" not in stage
    assert "TracingEnabled" not in stage


def test_the_access_log_is_json_of_nothing_that_a_client_wrote(service: Resources) -> None:
    log_format = service.properties("AWS::ApiGateway::Stage")["AccessLogSetting"]["Format"]

    # A new field belongs here only if no header, token, path, query, address, or message of API
    # Gateway's (which may quote a header) can come out in it.
    assert set(json.loads(log_format).values()) == {
        "$context.extendedRequestId",
        "$context.integration.requestId",
        "$context.requestTime",
        "$context.httpMethod",
        "$context.resourcePath",
        "$context.protocol",
        "$context.status",
        "$context.error.responseType",
        "$context.integration.status",
        "$context.integration.latency",
        "$context.responseLatency",
        "$context.responseLength",
    }
    assert log_format.count("$") == len(json.loads(log_format))


def test_the_access_log_goes_to_a_log_group_of_the_stack(service: Resources) -> None:
    destination = service.properties("AWS::ApiGateway::Stage")["AccessLogSetting"]["DestinationArn"]
    functions = service.of_type("AWS::Lambda::Function").values()
    function_logs = {each["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] for each in functions}

    (access_log,) = set(service.of_type("AWS::Logs::LogGroup")) - function_logs
    assert access_log in json.dumps(destination)


def test_every_error_of_the_gateway_is_apples_errors_object(service: Resources) -> None:
    responses = [
        each["Properties"] for each in service.of_type("AWS::ApiGateway::GatewayResponse").values()
    ]

    assert {each["ResponseType"] for each in responses} == set(GATEWAY_ERRORS)
    assert len(responses) == len(GATEWAY_ERRORS)
    for response in responses:
        ((media_type, template),) = response["ResponseTemplates"].items()
        assert media_type == "application/json"
        assert template.count("$") == 1
        ((error),) = json.loads(template)["errors"]
        assert error.keys() == {"id", "title", "detail", "status", "code"}
        assert error["id"] == REQUEST_ID
        assert error["status"] == response["StatusCode"]
        assert error["code"].startswith(error["status"])


def test_every_error_of_the_gateway_may_not_be_stored_and_names_its_request(
    service: Resources,
) -> None:
    for each in service.of_type("AWS::ApiGateway::GatewayResponse").values():
        expected = {
            "gatewayresponse.header.Cache-Control": "'private, no-store'",
            "gatewayresponse.header.X-Request-Id": REQUEST_ID.removeprefix("$"),
        }
        if each["Properties"]["StatusCode"] == "429":
            expected["gatewayresponse.header.Retry-After"] = "'1'"
        assert each["Properties"]["ResponseParameters"] == expected


def test_no_answer_invites_a_browser_of_another_origin(service: Resources) -> None:
    assert "Access-Control" not in json.dumps(service.template)
    assert "OPTIONS" not in json.dumps(service.template)


API_KEY_TYPES = {
    "AWS::ApiGateway::ApiKey",
    "AWS::ApiGateway::UsagePlan",
    "AWS::ApiGateway::UsagePlanKey",
}


def test_no_stage_asks_for_an_api_key_until_it_is_told_to(service: Resources) -> None:
    assert not API_KEY_TYPES & service.types()
    assert not any(method.get("ApiKeyRequired") for method in _methods(service).values())


def test_with_api_keys_both_routes_demand_one_of_the_stages_plan(everything_on: Resources) -> None:
    api_id = everything_on.only("AWS::ApiGateway::RestApi")[0]
    stage_id = everything_on.only("AWS::ApiGateway::Stage")[0]
    plan_id, plan = everything_on.only("AWS::ApiGateway::UsagePlan")

    methods = _methods(everything_on)
    assert len(methods) == 2
    assert all(method["ApiKeyRequired"] is True for method in methods.values())
    assert plan["Properties"]["ApiStages"] == [
        {"ApiId": {"Ref": api_id}, "Stage": {"Ref": stage_id}, "Throttle": {}}
    ]
    on_the_plan = everything_on.of_type("AWS::ApiGateway::UsagePlanKey").values()
    assert {each["Properties"]["UsagePlanId"]["Ref"] for each in on_the_plan} == {plan_id}
    assert {each["Properties"]["KeyId"]["Ref"] for each in on_the_plan} == set(
        everything_on.of_type("AWS::ApiGateway::ApiKey")
    )
    # The header, not an authorizer's answer, and of the header's own value.
    assert "ApiKeySourceType" not in everything_on.properties("AWS::ApiGateway::RestApi")


def test_each_app_has_a_key_whose_value_no_template_holds(everything_on: Resources) -> None:
    keys = everything_on.of_type("AWS::ApiGateway::ApiKey")

    assert {key["Properties"]["Description"] for key in keys.values()} == {
        "API key of ios",
        "API key of android2",
    }
    for key in keys.values():
        assert key["Properties"]["Enabled"] is True
        assert "Value" not in key["Properties"]
        assert "Name" not in key["Properties"]
    outputs = everything_on.outputs()
    assert {outputs["ApiKeyios"]["Ref"], outputs["ApiKeyandroid2"]["Ref"]} == set(keys)


def test_a_request_without_a_valid_api_key_is_answered_as_forbidden() -> None:
    # API Gateway's type for a key that is missing, unknown, or not on the stage's plan.
    error = GATEWAY_ERRORS["INVALID_API_KEY"]

    assert (error.status, error.code) == (403, "40390")


def test_a_domain_of_ones_own_takes_tls_1_2_at_least_and_is_the_only_way_in(
    everything_on: Resources,
) -> None:
    domain_id, domain = everything_on.only("AWS::ApiGateway::DomainName")

    assert domain["Properties"]["DomainName"] == "ratings.example.com"
    assert domain["Properties"]["SecurityPolicy"] == "TLS_1_2"
    assert domain["Properties"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert domain["Properties"]["RegionalCertificateArn"].startswith("arn:aws:acm:us-east-1:")
    assert everything_on.properties("AWS::ApiGateway::RestApi")["DisableExecuteApiEndpoint"] is True
    outputs = everything_on.outputs()
    assert outputs["ApiUrl"] == "https://ratings.example.com"
    assert outputs["DomainTarget"] == {"Fn::GetAtt": [domain_id, "RegionalDomainName"]}


def test_the_domain_leads_to_the_stage_without_a_base_path(everything_on: Resources) -> None:
    # API Gateway would put one before the path that it tells the function.
    assert everything_on.properties("AWS::ApiGateway::BasePathMapping") == {
        "DomainName": {"Ref": everything_on.only("AWS::ApiGateway::DomainName")[0]},
        "RestApiId": {"Ref": everything_on.only("AWS::ApiGateway::RestApi")[0]},
        "Stage": {"Ref": everything_on.only("AWS::ApiGateway::Stage")[0]},
    }


def test_a_stage_has_no_domain_of_its_own_until_it_is_given_one(service: Resources) -> None:
    assert "AWS::ApiGateway::DomainName" not in service.types()
    assert "DomainTarget" not in service.outputs()
