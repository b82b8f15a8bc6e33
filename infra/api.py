"""The HTTP front of the service: routes, throttles, API keys, access log, the gateway's errors."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aws_cdk import Acknowledgment, Aws, Validations
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.gateway_errors import GATEWAY_ERRORS, GatewayError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_lambda as lambda_

    from infra.settings import CustomDomain, StageSettings

RATINGS_PATH: Final = "/v1/me/ratings/{type}"

REQUEST_ID: Final = "context.extendedRequestId"
"""The request id that API Gateway makes; a client can choose `context.requestId` by a header."""

ACCESS_LOG_FIELDS: Final = {
    "requestId": REQUEST_ID,
    "functionRequestId": "context.integration.requestId",
    "requestTime": "context.requestTime",
    "httpMethod": "context.httpMethod",
    "resourcePath": "context.resourcePath",
    "protocol": "context.protocol",
    "status": "context.status",
    "errorType": "context.error.responseType",
    "integrationStatus": "context.integration.status",
    "integrationLatency": "context.integration.latency",
    "responseLatency": "context.responseLatency",
    "responseLength": "context.responseLength",
}
"""What the access log says of a request: nothing that a client wrote, and nothing of who it was.

So no path (it holds ids), no query, no header, no address, and not API Gateway's error message,
which quotes an `Authorization` header that it cannot read.
"""


class RatingsApi(Construct):
    """A regional REST API that hands every method of the two ratings routes to the function.

    It needs the account's CloudWatch role, which `infra.account` sets.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        handler: lambda_.IFunction,
        settings: StageSettings,
    ) -> None:
        super().__init__(scope, id_)
        access_log = logs.LogGroup(
            self,
            "AccessLog",
            retention=settings.log_retention,
            removal_policy=settings.removal_policy,
        )
        # Not unique, so it never blocks a deployment; metrics are found by it.
        name = f"apple-music-ratings-{settings.name}"
        api = apigateway.RestApi(
            self,
            "Rest",
            rest_api_name=name,
            description="A user's personal Apple Music ratings",
            endpoint_configuration=apigateway.EndpointConfiguration(
                types=[apigateway.EndpointType.REGIONAL]
            ),
            # With a domain of its own, nothing goes round it.
            disable_execute_api_endpoint=True if settings.domain else None,
            # It belongs to the whole account, where other APIs may rely on the one there is.
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name=settings.name,
                throttling_rate_limit=settings.throttle_rate,
                throttling_burst_limit=settings.throttle_burst,
                access_log_destination=apigateway.LogGroupLogDestination(access_log),
                access_log_format=apigateway.AccessLogFormat.custom(_access_log_line()),
                metrics_enabled=True,
                logging_level=apigateway.MethodLoggingLevel.OFF,
                data_trace_enabled=False,
                # Its key would leave out the user's token and so mix users.
                caching_enabled=False,
            ),
        )
        # RestApi's own output of the URL; the stack has one that a person can find.
        api.node.try_remove_child("Endpoint")
        ratings = api.root.resource_for_path(RATINGS_PATH)
        for resource in (ratings, ratings.add_resource("{id}")):
            resource.add_method(
                "ANY",
                apigateway.LambdaIntegration(handler, allow_test_invoke=False),
                api_key_required=bool(settings.api_keys),
            )
        for response_type, error in GATEWAY_ERRORS.items():
            _add_gateway_response(api, response_type, error)
        _acknowledge_findings(api, has_firewall=settings.firewall is not None)
        self.stage: Final[apigateway.Stage] = api.deployment_stage
        self.api_key_ids: Final[Mapping[str, str]] = MappingProxyType(
            _add_api_keys(api, settings.api_keys)
        )
        self.domain: Final = _add_domain(api, settings.domain) if settings.domain else None
        self.access_log: Final[logs.LogGroup] = access_log
        self.metric_dimensions: Final = {"ApiName": name, "Stage": settings.name}
        """Plain names: an alarm on them does not wait for the API, which waits for the release."""
        self.url: Final[str] = (
            f"https://{settings.domain.name}"
            if settings.domain
            else f"https://{api.rest_api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}"
            f"/{settings.name}"
        )


def _access_log_line() -> str:
    # Every value in quotes: API Gateway writes a bare - for what a request lacks.
    return json.dumps({name: f"${field}" for name, field in ACCESS_LOG_FIELDS.items()})


def _add_gateway_response(api: apigateway.RestApi, response_type: str, error: GatewayError) -> None:
    headers = {name: f"'{value}'" for name, value in error.headers(REQUEST_ID).items()}
    api.add_gateway_response(
        response_type,
        type=apigateway.ResponseType.of(response_type),
        status_code=str(error.status),
        response_headers={**headers, "X-Request-Id": REQUEST_ID},
        templates={"application/json": error.body(f"${REQUEST_ID}")},
    )


def _add_api_keys(api: apigateway.RestApi, names: Sequence[str]) -> dict[str, str]:
    """Make a key by each name, all on one plan; give their ids, by which their values are read."""
    if not names:
        return {}
    plan = api.add_usage_plan(
        "ApiKeys",
        description="Every app that has an API key; the stage's throttle holds for all together",
        api_stages=[apigateway.UsagePlanPerApiStage(api=api, stage=api.deployment_stage)],
    )
    ids = {}
    for name in names:
        # API Gateway makes the value, so that no template ever holds it.
        key = api.add_api_key(f"ApiKey{name}", description=f"API key of {name}")
        plan.add_api_key(key)
        ids[name] = key.key_id
    return ids


def _add_domain(api: apigateway.RestApi, domain: CustomDomain) -> apigateway.DomainName:
    name = apigateway.DomainName(
        api,
        "Domain",
        domain_name=domain.name,
        certificate=acm.Certificate.from_certificate_arn(
            api, "Certificate", domain.certificate_arn
        ),
        endpoint_type=apigateway.EndpointType.REGIONAL,
        security_policy=apigateway.SecurityPolicy.TLS_1_2,
    )
    # At the root: API Gateway would put a base path before the path that it tells the function.
    name.add_base_path_mapping(api, stage=api.deployment_stage)
    return name


def _acknowledge_findings(api: apigateway.RestApi, *, has_firewall: bool) -> None:
    """Answer cdk-nag where this API is what it warns of on purpose."""
    not_ours_to_check = (
        "The credential is the user's Music-User-Token, which Apple alone can check: the "
        "function answers with what Apple returned for that very token, and nothing else."
    )
    reasons = {
        "AwsSolutions-APIG2": "The function checks every request. A gateway error has one fixed "
        "status for each type, so the gateway could not tell a missing token (401) from a missing "
        "parameter (400).",
        "AwsSolutions-APIG4": not_ours_to_check,
        "AwsSolutions-COG4": not_ours_to_check,
        "AwsSolutions-APIG6": "API Gateway writes execution logs into a log group outside this "
        "stack that never expires, and with request headers in it at its detailed level. The "
        "access log names the type of every gateway error, and the function logs the rest.",
        "Serverless-APIGWXrayEnabled": "API Gateway's trace of a request holds its URL, and so the "
        "ids of what someone rates, and the caller's address: what the access log leaves out.",
    }
    if not has_firewall:
        reasons["AwsSolutions-APIG3"] = (
            "This stage's settings have no firewall: its throttle bounds all callers together, "
            "and a web ACL costs by the month, see decision 0030."
        )
    Validations.of(api).acknowledge(
        *(Acknowledgment(id=finding, reason=reason) for finding, reason in reasons.items())
    )
