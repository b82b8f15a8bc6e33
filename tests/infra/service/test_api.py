from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from functions.ratings.settings import EXPOSED_HEADERS
from infra.optional_features import CognitoAuthorizer, CustomDomain
from infra.service.gateway_errors import GATEWAY_ERRORS
from infra.stages import STAGES
from tests.infra import full_stage
from tests.infra.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTHORIZER = "AWS::ApiGateway::Authorizer"
CERTIFICATE = "AWS::CertificateManager::Certificate"
RECORD = "AWS::Route53::RecordSet"
REST_API = "AWS::ApiGateway::RestApi"
STAGE = "AWS::ApiGateway::Stage"
TLS = {
    "EndpointAccessMode": "STRICT",
    "SecurityPolicy": "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09",
}
REQUEST_ID = "$context.extendedRequestId"
SIGN_IN_PATH = "/developer-token"
PATHS = {"/v1/me/ratings/{type}", "/v1/me/ratings/{type}/{id}"}


def _path(service: Resources, resource_id: str) -> str:
    properties = service.by_id[resource_id]["Properties"]
    parent = properties["ParentId"].get("Ref")
    return f"{_path(service, parent) if parent else ''}/{properties['PathPart']}"


def _methods(service: Resources, http_method: str = "ANY") -> dict[str, dict[str, Any]]:
    methods = service.of_type("AWS::ApiGateway::Method").values()
    return {
        _path(service, each["Properties"]["ResourceId"]["Ref"]): each["Properties"]
        for each in methods
        if each["Properties"]["HttpMethod"] == http_method
    }


def test_both_routes_pass_any_method_to_the_alias_without_requiring_key_or_credential(
    service: Resources,
) -> None:
    methods = _methods(service)

    assert set(methods) == PATHS
    for method in methods.values():
        assert method["AuthorizationType"] == "NONE"
        assert not method.get("ApiKeyRequired")
        integration = method["Integration"]
        assert (integration["Type"], integration["IntegrationHttpMethod"]) == ("AWS_PROXY", "POST")
        alias = {"Ref": service.only("AWS::Lambda::Alias")[0]}
        assert alias in integration["Uri"]["Fn::Join"][1]


def test_only_this_stage_of_the_api_may_invoke_the_alias(service: Resources) -> None:
    function = {"Fn::GetAtt": [service.function("ratings")[0], "Arn"]}
    alias = {"Ref": service.only("AWS::Lambda::Alias")[0]}
    permissions = [
        each["Properties"]
        for each in service.of_type("AWS::Lambda::Permission").values()
        if each["Properties"]["FunctionName"] in (function, alias)
    ]

    # Not the unqualified function, which is the version deployed last.
    assert all(each["FunctionName"] == alias for each in permissions)
    assert {each["Principal"] for each in permissions} == {"apigateway.amazonaws.com"}
    sources = [each["SourceArn"]["Fn::Join"][1] for each in permissions]
    assert all({"Ref": service.only(REST_API)[0]} in source for source in sources)
    assert all(source[-2] == {"Ref": service.only(STAGE)[0]} for source in sources)
    assert sorted(source[-1] for source in sources) == [
        "/*/v1/me/ratings/*",
        "/*/v1/me/ratings/*/*",
    ]
    assert "test-invoke-stage" not in json.dumps(permissions)


@pytest.mark.parametrize(("name", "rate", "burst"), [("dev", 10, 20), ("prod", 100, 200)])
def test_the_stage_throttles_and_has_metrics_but_no_cache_and_no_traces(
    services: Mapping[str, Resources], name: str, rate: int, burst: int
) -> None:
    stage = services[name].properties(STAGE)

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
    assert not {"CacheClusterEnabled", "TracingEnabled"} & stage.keys()


