"""Incidents that must not notify."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from functions.ratings.metrics import Metric
from tests.infra.observability.traffic import (
    BUSY,
    DAY,
    NIGHT,
    Incident,
    Minute,
    failing,
    traffic,
)

SILENT: Final = (
    traffic("No traffic", "no request at all", Minute(requests=0)),
    traffic("Normal traffic, for days", "0.05% fail", BUSY, minutes=4 * DAY),
    traffic("Failures within the objective, for days", "0.09% fail", failing(0.09), minutes=DAY),
    Incident(
        name="No signing key yet",
        description="the rotation function is called every day, and has nothing to report",
        record=lambda _start: ({}, 4 * DAY),
    ),
    traffic(
        "One user's failures",
        "60 requests per minute with one expired user token: 403",
        replace(BUSY, requests=1_260, rejected=60),
    ),
    traffic(
        "One user's failures, at night",
        "6 requests per minute, and 60 with one expired user token: 403",
        replace(NIGHT, requests=66, rejected=60),
        before=NIGHT,
    ),
    traffic(
        "One failing item, at night",
        "one item for which Apple fails, requested every five minutes: 502",
        replace(NIGHT, failed=0.2),
        before=NIGHT,
    ),
    traffic(
        "One 5xx at night",
        "6 requests per minute; only one request fails",
        replace(NIGHT, failed=2),
        before=NIGHT,
        minutes=0.5,
    ),
    traffic(
        "Apple fails for half a minute",
        "two fifths of the requests fail",
        replace(BUSY, failed=480, counted={**BUSY.counted, Metric.CACHE_STALE: 240}),
        minutes=0.5,
    ),
    traffic(
        "Secrets Manager fails briefly",
        "for two minutes, new environments have no token",
        replace(BUSY, failed=12, counted={**BUSY.counted, Metric.DEVELOPER_TOKEN_UNAVAILABLE: 24}),
        minutes=2,
    ),
    traffic(
        "Platform errors",
        "1,000 requests per second; Lambda fails one of 10 million",
        Minute(requests=60_000, failed=0.006),
        before=Minute(requests=60_000),
        minutes=DAY,
    ),
    traffic(
        "Cold starts",
        "a tenth of the requests take 2.5 s, for five minutes",
        replace(BUSY, slow={1500: 36, 2500: 120}),
        minutes=5,
    ),
    traffic(
        "DynamoDB slow occasionally",
        "2% of its responses are late",
        replace(
            BUSY,
            counted={
                **BUSY.counted,
                Metric.CACHE_READ_FAILED: 24,
                Metric.CACHE_STORE_FAILED: 12,
                Metric.CACHE_INVALIDATION_FAILED: 2,
                Metric.CACHE_HIT_SLOW: 20,
            },
        ),
    ),
)
