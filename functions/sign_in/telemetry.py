"""Writes one log line per request to CloudWatch; the line includes the request's metric."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from functions.shared.metrics import FUNCTION_DIMENSION, NAMESPACE
from functions.sign_in.api import Response
from functions.sign_in.errors import SignInError
from functions.sign_in.metrics import Metric
from functions.sign_in.settings import PATH


def write_line(
    response: Response, seconds: float, *, function_name: str, function_request_id: str
) -> None:
    """Write the log line of one request, without its token and its origin."""
    result, metric = response.result, Metric.SUCCEEDED
    fields: dict[str, Any] = {
        "level": "INFO",
        "message": PATH,
        "request_id": response.request_id,
        "function_request_id": function_request_id,
        "status": response.status,
        "duration_ms": round(seconds * 1000, 1),
    }
    if isinstance(result, SignInError):
        fields |= {"error": type(result).__name__, "reason": str(result)}
        metric = Metric.REJECTED
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            fields["level"], metric = "ERROR", Metric.FAILED
    else:
        fields["signed"] = result.is_new
        if result.key_error:
            fields |= {"level": "WARNING", "reason": result.key_error}
    with single_metric(
        name=metric.value, unit=MetricUnit.Count, value=1, namespace=NAMESPACE
    ) as line:
        line.add_dimension(name=FUNCTION_DIMENSION, value=function_name)
        for name, value in fields.items():
            line.add_metadata(key=name, value=value)