def test_the_access_log_is_json_without_client_input(service: Resources) -> None:
    setting = service.properties(STAGE)["AccessLogSetting"]

    # Add a field only if it cannot contain a header, a token, a path, a query, an address, or an
    # error message of API Gateway, which may quote a header.
    assert set(json.loads(setting["Format"]).values()) == {
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
    assert setting["Format"].count("$") == len(json.loads(setting["Format"]))
    functions = {service.log_group(package) for package in ("ratings", "token_rotation")}
    (access_log,) = set(service.of_type("AWS::Logs::LogGroup")) - functions
    assert access_log in json.dumps(setting["DestinationArn"])


def test_every_gateway_error_is_apples_errors_object_with_a_request_id_and_no_store(
    service: Resources,
) -> None:
    responses = {
        each["Properties"]["ResponseType"]: each["Properties"]
        for each in service.of_type("AWS::ApiGateway::GatewayResponse").values()
    }

    assert set(responses) == set(GATEWAY_ERRORS)
    for type_, response in responses.items():
        error = GATEWAY_ERRORS[type_]
        ((media_type, template),) = response["ResponseTemplates"].items()
        assert media_type == "application/json"
        # No text has a character that a template substitutes or that JSON escapes.
        assert template.count("$") == 1
        assert not set("#'\\") & set(template)
        body = {
            "id": REQUEST_ID,
            "title": error.title,
            "detail": error.detail,
            "status": response["StatusCode"],
            "code": error.code,
        }
        assert json.loads(template) == {"errors": [body]}
        assert response["StatusCode"] == error.code[:3]
        headers = {
            "gatewayresponse.header.Cache-Control": "'private, no-store'",
            "gatewayresponse.header.X-Request-Id": REQUEST_ID.removeprefix("$"),
        }
        if response["StatusCode"] == "429":
            headers["gatewayresponse.header.Retry-After"] = "'1'"
        headers |= {
            "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
            "gatewayresponse.header.Access-Control-Expose-Headers": f"'{EXPOSED_HEADERS}'",
        }
        assert response["ResponseParameters"] == headers


@pytest.mark.parametrize(("stage", "paths"), [("dev", PATHS), ("full", {*PATHS, SIGN_IN_PATH})])
def test_the_gateway_itself_responds_to_preflights_without_key_or_credential(
    services: Mapping[str, Resources], full: Resources, stage: str, paths: set[str]
) -> None:
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, PUT, DELETE, OPTIONS",
        "Access-Control-Allow-Headers": "Music-User-Token, Content-Type, X-Api-Key, Authorization",
        "Access-Control-Max-Age": "7200",
    }
    names = [f"method.response.header.{name}" for name in headers]

    methods = _methods({**services, "full": full}[stage], "OPTIONS")

    assert set(methods) == paths
    for method in methods.values():
        assert {name: method[name] for name in method.keys() - {"ResourceId", "RestApiId"}} == {
            "HttpMethod": "OPTIONS",
            "AuthorizationType": "NONE",
            "Integration": {
                "Type": "MOCK",
                # API Gateway also uses this template for a request without Content-Type.
                "RequestTemplates": {"application/json": '{"statusCode":204}'},
                "PassthroughBehavior": "NEVER",
                "IntegrationResponses": [
                    {
                        "StatusCode": "204",
                        "ResponseParameters": {
                            name: f"'{value}'"
                            for name, value in zip(names, headers.values(), strict=True)
                        },
                    }
                ],
            },
            "MethodResponses": [
                {"StatusCode": "204", "ResponseParameters": dict.fromkeys(names, True)}
            ],
        }


def test_the_function_reads_the_allowed_origins_and_without_origins_cors_is_off(
    service: Resources, full: Resources
) -> None:
    none = Resources.of_stage(replace(STAGES["dev"], allowed_origins=()))

    def variable(stage: Resources) -> str:
        return str(stage.function("ratings")[1]["Environment"]["Variables"]["ALLOWED_ORIGINS"])

    origins = "https://app.example.com,capacitor://localhost"
    assert [variable(each) for each in (service, full, none)] == ["*", origins, "none"]
    assert "Access-Control" not in json.dumps(none.template)
    assert _methods(none, "OPTIONS") == {}


def test_the_api_uses_both_ip_versions_and_compression_but_no_binary_bodies(
    service: Resources,
) -> None:
    api = service.properties(REST_API)

    assert api["EndpointConfiguration"] == {"IpAddressType": "dualstack", "Types": ["REGIONAL"]}
    assert api["MinimumCompressionSize"] == 1_024
    assert TLS.items() <= api.items()
    # The mock integration of a preflight fails if all media types are binary.
    assert not {"BinaryMediaTypes", "DisableExecuteApiEndpoint"} & api.keys()


def test_with_api_keys_every_route_requires_an_apps_key_whose_value_is_in_no_template(
    full: Resources,
) -> None:
    plan_id, plan = full.only("AWS::ApiGateway::UsagePlan")
    plan_keys = [
        each["Properties"] for each in full.of_type("AWS::ApiGateway::UsagePlanKey").values()
    ]
    keys = full.of_type("AWS::ApiGateway::ApiKey")

    assert all(each["ApiKeyRequired"] for each in _methods(full).values())
    assert plan["Properties"]["ApiStages"] == [
        {
            "ApiId": {"Ref": full.only(REST_API)[0]},
            "Stage": {"Ref": full.only(STAGE)[0]},
            "Throttle": {},
        }
    ]
    assert {each["UsagePlanId"]["Ref"] for each in plan_keys} == {plan_id}
    assert {each["KeyId"]["Ref"] for each in plan_keys} == set(keys)
    assert {full.outputs()[f"ApiKey{name}"]["Ref"] for name in ("ios", "android2")} == set(keys)
    for key in keys.values():
        assert key["Properties"]["Enabled"] is True
        assert not {"Value", "Name"} & key["Properties"].keys()
    # The key is read from the x-api-key header, not from an authorizer.
    assert "ApiKeySourceType" not in full.properties(REST_API)
    assert GATEWAY_ERRORS["INVALID_API_KEY"].code == "40390"


