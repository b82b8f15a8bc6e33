"""What MiniStack 1.5.33 does otherwise than AWS, put right within its own process.

Each gap is one function below; when MiniStack closes it, that function goes. Nothing here is known
to the stack, the functions or `ops`: they see what AWS would show them.

Left as they are, so that nothing here proves anything of them: a template's TimeToLiveSpecification
is dropped, metrics in log lines become no metrics, and a stage's access log stays empty.
"""

from __future__ import annotations

import functools
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

STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")
"""What a rotation function is called for, in this order.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

_CURRENT: Final = "AWSCURRENT"
_PENDING: Final = "AWSPENDING"
_SECRET_TYPE: Final = "AWS::SecretsManager::Secret"  # noqa: S105 - a resource's type
_SCHEDULE_TYPE: Final = "AWS::SecretsManager::RotationSchedule"


def fill() -> None:
    """Fill every gap; to be called once, before MiniStack serves."""
    refer_to_secrets_by_their_arns()
    find_no_version_without_a_value()
    rotate_by_the_function()
    take_rotation_schedules()
    give_gateway_errors_their_request_id()
    take_alarms_on_expressions()
    take_saved_queries()


def refer_to_secrets_by_their_arns() -> None:
    """`Ref` of a secret is its ARN; in MiniStack its name, for which no IAM policy allows anything.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
    """
    handlers = provisioners._RESOURCE_HANDLERS[_SECRET_TYPE]
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


def find_no_version_without_a_value() -> None:
    """GetSecretValue finds no version that holds nothing yet; MiniStack answers without a value.

    Nor does it look at VersionStage where a VersionId is given. A rotation's first step asks for
    just that.
    """
    original = secretsmanager._get_secret_value

    @functools.wraps(original)
    def get_secret_value(data: Mapping[str, Any]) -> Response:
        response: Response = original(data)
        if response[0] != 200:  # noqa: PLR2004 - HTTP's own
            return response
        answer = json.loads(response[2])
        stage = data.get("VersionStage")
        if "SecretString" not in answer or (stage and stage not in answer["VersionStages"]):
            return _error("ResourceNotFoundException", "no such value")
        return response

    secretsmanager._get_secret_value = get_secret_value


def rotate_by_the_function() -> None:
    """RotateSecret has the function take its four steps; MiniStack copies the value in use.

    As in AWS, a rotation goes on after the call that began it, and a step that fails leaves its
    version pending. Unlike AWS, nothing is tried again.
    """

    def rotate_secret(data: Mapping[str, Any]) -> Response:
        _, secret = secretsmanager._resolve(data["SecretId"])
        if secret is None:
            return _error("ResourceNotFoundException", "no such secret")
        function_arn = data.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
        if not function_arn:
            return _error("InvalidRequestException", "The secret has no rotation function.")
        if not _may_be_invoked(function_arn):
            return _error(
                "AccessDeniedException", "Secrets Manager cannot invoke the rotation function."
            )
        pending, _ = secretsmanager._find_stage_version(secret, _PENDING)
        current, _ = secretsmanager._find_stage_version(secret, _CURRENT)
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
        threading.Thread(
            target=_rotate,
            args=(secret, version, get_account_id(), get_region()),
            daemon=True,
        ).start()
        return _answer({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": version})

    describe_secret = secretsmanager._describe_secret

    def describe_with_last_rotation(data: Mapping[str, Any]) -> Response:
        response: Response = describe_secret(data)
        _, secret = secretsmanager._resolve(data["SecretId"])
        if response[0] != 200 or "LastRotatedDate" not in secret:  # noqa: PLR2004 - HTTP's own
            return response
        last = {"LastRotatedDate": secret["LastRotatedDate"]}
        return _answer(json.loads(response[2]) | last)

    secretsmanager._rotate_secret = rotate_secret
    secretsmanager._describe_secret = describe_with_last_rotation


def take_rotation_schedules() -> None:
    """A template may give a secret a rotation function; MiniStack knows no such resource.

    Nothing rotates by the schedule here: its days are longer than any run.
    """

    def create(_: str, properties: Mapping[str, Any], _stack: str) -> tuple[str, dict[str, str]]:
        arn = properties["SecretId"]
        _set_rotation(arn, properties["RotationLambdaARN"], properties["RotationRules"])
        return arn, {"Id": arn}

    def update(
        arn: str, _old: Any, properties: Mapping[str, Any], _stack: str
    ) -> tuple[str, dict[str, str]]:
        return create("", {**properties, "SecretId": arn}, "")

    def delete(arn: str, _: Mapping[str, Any]) -> None:
        _set_rotation(arn, None, None)

    provisioners._RESOURCE_HANDLERS[_SCHEDULE_TYPE] = {
        "create": create,
        "update": update,
        "delete": delete,
    }


def give_gateway_errors_their_request_id() -> None:
    """A gateway response may use `context.extendedRequestId`; MiniStack knows `requestId` alone."""
    name = "context.extendedRequestId"
    value_of: Callable[[str, Mapping[str, Any]], Any] = apigateway_v1._gateway_request_value
    render: Callable[[Any, Mapping[str, Any]], Response] = apigateway_v1._gateway_error_response

    def value(source: str, request: Mapping[str, Any]) -> Any:
        return request["request_id"] if source == name else value_of(source, request)

    def rendered(error: Any, request: Mapping[str, Any]) -> Response:
        status, headers, body = render(error, request)
        return status, headers, body.replace(f"${name}".encode(), request["request_id"].encode())

    apigateway_v1._gateway_request_value = value
    apigateway_v1._gateway_error_response = rendered


def take_alarms_on_expressions() -> None:
    """An alarm may see an expression of metrics; MiniStack's sees one, here the first of them.

    It never rings here, for log lines become no metrics.
    """
    record: Callable[[str, Mapping[str, Any]], Any] = provisioners._cw_metric_alarm_record

    def of_one_metric(name: str, properties: Mapping[str, Any]) -> Any:
        stats = (
            each["MetricStat"] for each in properties.get("Metrics", ()) if "MetricStat" in each
        )
        for stat in stats:
            one = {**stat["Metric"], "Period": stat["Period"], "Metrics": None}
            return record(name, {**properties, **one})
        return record(name, properties)

    provisioners._cw_metric_alarm_record = of_one_metric


def take_saved_queries() -> None:
    """A template may save queries of the logs; MiniStack knows no such resource."""

    def create(*_: Any) -> tuple[str, dict[str, str]]:
        id_ = new_uuid()
        return id_, {"QueryDefinitionId": id_}

    def update(id_: str, *_: Any, **_named: Any) -> tuple[str, dict[str, str]]:
        return id_, {"QueryDefinitionId": id_}

    def delete(*_: Any) -> None:
        pass

    provisioners._RESOURCE_HANDLERS["AWS::Logs::QueryDefinition"] = {
        "create": create,
        "update": update,
        "delete": delete,
    }


def _rotate(secret: dict[str, Any], version: str, account: str, region: str) -> None:
    with request_scope(account, region):
        record, config, _ = lambda_svc._get_func_record_for_ref(secret["RotationLambdaARN"])
        if record is None or config is None:
            return
        function = lambda_svc._execution_record_for_config(record, config)
        for step in STEPS:
            event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": version}
            if lambda_svc._execute_function_with_config_scope(function, event).get("error"):
                return  # the function's log says why
        if _CURRENT in secret["Versions"].get(version, {"Stages": ()})["Stages"]:
            secret["LastRotatedDate"] = int(time.time())


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


def _answer(document: Mapping[str, Any]) -> Response:
    response: Response = json_response(document)
    return response


def _error(code: str, message: str) -> Response:
    response: Response = error_response_json(code, message, 400)
    return response
