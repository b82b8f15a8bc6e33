"""Patches MiniStack 1.5.33 within its own process where it differs from AWS.

Each function below patches one difference; delete it when MiniStack fixes this. For the stack, the
functions and `ops`, the patched MiniStack behaves as AWS documents.

Three differences are not patched, so tests here prove nothing about them: MiniStack drops a
template's TimeToLiveSpecification, derives no metrics from log lines, and writes no access log.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
    new_uuid,
    request_scope,
)
from ministack.services import apigateway_v1, lambda_svc, secretsmanager
from ministack.services.cloudformation import provisioners

Response = tuple[int, Any, Any]

_STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")
"""The steps for which a rotation calls its function, in order.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

_WITHOUT_EFFECT: Final = (
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Logs::QueryDefinition",
    "AWS::WAFv2::WebACLAssociation",
)

_OK: Final = 200
_PENDING: Final = "AWSPENDING"


def apply() -> None:
    """Apply every patch; call it once, before MiniStack serves."""
    refer_to_secrets_by_arn()
    hide_versions_without_a_value()
    rotate_with_the_function()
    accept_rotation_schedules()
    render_extended_request_ids()
    accept_alarms_on_expressions()
    accept_resources_without_effect()


def refer_to_secrets_by_arn() -> None:
    """In AWS, `Ref` of a secret is its ARN; in MiniStack its name, which matches no IAM policy.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create, update, delete = (handlers[name] for name in ("create", "update", "delete"))

    def create_by_arn(*arguments: Any) -> tuple[str, Mapping[str, str]]:
        _, attributes = create(*arguments)
        return attributes["Arn"], attributes

    def update_by_arn(arn: str, *arguments: Any, **named: Any) -> tuple[str, Mapping[str, str]]:
        _, attributes = update(_name(arn), *arguments, **named)
        return attributes["Arn"], attributes

    def delete_by_arn(arn: str, properties: Mapping[str, Any]) -> None:
        delete(_name(arn), properties)

    handlers |= {"create": create_by_arn, "update": update_by_arn, "delete": delete_by_arn}


def hide_versions_without_a_value() -> None:
    """In AWS, GetSecretValue does not find a version without a value; MiniStack returns it.

    MiniStack also ignores VersionStage if a VersionId is given. A rotation's first step needs AWS's
    behaviour in both cases.
    """
    original = secretsmanager._get_secret_value

    def get_secret_value(data: Mapping[str, Any]) -> Response:
        response: Response = original(data)
        if response[0] != _OK:
            return response
        version = json.loads(response[2])
        stage = data.get("VersionStage")
        if "SecretString" not in version or (stage and stage not in version["VersionStages"]):
            return _error("ResourceNotFoundException", "no such value")
        return response

    secretsmanager._get_secret_value = get_secret_value


def rotate_with_the_function() -> None:
    """In AWS, RotateSecret calls the function four times; MiniStack only copies the current value.

    As in AWS, the rotation continues after the call returns, and a failed step leaves its version
    pending. Unlike AWS, nothing is retried.
    """

    def rotate_secret(data: Mapping[str, Any]) -> Response:
        _, secret = secretsmanager._resolve(data["SecretId"])
        function_arn = data.get("RotationLambdaARN") or secret["RotationLambdaARN"]
        if not _may_be_invoked(function_arn):
            return _error(
                "AccessDeniedException", "Secrets Manager cannot invoke the rotation function."
            )
        pending, _ = secretsmanager._find_stage_version(secret, _PENDING)
        current, _ = secretsmanager._find_stage_version(secret, "AWSCURRENT")
        if pending not in {None, current}:
            return _error("InvalidRequestException", "A previous rotation isn't complete.")
        secretsmanager._remove_stage_everywhere(secret, _PENDING)
        version = data.get("ClientRequestToken") or new_uuid()
        secret["Versions"][version] = {
            "SecretString": None,
            "SecretBinary": None,
            "CreatedDate": int(time.time()),
            "Stages": [_PENDING],
        }
        secret["RotationEnabled"], secret["RotationLambdaARN"] = True, function_arn
        scope = (get_account_id(), get_region())
        threading.Thread(target=_rotate, args=(secret, version, *scope), daemon=True).start()
        response: Response = json_response({"ARN": secret["ARN"], "VersionId": version})
        return response

    secretsmanager._rotate_secret = rotate_secret


def accept_rotation_schedules() -> None:
    """A template may contain a rotation schedule; MiniStack lacks that resource.

    Nothing rotates on schedule here: no run lasts as long as the interval.
    """

    def create(_: str, properties: Mapping[str, Any], _stack: str) -> tuple[str, dict[str, str]]:
        arn = properties["SecretId"]
        _set_rotation(arn, properties["RotationLambdaARN"], properties["RotationRules"])
        return arn, {"Id": arn}

    provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::RotationSchedule"] = {
        "create": create,
        "update": lambda arn, _old, new, _stack: create("", {**new, "SecretId": arn}, ""),
        "delete": lambda arn, _properties: _set_rotation(arn, None, None),
    }


def render_extended_request_ids() -> None:
    """A gateway response may use `context.extendedRequestId`; MiniStack has only `requestId`."""
    name = "context.extendedRequestId"
    original_value: Callable[[str, Mapping[str, Any]], Any] = apigateway_v1._gateway_request_value
    original_error: Callable[[Any, Mapping[str, Any]], Response] = (
        apigateway_v1._gateway_error_response
    )

    def value(source: str, request: Mapping[str, Any]) -> Any:
        return request["request_id"] if source == name else original_value(source, request)

    def error_response(error: Any, request: Mapping[str, Any]) -> Response:
        status, headers, body = original_error(error, request)
        return status, headers, body.replace(f"${name}".encode(), request["request_id"].encode())

    apigateway_v1._gateway_request_value = value
    apigateway_v1._gateway_error_response = error_response


def accept_alarms_on_expressions() -> None:
    """In AWS, an alarm may watch an expression; here it watches the expression's first metric.

    Such an alarm never fires here, because MiniStack reads no metrics from logs.
    """
    original: Callable[[str, Mapping[str, Any]], Any] = provisioners._cw_metric_alarm_record

    def record(name: str, properties: Mapping[str, Any]) -> Any:
        for query in properties.get("Metrics", ()):
            if stat := query.get("MetricStat"):
                single = {**stat["Metric"], "Period": stat["Period"], "Metrics": None}
                return original(name, {**properties, **single})
        return original(name, properties)

    provisioners._cw_metric_alarm_record = record


def accept_resources_without_effect() -> None:
    """A template may have resources of these types, which MiniStack lacks. They do nothing here.

    An alias moves at once, like an alias in AWS without CodeDeploy. The web ACL blocks no request.
    """

    def create(*_: Any) -> tuple[str, dict[str, str]]:
        return update(new_uuid())

    def update(id_: str, *_: Any, **_named: Any) -> tuple[str, dict[str, str]]:
        return id_, {"Arn": id_, "QueryDefinitionId": id_}

    for type_ in _WITHOUT_EFFECT:
        provisioners._RESOURCE_HANDLERS[type_] = {
            "create": create,
            "update": update,
            "delete": lambda *_: None,
        }


def _rotate(secret: dict[str, Any], version: str, account: str, region: str) -> None:
    with request_scope(account, region):
        record, config, _ = lambda_svc._get_func_record_for_ref(secret["RotationLambdaARN"])
        if record is None or config is None:
            return
        function = lambda_svc._execution_record_for_config(record, config)
        for step in _STEPS:
            event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": version}
            if lambda_svc._execute_function_with_config_scope(function, event).get("error"):
                return  # the function's log says why


def _may_be_invoked(function_arn: str) -> bool:
    policy: tuple[Mapping[str, Any], str] | None = lambda_svc.function_policy_for_arn(function_arn)
    return policy is not None and any(
        statement["Principal"] == {"Service": "secretsmanager.amazonaws.com"}
        for statement in policy[0].get("Statement", ())
    )


def _set_rotation(secret_arn: str, function_arn: str | None, rules: Any) -> None:
    _, secret = secretsmanager._resolve(secret_arn)
    if secret is not None:
        secret["RotationEnabled"] = function_arn is not None
        secret["RotationLambdaARN"], secret["RotationRules"] = function_arn, rules


def _name(secret_arn: str) -> str:
    name, _ = secretsmanager._resolve(secret_arn)
    return name or secret_arn


def _error(code: str, message: str) -> Response:
    response: Response = error_response_json(code, message, 400)
    return response
