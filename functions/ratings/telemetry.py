"""Writes one log line per request to CloudWatch; the line includes the request's metrics."""

from __future__ import annotations

import json
import sys
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.metrics import EphemeralMetrics

from functions.ratings.api.gateway import ApiRequest, Response
from functions.ratings.cache.status import BYPASS, CacheStatus
from functions.ratings.errors import AppleRejectedError, NotRatedError
from functions.ratings.metrics import Metric
from functions.shared.metrics import FUNCTION_DIMENSION, NAMESPACE, VERSION_DIMENSION

SLOW_HIT_SECONDS: Final = 0.1
"""Ten times as long as a hit normally takes."""


class Telemetry:
    """Collects one request's metrics and warnings, and writes them in embedded metric format.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """

    def __init__(self) -> None:
        # Powertools reads the service's name from POWERTOOLS_SERVICE_NAME.
        self._metrics = EphemeralMetrics(namespace=NAMESPACE)
        self._warnings: list[str] = []

    def count(self, metric: Metric, *, times: int = 1, reason: str = "") -> None:
        """Add `times` as one value: at 100 values of a metric, Powertools writes an extra line."""
        self._metrics.add_metric(name=metric.value, unit=metric.unit, value=times)
        if reason:
            self._warnings.append(f"{metric.value}: {reason}")

    def measure(self, metric: Metric, milliseconds: float) -> None:
        """Add one measurement."""
        self._metrics.add_metric(name=metric.value, unit=metric.unit, value=round(milliseconds, 1))

    def write(
        self,
        request: ApiRequest,
        response: Response,
        seconds: float,
        *,
        function_name: str,
        function_version: str,
        function_request_id: str,
    ) -> None:
        """Write the line of this request, without personal data, and reset the collection."""
        self.count(outcome_metric(response))
        if response.cache_status is not None:
            self._count_read(cache_metric(response.cache_status), seconds)
        for name, value in self._fields(request, response, seconds, function_request_id).items():
            self._metrics.add_metadata(key=name, value=value)
        self._metrics.add_dimension(name=FUNCTION_DIMENSION, value=function_name)
        line: dict[str, Any] = dict(self._metrics.serialize_metric_set())
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _count_for_version(line, function_version)
        self._metrics.clear_metrics()
        self._warnings.clear()
        # Not `flush_metrics`: an environment variable can disable it, and then the metrics of one
        # request end up in the next line. One `write`, because other writers share the log.
        sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")

    def _count_read(self, metric: Metric, seconds: float) -> None:
        self.count(metric)
        if metric is Metric.CACHE_HIT and seconds > SLOW_HIT_SECONDS:
            self.count(Metric.CACHE_HIT_SLOW)

    def _fields(
        self, request: ApiRequest, response: Response, seconds: float, function_request_id: str
    ) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "level": self._level(response),
            "message": request.resource,
            "request_id": request.request_id,
            "function_request_id": function_request_id,
            "method": request.method,
            "status": response.status,
            "duration_ms": round(seconds * 1000, 1),
        }
        if response.cache_status is not None:
            fields["cache_status"] = str(response.cache_status)
        if response.error is not None:
            fields["error"] = type(response.error).__name__
            fields["reason"] = str(response.error)
        if self._warnings:
            fields["warnings"] = self._warnings.copy()
        return fields

    def _level(self, response: Response) -> str:
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return "ERROR"
        return "WARNING" if self._warnings else "INFO"


def _count_for_version(line: dict[str, Any], version: str) -> None:
    # One metric only: CloudWatch bills each metric again for each set of dimensions.
    metric = Metric.VERSION_FAILED
    directives = line["_aws"]["CloudWatchMetrics"]
    directives.append(
        {
            "Namespace": NAMESPACE,
            "Dimensions": [[*directives[0]["Dimensions"][0], VERSION_DIMENSION]],
            "Metrics": [{"Name": metric.value, "Unit": metric.unit}],
        }
    )
    line |= {VERSION_DIMENSION: version, metric.value: [1.0]}


def outcome_metric(response: Response) -> Metric:
    """The metric of a request's outcome."""
    error, status = response.error, response.status
    if error is None or isinstance(error, NotRatedError):
        return Metric.SUCCEEDED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return Metric.FAILED
    return Metric.REJECTED if isinstance(error, AppleRejectedError) else Metric.INVALID


def cache_metric(status: CacheStatus) -> Metric:
    """The metric of how the cache handled a read."""
    if status.is_stale:
        return Metric.CACHE_STALE
    if status.fwd is None:
        return Metric.CACHE_HIT
    return Metric.CACHE_BYPASS if status == BYPASS else Metric.CACHE_MISS
