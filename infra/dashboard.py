"""The dashboard: what users feel, what causes it, what it costs, from the top down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from functions.ratings.metrics import Metric
from infra.metrics import MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from constructs import Construct

    from infra.metrics import ServiceMetrics

OUTCOMES: Final = (Metric.ANSWERED, Metric.INVALID, Metric.REFUSED, Metric.FAILED)
READS: Final = (
    Metric.CACHE_HIT,
    Metric.CACHE_MISS,
    Metric.CACHE_STALE,
    Metric.CACHE_BYPASS,
)
APPLE_FAILURES: Final = (
    Metric.UPSTREAM_UNREACHABLE,
    Metric.UPSTREAM_TOO_SLOW,
    Metric.UPSTREAM_UNAVAILABLE,
    Metric.UPSTREAM_THROTTLED,
    Metric.UPSTREAM_UNUSABLE,
    Metric.UPSTREAM_UNTRUSTED,
    Metric.UPSTREAM_NOT_ASKED,
)
CACHE_FAILURES: Final = (
    Metric.CACHE_READ_FAILED,
    Metric.CACHE_STORE_FAILED,
    Metric.CACHE_INVALIDATION_FAILED,
    Metric.CACHE_ITEM_REJECTED,
)
TOKEN_FAILURES: Final = (Metric.NO_DEVELOPER_TOKEN, Metric.DEVELOPER_TOKEN_NOT_READ)
CACHE_OPERATIONS: Final = ("BatchGetItem", "PutItem", "UpdateItem", "BatchWriteItem")

_COLUMNS: Final = 24
_WIDTH: Final = 8
_HEIGHT: Final = 6
_PERCENTILES: Final = (50, 95, 99)
_MB_IN_GB: Final = 1024
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
    """Draw it; `memory_mb` is the ratings function's, by which its time is paid for."""
    dashboard = cloudwatch.Dashboard(scope, "Dashboard", default_interval=Duration.hours(3))
    dashboard.add_widgets(
        cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=_COLUMNS, height=4)
    )
    for title, widgets in (
        ("What users feel", _felt(metrics)),
        ("What causes it: Apple Music", _apple(metrics)),
        ("What causes it: the cache and the developer token", _cache_and_token(metrics)),
        ("What causes it: API Gateway and Lambda", _front(metrics)),
        ("What it costs", _costs(metrics, memory_mb)),
    ):
        dashboard.add_widgets(
            cloudwatch.TextWidget(markdown=f"## {title}", width=_COLUMNS, height=1)
        )
        for first in range(0, len(widgets), _COLUMNS // _WIDTH):
            dashboard.add_widgets(*widgets[first : first + _COLUMNS // _WIDTH])
    return dashboard


def _felt(metrics: ServiceMetrics) -> list[cloudwatch.IWidget]:
    availability = cloudwatch.MathExpression(
        expression="100 * (1 - failures / requests)",
        using_metrics={
            "failures": metrics.gateway("5XXError"),
            "requests": metrics.gateway("Count"),
        },
        period=MINUTE,
        label="not answered 5xx",
    )
    return [
        _graph("Availability", [availability], axis=_PERCENT),
        _graph(
            "Latency",
            [metrics.gateway("Latency", _percentile(each)) for each in _PERCENTILES],
            axis=_MILLISECONDS,
        ),
        _graph("Requests by outcome", _counted(metrics, OUTCOMES), stacked=True),
        _graph("Stale share of reads", [_of_reads(metrics, Metric.CACHE_STALE)], axis=_PERCENT),
        _graph("Reads by what the cache did", _counted(metrics, READS), stacked=True),
        _graph("Hit share of reads", [_of_reads(metrics, Metric.CACHE_HIT)], axis=_PERCENT),
    ]


def _apple(metrics: ServiceMetrics) -> list[cloudwatch.IWidget]:
    return [
        _graph(
            "Apple: latency of a call",
            [metrics.measured(Metric.UPSTREAM_LATENCY, _percentile(each)) for each in _PERCENTILES],
            axis=_MILLISECONDS,
        ),
        _graph(
            "Apple: calls, retries, breaker",
            [
                _apple_calls(metrics),
                *_counted(metrics, (Metric.UPSTREAM_RETRIED, Metric.BREAKER_OPENED)),
            ],
        ),
        _graph("Apple: failures by class", _counted(metrics, APPLE_FAILURES), stacked=True),
    ]


def _cache_and_token(metrics: ServiceMetrics) -> list[cloudwatch.IWidget]:
    return [
        _graph("Cache: what failed quietly", _counted(metrics, CACHE_FAILURES), stacked=True),
        _graph(
            "DynamoDB: p99 by operation",
            [
                metrics.cache_operation("SuccessfulRequestLatency", each, _percentile(99))
                for each in CACHE_OPERATIONS
            ],
            axis=_MILLISECONDS,
        ),
        _graph(
            "DynamoDB: throttled, and failing",
            [
                metrics.cache_operation(name, each, cloudwatch.Stats.SUM).with_(
                    label=f"{each}: {name}"
                )
                for name in ("ThrottledRequests", "SystemErrors")
                for each in CACHE_OPERATIONS
            ],
            stacked=True,
        ),
        _graph("Developer token: lacking, and not read", _counted(metrics, TOKEN_FAILURES)),
        _graph("Developer token: days left", [metrics.days_left()]),
        _graph(
            "Token rotation: runs and errors",
            [metrics.rotation_function("Invocations"), metrics.rotation_function("Errors")],
        ),
    ]


def _front(metrics: ServiceMetrics) -> list[cloudwatch.IWidget]:
    return [
        _graph(
            "Gateway: errors and throttle",
            [
                metrics.gateway("4XXError"),
                metrics.gateway("5XXError"),
                metrics.gateway_throttled(),
            ],
        ),
        _graph(
            "Lambda: errors and throttles",
            [metrics.function("Errors"), metrics.function("Throttles")],
        ),
        _graph(
            "Lambda: duration, and the gateway's wait",
            [
                metrics.function("Duration", _percentile(50)),
                metrics.function("Duration", _percentile(99)),
                metrics.gateway("IntegrationLatency", _percentile(99)),
            ],
            axis=_MILLISECONDS,
        ),
        _graph(
            "Lambda: environments at once",
            [metrics.function("ConcurrentExecutions", cloudwatch.Stats.MAXIMUM)],
        ),
        _graph("Alarms that did not reach a subscriber", [metrics.untold_alarms()]),
    ]


def _costs(metrics: ServiceMetrics, memory_mb: int) -> list[cloudwatch.IWidget]:
    gb_seconds = cloudwatch.MathExpression(
        expression=f"duration / 1000 * {memory_mb / _MB_IN_GB:g}",
        using_metrics={"duration": metrics.function("Duration")},
        period=MINUTE,
        label="GB-seconds",
    )
    calls_for_each = cloudwatch.MathExpression(
        expression="FILL(calls, 0) / requests",
        using_metrics={"calls": _apple_calls(metrics), "requests": metrics.gateway("Count")},
        period=MINUTE,
        label="calls to Apple for each request",
    )
    return [
        _graph(
            "Requests and invocations", [metrics.gateway("Count"), metrics.function("Invocations")]
        ),
        _graph("Lambda: GB-seconds", [gb_seconds]),
        _graph(
            "DynamoDB: consumed units",
            [
                metrics.cache_table("ConsumedReadCapacityUnits"),
                metrics.cache_table("ConsumedWriteCapacityUnits"),
            ],
        ),
        _graph("Apple's quota: calls for each request", [calls_for_each]),
        _graph("Logs: bytes taken in", list(metrics.log_bytes().values()), stacked=True),
    ]


def _graph(
    title: str,
    lines: Sequence[cloudwatch.IMetric],
    *,
    axis: cloudwatch.YAxisProps = _FROM_ZERO,
    stacked: bool = False,
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(lines),
        left_y_axis=axis,
        stacked=stacked,
        width=_WIDTH,
        height=_HEIGHT,
    )


def _counted(metrics: ServiceMetrics, names: Iterable[Metric]) -> list[cloudwatch.Metric]:
    return [metrics.counted(each) for each in names]


def _apple_calls(metrics: ServiceMetrics) -> cloudwatch.Metric:
    return metrics.measured(Metric.UPSTREAM_LATENCY, cloudwatch.Stats.SAMPLE_COUNT).with_(
        label="calls"
    )


def _of_reads(metrics: ServiceMetrics, part: Metric) -> cloudwatch.MathExpression:
    # Filled, because one kind that had nothing to count would leave the whole without a value.
    ids = {each: each.name.lower() for each in READS}
    total = " + ".join(f"FILL({id_}, 0)" for id_ in ids.values())
    return cloudwatch.MathExpression(
        expression=f"100 * FILL({ids[part]}, 0) / ({total})",
        using_metrics={id_: metrics.counted(each) for each, id_ in ids.items()},
        period=MINUTE,
        label=f"{part.value}, % of reads",
    )


def _percentile(rank: int) -> str:
    return cloudwatch.Stats.percentile(rank)
