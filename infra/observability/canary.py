"""The alarms that roll back a canary: they read only the metrics of the new version.

A canary gets a tenth of the requests for five minutes. Metrics arrive one or two minutes late, so
these alarms may take at most three minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.observability.alarms import AlarmId, AlarmRule, slow_share
from infra.observability.metrics import MINUTE

if TYPE_CHECKING:
    from infra.observability.metrics import VersionMetrics

MINIMUM: Final = 2
"""Fewer bad requests per minute are ignored.

A higher minimum could miss failures: of 40 requests, the canary gets about four.
"""

FAILED_PERCENT: Final = 5
SLOW_PERCENT: Final = 50
"""If Apple is slow, all misses are slow, but fewer than half of the requests are misses."""


def canary_rules(version: VersionMetrics) -> dict[AlarmId, AlarmRule]:
    """Return the rules; `version` has the metrics of the version that the stack publishes."""
    # Lambda counts a crash and a timeout as an error, and a response with 5xx as a success.
    failures = cloudwatch.MathExpression(
        expression=f"IF(errors + FILL(failed, 0) >= {MINIMUM}, "
        "100 * (errors + FILL(failed, 0)) / requests, 0)",
        using_metrics={
            "errors": version.function("Errors"),
            "failed": version.failed(),
            "requests": version.function("Invocations"),
        },
        period=MINUTE,
        label=f"% of the version's requests; 0 if fewer than {MINIMUM} failed",
    )
    return {
        AlarmId.CANARY_FAILURES: AlarmRule(
            description=f"Users get errors from the version that was released last: it crashed or "
            f"answered 5xx for at least {FAILED_PERCENT}% of its requests, in 2 of 3 minutes",
            runbook="a-canary-was-rolled-back",
            metric=failures,
            threshold=FAILED_PERCENT,
        ),
        AlarmId.CANARY_LATENCY: AlarmRule(
            description=f"Users get slow responses from the version that was released last: it "
            f"took longer than 1 s for at least {SLOW_PERCENT}% of its requests, in 2 of 3 minutes",
            runbook="a-canary-was-rolled-back",
            metric=slow_share(
                version.fast_percentage(), version.function("Invocations"), minimum=2
            ),
            threshold=SLOW_PERCENT,
        ),
    }