def test_an_authorizers_function_receives_one_header_of_each_request_except_preflights(
    full: Resources,
) -> None:
    authorizer_id, authorizer = full.only(AUTHORIZER)
    function = full_stage.AUTHORIZER_ARN
    methods = full.of_type("AWS::ApiGateway::Method").values()

    for method in (each["Properties"] for each in methods):
        if method["HttpMethod"] == "OPTIONS":
            assert (method["AuthorizationType"], method.get("ApiKeyRequired")) == ("NONE", None)
        else:
            assert method["AuthorizationType"] == "CUSTOM"
            assert method["AuthorizerId"] == {"Ref": authorizer_id}
    # A function of the type REQUEST would receive the user's token, too.
    assert authorizer["Properties"]["Type"] == "TOKEN"
    assert authorizer["Properties"]["IdentitySource"] == "method.request.header.Authorization"
    assert authorizer["Properties"]["AuthorizerResultTtlInSeconds"] == 300
    (permission,) = (
        each["Properties"]
        for each in full.of_type("AWS::Lambda::Permission").values()
        if each["Properties"]["FunctionName"] == function
    )
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert {"Ref": authorizer_id} in permission["SourceArn"]["Fn::Join"][1]


@pytest.mark.parametrize("scopes", [(), ("ratings/read", "ratings/write")])
def test_the_gateway_itself_checks_the_tokens_of_a_user_pool(scopes: tuple[str, ...]) -> None:
    pool = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Ab12Cd34E"
    authorizer = CognitoAuthorizer(user_pool_arn=pool, scopes=scopes)
    service = Resources.of_stage(replace(STAGES["dev"], authorizer=authorizer))

    assert service.properties(AUTHORIZER)["Type"] == "COGNITO_USER_POOLS"
    assert service.properties(AUTHORIZER)["ProviderARNs"] == [pool]
    for method in _methods(service).values():
        assert method["AuthorizationType"] == "COGNITO_USER_POOLS"
        assert tuple(method.get("AuthorizationScopes", ())) == scopes
    assert [GATEWAY_ERRORS[name].status for name in ("UNAUTHORIZED", "ACCESS_DENIED")] == [401, 403]


def test_a_custom_domain_has_the_apis_tls_and_ip_versions_and_is_the_only_endpoint(
    full: Resources,
) -> None:
    domain_id, domain = full.only("AWS::ApiGateway::DomainName")

    assert (
        domain["Properties"].items()
        >= {
            "DomainName": "ratings.example.com",
            "EndpointConfiguration": {"IpAddressType": "dualstack", "Types": ["REGIONAL"]},
            "RegionalCertificateArn": full_stage.CERTIFICATE_ARN,
            **TLS,
        }.items()
    )
    assert full.properties(REST_API)["DisableExecuteApiEndpoint"] is True
    assert full.outputs()["ApiUrl"] == "https://ratings.example.com"
    assert full.outputs()["DomainTarget"] == {"Fn::GetAtt": [domain_id, "RegionalDomainName"]}
    # Without a base path, which API Gateway would pass on as part of the path.
    assert full.properties("AWS::ApiGateway::BasePathMapping") == {
        "DomainName": {"Ref": domain_id},
        "RestApiId": {"Ref": full.only(REST_API)[0]},
        "Stage": {"Ref": full.only(STAGE)[0]},
    }


def test_a_hosted_zone_gets_the_domains_records(full: Resources) -> None:
    domain_id, _ = full.only("AWS::ApiGateway::DomainName")
    records = [each["Properties"] for each in full.of_type(RECORD).values()]

    assert sorted(record.pop("Type") for record in records) == ["A", "AAAA"]
    for record in records:
        assert record == {
            "Name": "ratings.example.com",
            "HostedZoneId": full_stage.HOSTED_ZONE_ID,
            "AliasTarget": {
                "DNSName": {"Fn::GetAtt": [domain_id, "RegionalDomainName"]},
                "HostedZoneId": {"Fn::GetAtt": [domain_id, "RegionalHostedZoneId"]},
            },
        }
    assert CERTIFICATE not in full.types()


def test_without_a_certificate_the_stack_requests_one_and_validates_it_in_the_zone() -> None:
    domain = CustomDomain(name="ratings.example.com", hosted_zone_id=full_stage.HOSTED_ZONE_ID)
    service = Resources.of_stage(replace(STAGES["dev"], domain=domain))
    id_, certificate = service.only(CERTIFICATE)

    assert certificate["Properties"]["DomainName"] == "ratings.example.com"
    assert certificate["Properties"]["DomainValidationOptions"] == [
        {"DomainName": "ratings.example.com", "HostedZoneId": full_stage.HOSTED_ZONE_ID}
    ]
    assert certificate["Properties"]["ValidationMethod"] == "DNS"
    domain_name = service.properties("AWS::ApiGateway::DomainName")
    assert domain_name["RegionalCertificateArn"] == {"Ref": id_}


def test_without_a_hosted_zone_the_stack_adds_no_record() -> None:
    domain = CustomDomain(name="ratings.example.com", certificate_arn=full_stage.CERTIFICATE_ARN)

    assert RECORD not in Resources.of_stage(replace(STAGES["dev"], domain=domain)).types()
