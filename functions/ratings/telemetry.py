"""Tells CloudWatch of each request in one line, which is its log and holds its metrics."""

from __future__ import annotations

import json
import sys
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.metrics import EphemeralMetrics

from functions.ratings.api_gateway import Answer, ApiRequest
from functions.ratings.cache_status import BYPASS, CacheStatus
from functions.ratings.errors import IdentityError, NotRatedError
from functions.ratings.metrics import Metric
from functions.shared.metrics import FUNCTION_DIMENSION, NAMESPACE

_MILLISECONDS: Final = 1000


class Telemetry:
    """Gathers what one request did, and writes it in CloudWatch's embedded metric format.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """

    def __init__(self) -> None:
        """Begin with nothing gathered; the service's name is Powertools' own setting."""
        self._metrics = EphemeralMetrics(namespace=NAMESPACE)
        self._reasons: list[str] = []

    def count(self, metric: Metric, *, times: int = 1, reason: str = "") -> None:
        """Count in the line of this request.

        What is there many times is counted in one go: Powertools writes a line by itself once it
        has a hundred values of a metric.
        """
        self._metrics.add_metric(name=metric.value, unit=metric.unit, value=times)
        if reason:
            self._reasons.append(f"{metric.value}: {reason}")

    def measure(self, metric: Metric, milliseconds: float) -> None:
        """Put one measurement into the line of this request."""
        self._metrics.add_metric(name=metric.value, unit=metric.unit, value=round(milliseconds, 1))

    def write(
        self,
        request: ApiRequest,
        answer: Answer,
        seconds: float,
        *,
        function_name: str,
        function_request_id: str,
    ) -> None:
        """Write the line of this request, and begin the next; nothing personal is in it."""
        self.count(outcome_metric(answer))
        if answer.cache_status is not None:
            self.count(cache_metric(answer.cache_status))
        for name, value in self._fields(request, answer, seconds, function_request_id).items():
            self._metrics.add_metadata(key=name, value=value)
        self._metrics.add_dimension(name=FUNCTION_DIMENSION, value=function_name)
        line = self._metrics.serialize_metric_set()
        self._metrics.clear_metrics()
        self._reasons.clear()
        # Not by `flush_metrics`, which an environment variable can turn off, and then lets the
        # metrics of one request run into the next one's. In one piece, for a log of many writers.
        sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")

    def _fields(
        self, request: ApiRequest, answer: Answer, seconds: float, function_request_id: str
    ) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "level": self._level(answer),
            "message": request.resource,
            "request_id": request.request_id,
            "function_request_id": function_request_id,
            "method": request.method,
            "status": answer.status,
            "milliseconds": round(seconds * _MILLISECONDS, 1),
        }
        if answer.cache_status is not None:
            fields["cache"] = str(answer.cache_status)
        if answer.error is not None:
            fields["error"] = type(answer.error).__name__
            fields["reason"] = str(answer.error)
        if self._reasons:
            fields["noticed"] = self._reasons.copy()
        return fields

    def _level(self, answer: Answer) -> str:
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return "ERROR"
        return "WARNING" if self._reasons else "INFO"


def outcome_metric(answer: Answer) -> Metric:
    """Say how a request ended."""
    error, status = answer.error, answer.status
    if error is None or isinstance(error, NotRatedError):
        return Metric.ANSWERED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return Metric.FAILED
    return Metric.REFUSED if isinstance(error, IdentityError) else Metric.INVALID


def cache_metric(status: CacheStatus) -> Metric:
    """Say what the cache did for a read."""
    if status.is_stand_in:
        return Metric.CACHE_STALE
    if status.fwd is None:
        return Metric.CACHE_HIT
    return Metric.CACHE_BYPASS if status == BYPASS else Metric.CACHE_MISS
