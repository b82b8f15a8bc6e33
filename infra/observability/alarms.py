"""Creates alarms and pages from their ids and rules.

A page is a composite alarm over other alarms: users are affected now. A ticket can wait for the
next working day. Percentages need a minimum count: one failure among few requests is a large
percentage.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

WAIT: Final = Duration.minutes(2)
"""How long a page waits for its suppressor, because alarms fire at different times."""

EXTENSION: Final = Duration.minutes(10)
"""How long a page stays suppressed after its suppressor has ended."""


@unique
class AlarmId(Enum):
    """The construct id of each alarm on metrics."""

    FAILURES_1_HOUR = "Failures1Hour"
    FAILURES_5_MINUTES = "Failures5Minutes"
    FAILURES_6_HOURS = "Failures6Hours"
    FAILURES_30_MINUTES = "Failures30Minutes"
    LATENCY_1_HOUR = "Latency1Hour"
    LATENCY_5_MINUTES = "Latency5Minutes"
    GATEWAY_THROTTLES = "GatewayThrottles"
    REJECTIONS = "Rejections"
    FAILURE_BUDGET = "FailureBudget"
    LATENCY_BUDGET = "LatencyBudget"
    SLOW_HITS = "SlowHits"
    STALE_ANSWERS = "StaleAnswers"
    APPLE_THROTTLES = "AppleThrottles"
    FUNCTION_THROTTLES = "FunctionThrottles"
    CACHE_READS = "CacheReads"
    CACHE_STORES = "CacheStores"
    CACHE_INVALIDATIONS = "CacheInvalidations"
    NO_DEVELOPER_TOKEN = "NoDeveloperToken"  # noqa: S105  # nosec B105  # an alarm's name
    SIGN_IN = "SignIn"
    ROTATION_ERRORS = "TokenRotationErrors"
    DAYS_LEFT = "DeveloperTokenDaysLeft"
    NO_REPORT = "DeveloperTokenReport"
    CANARY_FAILURES = "CanaryFailures"
    CANARY_LATENCY = "CanaryLatency"


@unique
class PageId(Enum):
    """The construct id of each page; a page can suppress only later pages."""

    FAILURES = "FailuresPage"
    LATENCY = "LatencyPage"
    GATEWAY_THROTTLES = "GatewayThrottlesPage"
    REJECTIONS = "RejectionsPage"


CANARY: Final = (AlarmId.CANARY_FAILURES, AlarmId.CANARY_LATENCY)
"""The alarms that roll back a release. They do not notify: the deployment fails."""

PARTS: Final = frozenset(
    {
        AlarmId.FAILURES_1_HOUR,
        AlarmId.FAILURES_5_MINUTES,
        AlarmId.FAILURES_6_HOURS,
        AlarmId.FAILURES_30_MINUTES,
        AlarmId.LATENCY_1_HOUR,
        AlarmId.LATENCY_5_MINUTES,
        AlarmId.GATEWAY_THROTTLES,
        AlarmId.REJECTIONS,
    }
)
"""The alarms that are only inputs of pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """Fires when `datapoints` of the last `periods` values breach the threshold.

    `description` starts with what users see. `runbook` is the anchor of the alarm's section in
    docs/runbook.md.
    """

    description: str
    runbook: str
    metric: cloudwatch.IMetric
    threshold: float
    periods: int = 3
    datapoints: int = 2
    comparison: cloudwatch.ComparisonOperator = (
        cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
    )
    missing_data: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRule:
    """Fires while `condition` is true, unless the page `suppressor` fires."""

    description: str
    runbook: str
    condition: cloudwatch.IAlarmRule
    suppressor: PageId | None = None


def share(
    counted: cloudwatch.Metric, requests: cloudwatch.Metric, *, minimum: int
) -> cloudwatch.MathExpression:
    """Return `counted` as a percentage of `requests`, or 0 if `counted` is less than `minimum`.

    Without FILL, a metric without data would leave the expression without a value, and CloudWatch
    would evaluate older values instead.
    """
    return cloudwatch.MathExpression(
        expression=f"IF(FILL(counted, 0) >= {minimum}, 100 * FILL(counted, 0) / requests, 0)",
        using_metrics={"counted": counted, "requests": requests},
        period=counted.period,
        label=f"% of requests; 0 if fewer than {minimum} match",
    )


def slow_share(
    fast: cloudwatch.Metric, requests: cloudwatch.Metric, *, minimum: int
) -> cloudwatch.MathExpression:
    """Return the percentage of slow requests, or 0 if fewer than `minimum` requests are slow.

    `fast` is a percentile rank; in CloudWatch, a duration equal to its bound counts as fast.
    """
    return cloudwatch.MathExpression(
        expression=f"IF(requests * (100 - fast) >= {100 * minimum}, 100 - fast, 0)",
        using_metrics={"fast": fast, "requests": requests},
        period=fast.period,
        label=f"% slow requests; 0 if fewer than {minimum} are slow",
    )


def add_alarm(
    scope: Construct, id_: AlarmId, rule: AlarmRule, *, runbook_url: str
) -> cloudwatch.Alarm:
    """Add an alarm without an action to `scope`."""
    return cloudwatch.Alarm(
        scope,
        id_.value,
        alarm_description=f"{rule.description}. {runbook_url}#{rule.runbook}",
        metric=rule.metric,
        comparison_operator=rule.comparison,
        threshold=rule.threshold,
        evaluation_periods=rule.periods,
        datapoints_to_alarm=rule.datapoints,
        treat_missing_data=rule.missing_data,
    )


def add_pages(
    scope: Construct, rules: Mapping[PageId, PageRule], *, runbook_url: str
) -> dict[PageId, cloudwatch.CompositeAlarm]:
    """Add the pages to `scope`, without actions, each after its suppressor."""
    pages: dict[PageId, cloudwatch.CompositeAlarm] = {}
    for id_ in PageId:
        rule = rules[id_]
        suppressor = pages[rule.suppressor] if rule.suppressor else None
        pages[id_] = cloudwatch.CompositeAlarm(
            scope,
            id_.value,
            alarm_description=f"{rule.description}. {runbook_url}#{rule.runbook}",
            alarm_rule=rule.condition,
            actions_suppressor=suppressor,
            actions_suppressor_wait_period=WAIT if suppressor else None,
            actions_suppressor_extension_period=EXTENSION if suppressor else None,
        )
    return pages
