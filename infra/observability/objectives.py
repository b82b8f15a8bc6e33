"""The service level objectives, their burn rates, and the pages on what users see.

A burn rate of 1 uses up exactly the error budget. A long window shows that the burn matters. A
short window shows that the burn continues.

Source: https://sre.google/workbook/alerting-on-slos/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from functions.ratings.metrics import Metric
from infra.observability.alarms import AlarmId, AlarmRule, PageId, PageRule, share, slow_share
from infra.observability.metrics import FIVE_MINUTES, SLOW_MILLISECONDS, AccessMetric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.observability.metrics import ServiceMetrics

FAILED_PERCENT: Final = 0.1
"""The percentage of the valid requests that may fail."""

SLOW_PERCENT: Final = 1.0
"""The percentage of all responses that may take longer than SLOW_MILLISECONDS."""

_THROTTLED: Final = (
    "Users get 429: the gateway throttled at least 5% of the requests, for 10 minutes"
)
_REJECTED: Final = (
    "Users have to sign in again, or someone tries made-up tokens: Apple rejected at least 30% of "
    "the requests, for 10 minutes"
)


@dataclass(frozen=True, slots=True)
class Window:
    """A burn rate over one window; fewer than `minimum` bad requests in it do not count."""

    rate: float
    duration: Duration
    minimum: int

    def percent(self, budget: float) -> float:
        """Return the percentage of bad requests at this burn rate; at 1, it is `budget` percent."""
        return round(self.rate * budget, 3)


HOUR: Final = Window(14.4, Duration.hours(1), 20)
FIVE: Final = Window(14.4, FIVE_MINUTES, 5)
SIX_HOURS: Final = Window(6, Duration.hours(6), 100)
HALF_HOUR: Final = Window(6, Duration.minutes(30), 10)
# CloudWatch accepts up to seven days, and evaluates a window of more than one day once an hour.
THREE_DAYS: Final = Window(1, Duration.days(3), 20)

FAILURE_WINDOWS: Final = {
    AlarmId.FAILURES_1_HOUR: HOUR,
    AlarmId.FAILURES_5_MINUTES: FIVE,
    AlarmId.FAILURES_6_HOURS: SIX_HOURS,
    AlarmId.FAILURES_30_MINUTES: HALF_HOUR,
    AlarmId.FAILURE_BUDGET: THREE_DAYS,
}
LATENCY_WINDOWS: Final = {
    AlarmId.LATENCY_1_HOUR: HOUR,
    AlarmId.LATENCY_5_MINUTES: FIVE,
    AlarmId.LATENCY_BUDGET: THREE_DAYS,
}


def objective_rules(metrics: ServiceMetrics) -> dict[AlarmId, AlarmRule]:
    """Return the alarms on the objectives and on what users see."""
    rules = {
        id_: _rule(
            f"Users get errors: at least {window.percent(FAILED_PERCENT)}% of the valid requests "
            f"failed in {window.duration.to_human_string()}",
            "an-alarm-requests-fail",
            share(
                metrics.access(AccessMetric.FAILED, period=window.duration),
                metrics.access(AccessMetric.VALID, period=window.duration),
                minimum=window.minimum,
            ),
            window.percent(FAILED_PERCENT),
        )
        for id_, window in FAILURE_WINDOWS.items()
    }
    rules |= {
        id_: _rule(
            f"Users wait: at least {window.percent(SLOW_PERCENT)}% of all responses took longer "
            f"than {SLOW_MILLISECONDS / 1000:g} s in {window.duration.to_human_string()}",
            "an-alarm-responses-are-slow",
            slow_share(
                metrics.fast_percentage(period=window.duration),
                metrics.gateway("Count", period=window.duration),
                minimum=window.minimum,
            ),
            window.percent(SLOW_PERCENT),
        )
        for id_, window in LATENCY_WINDOWS.items()
    }
    return {**rules, **_demand_rules(metrics)}


def page_rules(alarms: Mapping[AlarmId, cloudwatch.IAlarm]) -> dict[PageId, PageRule]:
    """Return the rule of each page, with the page that suppresses it."""
    firing = {
        id_: cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM)
        for id_, alarm in alarms.items()
    }
    both, either = cloudwatch.AlarmRule.all_of, cloudwatch.AlarmRule.any_of
    return {
        PageId.FAILURES: PageRule(
            description="Users get errors: the error budget of 0.1% burned 14 times too fast in "
            "the last hour, or 6 times too fast in the last six hours, and this continues",
            runbook="an-alarm-requests-fail",
            condition=either(
                both(firing[AlarmId.FAILURES_1_HOUR], firing[AlarmId.FAILURES_5_MINUTES]),
                both(firing[AlarmId.FAILURES_6_HOURS], firing[AlarmId.FAILURES_30_MINUTES]),
            ),
        ),
        PageId.LATENCY: PageRule(
            description="Users wait: at least 14.4% of all responses took longer than 2 s, in the "
            "last hour and in the last five minutes",
            runbook="an-alarm-responses-are-slow",
            condition=both(firing[AlarmId.LATENCY_1_HOUR], firing[AlarmId.LATENCY_5_MINUTES]),
            suppressor=PageId.FAILURES,
        ),
        PageId.GATEWAY_THROTTLES: PageRule(
            description=_THROTTLED,
            runbook="an-alarm-the-gateway-throttles",
            condition=firing[AlarmId.GATEWAY_THROTTLES],
            suppressor=PageId.FAILURES,
        ),
        PageId.REJECTIONS: PageRule(
            description=_REJECTED,
            runbook="an-alarm-apple-rejects-requests",
            condition=firing[AlarmId.REJECTIONS],
            suppressor=PageId.GATEWAY_THROTTLES,
        ),
    }


def _demand_rules(metrics: ServiceMetrics) -> dict[AlarmId, AlarmRule]:
    requests = metrics.gateway("Count", period=FIVE_MINUTES)
    return {
        AlarmId.GATEWAY_THROTTLES: AlarmRule(
            description=_THROTTLED,
            runbook="an-alarm-the-gateway-throttles",
            metric=share(
                metrics.access(AccessMetric.THROTTLED, period=FIVE_MINUTES), requests, minimum=20
            ),
            threshold=5,
        ),
        AlarmId.REJECTIONS: AlarmRule(
            description=_REJECTED,
            runbook="an-alarm-apple-rejects-requests",
            # One app that repeats a request with an expired token sends 300 requests in 5 min.
            metric=share(
                metrics.custom(Metric.REJECTED, period=FIVE_MINUTES), requests, minimum=500
            ),
            threshold=30,
        ),
    }


def _rule(
    description: str, runbook: str, metric: cloudwatch.IMetric, threshold: float
) -> AlarmRule:
    return AlarmRule(
        description=description,
        runbook=runbook,
        metric=metric,
        threshold=threshold,
        periods=1,
        datapoints=1,
    )
