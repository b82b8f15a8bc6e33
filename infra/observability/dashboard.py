"""The dashboard: user experience, then its causes, then cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from functions.ratings.metrics import Metric
from functions.sign_in.metrics import Metric as SignInMetric
from infra.observability.metrics import MINUTE, AccessMetric

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from constructs import Construct

    from infra.observability.metrics import ServiceMetrics

OUTCOMES: Final = (Metric.SUCCEEDED, Metric.INVALID, Metric.REJECTED, Metric.FAILED)
READS: Final = (Metric.CACHE_HIT, Metric.CACHE_MISS, Metric.CACHE_STALE, Metric.CACHE_BYPASS)
APPLE_FAILURES: Final = (
    Metric.UPSTREAM_UNREACHABLE,
    Metric.UPSTREAM_TIMEOUT,
    Metric.UPSTREAM_UNAVAILABLE,
    Metric.UPSTREAM_RATE_LIMITED,
    Metric.UPSTREAM_INVALID_RESPONSE,
    Metric.UPSTREAM_TLS_FAILED,
    Metric.UPSTREAM_NOT_CALLED,
)
CACHE_FAILURES: Final = (
    Metric.CACHE_READ_FAILED,
    Metric.CACHE_STORE_FAILED,
    Metric.CACHE_INVALIDATION_FAILED,
    Metric.CACHE_ITEM_INVALID,
    Metric.CACHE_BYPASS_STARTED,
)
APPLE_STATES: Final = (
    Metric.BREAKER_OPENED,
    Metric.BREAKER_CLOSED,
    Metric.STALE_ONLY_STARTED,
    Metric.COOL_OFF_STARTED,
)
TOKEN_FAILURES: Final = (
    Metric.DEVELOPER_TOKEN_UNAVAILABLE,
    Metric.DEVELOPER_TOKEN_READ_FAILED,
    Metric.DEVELOPER_TOKEN_REJECTED,
)
CALL_EVENTS: Final = (Metric.UPSTREAM_RETRIED, *APPLE_STATES)
CACHE_OPERATIONS: Final = ("BatchGetItem", "PutItem", "UpdateItem", "BatchWriteItem")

_COLUMNS: Final = 24
_WIDTH: Final = 8
_HEIGHT: Final = 6
_MB_IN_GB: Final = 1024
_P50, _P95, _P99 = (cloudwatch.Stats.percentile(rank) for rank in (50, 95, 99))
_PERCENT: Final = cloudwatch.YAxisProps(min=0, max=100, label="%", show_units=False)
_FROM_ZERO: Final = cloudwatch.YAxisProps(min=0, show_units=False)
_MILLISECONDS: Final = cloudwatch.YAxisProps(min=0, label="ms", show_units=False)


def add_dashboard(
    scope: Construct,
    metrics: ServiceMetrics,
    *,
    alarms: Sequence[cloudwatch.IAlarm],
    memory_mb: int,
) -> cloudwatch.Dashboard:
    """Add the dashboard to `scope`; `memory_mb` is the memory of the ratings function."""
    dashboard = cloudwatch.Dashboard(scope, "Dashboard", default_interval=Duration.hours(3))
    dashboard.add_widgets(
        cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=_COLUMNS, height=4)
    )
    for title, widgets in (
        ("User experience", _experience(metrics)),
        ("Causes: Apple Music", _apple(metrics)),
        ("Causes: cache and developer token", _cache_and_token(metrics)),
        ("Causes: API Gateway and Lambda", _gateway_and_lambda(metrics)),
        ("Cost", _costs(metrics, memory_mb)),
    ):
        dashboard.add_widgets(
            cloudwatch.TextWidget(markdown=f"## {title}", width=_COLUMNS, height=1)
        )
        for first in range(0, len(widgets), _COLUMNS // _WIDTH):
            dashboard.add_widgets(*widgets[first : first + _COLUMNS // _WIDTH])
    return dashboard


def _experience(metrics: ServiceMetrics) -> list[cloudwatch.IWidget]:
    availability = cloudwatch.MathExpression(
        expression="100 * (1 - FILL(failed, 0) / valid)",
        using_metrics={
            "failed": metrics.access(AccessMetric.FAILED),
            "valid": metrics.access(AccessMetric.VALID),
        },
        period=MINUTE,
        label="% of valid requests that did not fail",
    )
    fast = metrics.fast_percentage().with_(label="% of all responses within 2 s")
    slow_hits = cloudwatch.MathExpression(
        expression="100 * FILL(slow, 0) / hits",
        using_metrics={
            "slow": metrics.custom(Metric.CACHE_HIT_SLOW),
            "hits": metrics.custom(Metric.CACHE_HIT),
        },
        period=MINUTE,
        label="% of hits over 0.1 s",
    )
    return [
        _graph("Objectives", [availability, fast], axis=_PERCENT),
        _graph(
            "Latency",
            [metrics.gateway("Latency", percentile) for percentile in (_P50, _P95, _P99)],
            axis=_MILLISECONDS,
        ),
        _graph("Requests by outcome", _counts(metrics, OUTCOMES), stacked=True),
        _graph("Stale share of reads", [_share(metrics, Metric.CACHE_STALE)], axis=_PERCENT),
        _graph("Reads by cache result", _counts(metrics, READS), stacked=True),
        _graph("Hit share of reads", [_share(metrics, Metric.CACHE_HIT)], axis=_PERCENT),
        _graph("Slow share of hits", [slow_hits], axis=_PERCENT),
    ]


def _apple(metrics: ServiceMetrics) -> list[cloudwatch.IWidget]:
    retries = _counts(metrics, CALL_EVENTS)
    latency = [
        metrics.custom(Metric.UPSTREAM_LATENCY, percentile) for percentile in (_P50, _P95, _P99)
    ]
    return [
        _graph("Apple: latency", latency, axis=_MILLISECONDS),
        _graph("Apple: calls, retries, breaker", [_apple_calls(metrics), *retries]),
        _graph("Apple: failures by type", _counts(metrics, APPLE_FAILURES), stacked=True),
    ]


def _cache_and_token(metrics: ServiceMetrics) -> list[cloudwatch.IWidget]:
    sign_ins = []
    if metrics.sign_in is not None:
        outcomes = [metrics.sign_ins(metric) for metric in SignInMetric]
        sign_ins.append(_graph("Sign-ins by outcome", outcomes, stacked=True))
    return [
        _graph("Cache: failures", _counts(metrics, CACHE_FAILURES), stacked=True),
        _graph(
            "DynamoDB: p99 by operation",
            [
                metrics.cache_operation("SuccessfulRequestLatency", operation, _P99)
                for operation in CACHE_OPERATIONS
            ],
            axis=_MILLISECONDS,
        ),
        _graph(
            "DynamoDB: throttles and errors",
            [
                metrics.cache_operation(name, operation, cloudwatch.Stats.SUM).with_(
                    label=f"{operation}: {name}"
                )
                for name in ("ThrottledRequests", "SystemErrors")
                for operation in CACHE_OPERATIONS
            ],
            stacked=True,
        ),
        _graph("Developer token: failures", _counts(metrics, TOKEN_FAILURES)),
        _graph("Developer token: days left", [metrics.days_left()]),
        _graph(
            "Rotation function: calls and errors",
            [metrics.rotation_function("Invocations"), metrics.rotation_function("Errors")],
        ),
        *sign_ins,
    ]


def _gateway_and_lambda(metrics: ServiceMetrics) -> list[cloudwatch.IWidget]:
    errors = [
        metrics.gateway("4XXError"),
        metrics.gateway("5XXError"),
        metrics.access(AccessMetric.THROTTLED),
    ]
    return [
        _graph("Gateway: errors and throttles", errors),
        _graph(
            "Lambda: errors and throttles",
            [metrics.function("Errors"), metrics.function("Throttles")],
        ),
        _graph(
            "Lambda: duration and integration latency",
            [
                metrics.function("Duration", _P50),
                metrics.function("Duration", _P99),
                metrics.gateway("IntegrationLatency", _P99),
            ],
            axis=_MILLISECONDS,
        ),
        _graph(
            "Lambda: concurrent executions",
            [metrics.function("ConcurrentExecutions", cloudwatch.Stats.MAXIMUM)],
        ),
        _graph("Alarm notifications not delivered", metrics.failed_notifications()),
    ]


def _costs(metrics: ServiceMetrics, memory_mb: int) -> list[cloudwatch.IWidget]:
    gb_seconds = cloudwatch.MathExpression(
        expression=f"duration / 1000 * {memory_mb / _MB_IN_GB:g}",
        using_metrics={"duration": metrics.function("Duration")},
        period=MINUTE,
        label="GB-seconds",
    )
    calls_per_request = cloudwatch.MathExpression(
        expression="FILL(calls, 0) / requests",
        using_metrics={"calls": _apple_calls(metrics), "requests": metrics.gateway("Count")},
        period=MINUTE,
        label="calls to Apple per request",
    )
    units = ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits")
    return [
        _graph(
            "Requests and invocations", [metrics.gateway("Count"), metrics.function("Invocations")]
        ),
        _graph("Lambda: GB-seconds", [gb_seconds]),
        _graph("DynamoDB: consumed units", [metrics.cache_table(name) for name in units]),
        _graph("Apple: calls per request", [calls_per_request]),
        _graph("Logs: ingested bytes", metrics.log_bytes(), stacked=True),
    ]


def _graph(
    title: str,
    metrics: Sequence[cloudwatch.IMetric],
    *,
    axis: cloudwatch.YAxisProps = _FROM_ZERO,
    stacked: bool = False,
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        left_y_axis=axis,
        stacked=stacked,
        width=_WIDTH,
        height=_HEIGHT,
    )


def _counts(metrics: ServiceMetrics, names: Iterable[Metric]) -> list[cloudwatch.Metric]:
    return [metrics.custom(name) for name in names]


def _apple_calls(metrics: ServiceMetrics) -> cloudwatch.Metric:
    calls = metrics.custom(Metric.UPSTREAM_LATENCY, cloudwatch.Stats.SAMPLE_COUNT)
    return calls.with_(label="calls")


def _share(metrics: ServiceMetrics, part: Metric) -> cloudwatch.MathExpression:
    # A metric without data would leave the whole expression without a value: FILL adds 0.
    ids = {read: read.name.lower() for read in READS}
    total = " + ".join(f"FILL({id_}, 0)" for id_ in ids.values())
    return cloudwatch.MathExpression(
        expression=f"100 * FILL({ids[part]}, 0) / ({total})",
        using_metrics={id_: metrics.custom(read) for read, id_ in ids.items()},
        period=MINUTE,
        label=f"{part.value}, % of reads",
    )
