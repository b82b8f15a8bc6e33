"""The table of incidents: their pages, tickets and rollbacks, and after how many minutes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from functions.ratings.metrics import Metric
from functions.sign_in.metrics import Metric as SignInMetric
from infra.observability.alarms import AlarmId, PageId
from tests.infra.observability.cloudwatch import Samples, Source, Stretch
from tests.infra.observability.releases import RELEASES
from tests.infra.observability.silence import SILENT
from tests.infra.observability.traffic import (
    BUSY,
    DAY,
    HOUR,
    LONG_MINUTES,
    NIGHT,
    Incident,
    failing,
    traffic,
)

if TYPE_CHECKING:
    from tests.infra.observability.cloudwatch import Recording

DAYS_LEFT: Final = Source("AppleMusicRatings", "DeveloperTokenDaysLeft", "token_rotation")
SIGN_IN_FAILED: Final = Source("AppleMusicRatings", SignInMetric.FAILED.value, "sign_in")
ROTATION_ERRORS: Final = Source("AWS/Lambda", "Errors", "Lambda's token_rotation")


def _daily(first: float, values: list[int]) -> list[Stretch]:
    times = [first + day * DAY for day, _ in enumerate(values)]
    return [
        Stretch(time, time, [Samples(value)]) for time, value in zip(times, values, strict=True)
    ]


def _unrenewed_token(start: float) -> tuple[Recording, float]:
    reports = _daily(start + 0.5, list(range(31, 6, -1)))
    return {DAYS_LEFT: reports, ROTATION_ERRORS: _daily(start + 0.5, [1] * 25)}, 25 * DAY


def _reports_stop(start: float) -> tuple[Recording, float]:
    return {DAYS_LEFT: _daily(start - 3 * DAY, [40, 39, 38, 37])}, 7 * DAY


def _sign_ins_fail(start: float) -> tuple[Recording, float]:
    failures = [Stretch(start, start + LONG_MINUTES, [Samples(1)])]
    return {SIGN_IN_FAILED: failures}, LONG_MINUTES


FAILURES: Final = (
    traffic(
        "Apple down",
        "1,200 requests per minute: two fifths fail, a fifth are served stale",
        replace(BUSY, failed=480, counted={**BUSY.counted, Metric.CACHE_STALE: 240}),
        pages={PageId.FAILURES: 3},
        tickets={AlarmId.STALE_ANSWERS: 13, AlarmId.FAILURE_BUDGET: HOUR},
    ),
    traffic(
        "Apple down, at night",
        "6 requests per minute: 4 fail, none is served stale",
        replace(NIGHT, failed=4),
        before=NIGHT,
        pages={PageId.FAILURES: 5.5},
        tickets={AlarmId.FAILURE_BUDGET: HOUR},
    ),
    traffic(
        "Apple times out",
        "two fifths fail after 4 s, a fifth are served stale",
        replace(
            BUSY,
            failed=480,
            slow={1600: 240, 4000: 480},
            counted={**BUSY.counted, Metric.CACHE_STALE: 240},
        ),
        pages={PageId.FAILURES: 3},
        tickets={
            AlarmId.STALE_ANSWERS: 13,
            AlarmId.FAILURE_BUDGET: HOUR,
            AlarmId.LATENCY_BUDGET: 2 * HOUR,
        },
    ),
    traffic(
        "A slow burn",
        "4.9% fail for 40 minutes",
        failing(4.9),
        minutes=40,
        pages={PageId.FAILURES: 18},
    ),
    traffic(
        "A slow burn, for days",
        "1.9% fail",
        failing(1.9),
        minutes=4 * DAY,
        pages={PageId.FAILURES: 46},
        tickets={AlarmId.FAILURE_BUDGET: 149.5},
    ),
    traffic(
        "A slower burn, for days",
        "0.7% fail",
        failing(0.7),
        minutes=4 * DAY,
        pages={PageId.FAILURES: 309.5},
        tickets={AlarmId.FAILURE_BUDGET: 389.5},
    ),
    traffic(
        "The slowest burn, for days",
        "0.2% fail",
        failing(0.2),
        minutes=4 * DAY,
        tickets={AlarmId.FAILURE_BUDGET: 1499.5},
    ),
    traffic(
        "One item fails for days",
        "6 requests per minute; one item for which Apple fails is requested every five minutes",
        replace(NIGHT, failed=0.2),
        before=NIGHT,
        minutes=4 * DAY,
        tickets={AlarmId.FAILURE_BUDGET: 3 * HOUR},
    ),
    traffic(
        "Developer token revoked",
        "503 for nine tenths of the requests",
        replace(
            BUSY, failed=1080, counted={**BUSY.counted, Metric.DEVELOPER_TOKEN_UNAVAILABLE: 1080}
        ),
        pages={PageId.FAILURES: 1.5},
        tickets={AlarmId.NO_DEVELOPER_TOKEN: 11, AlarmId.FAILURE_BUDGET: HOUR},
    ),
    traffic(
        "Developer token revoked, at night",
        "6 requests per minute, one of which needs the token",
        replace(NIGHT, failed=1, counted={Metric.DEVELOPER_TOKEN_UNAVAILABLE: 1}),
        before=NIGHT,
        pages={PageId.FAILURES: 20.5},
        tickets={AlarmId.NO_DEVELOPER_TOKEN: 11.5, AlarmId.FAILURE_BUDGET: HOUR},
    ),
    traffic(
        "Secrets Manager down",
        "running environments have the token, new ones do not: 1% of requests fail, 1% are stale",
        replace(
            BUSY,
            failed=12,
            counted={
                **BUSY.counted,
                Metric.DEVELOPER_TOKEN_UNAVAILABLE: 24,
                Metric.CACHE_STALE: 12,
            },
        ),
        tickets={AlarmId.NO_DEVELOPER_TOKEN: 11},
    ),
    traffic(
        "Apple rate limit reached",
        "Apple answers 429 for a tenth of the requests, a third of which are served stale",
        replace(
            BUSY,
            limited=80,
            counted={**BUSY.counted, Metric.UPSTREAM_RATE_LIMITED: 120, Metric.CACHE_STALE: 40},
        ),
        pages={PageId.FAILURES: 13.5},
        tickets={AlarmId.APPLE_THROTTLES: 6.5, AlarmId.FAILURE_BUDGET: 89.5},
    ),
    traffic(
        "Lambda concurrency exhausted",
        "for 10 minutes, Lambda throttles 200 of 1,200 requests per minute: status 500",
        replace(BUSY, failed=200, not_run=200),
        minutes=10,
        pages={PageId.FAILURES: 6},
        tickets={AlarmId.FUNCTION_THROTTLES: 3},
    ),
    traffic(
        "A crash for every tenth request",
        "the function ends without a response: 502",
        replace(BUSY, failed=120),
        pages={PageId.FAILURES: 9},
        tickets={AlarmId.FAILURE_BUDGET: HOUR},
    ),
)

LATENCY: Final = (
    traffic(
        "Apple slow",
        "responses take 4 s: stale copies are served after 1.5 s, other requests wait",
        replace(
            BUSY,
            failed=2,
            slow={1600: 240, 4000: 480},
            counted={**BUSY.counted, Metric.CACHE_STALE: 240},
        ),
        pages={PageId.LATENCY: 24},
        tickets={AlarmId.STALE_ANSWERS: 13, AlarmId.LATENCY_BUDGET: 2 * HOUR},
    ),
    traffic(
        "All slow",
        "every response takes 2.5 s",
        replace(BUSY, slow={2500: 1200}),
        minutes=4 * HOUR,
        pages={PageId.LATENCY: 11},
        tickets={AlarmId.LATENCY_BUDGET: HOUR},
    ),
    traffic(
        "All slow, at night",
        "6 requests per minute: every response takes 2.5 s",
        replace(NIGHT, slow={2500: 6}),
        before=NIGHT,
        minutes=4 * HOUR,
        pages={PageId.LATENCY: 11.5},
        tickets={AlarmId.LATENCY_BUDGET: 89.5},
    ),
    traffic(
        "Somewhat slow, for days",
        "every twentieth response takes 2.5 s",
        replace(BUSY, slow={1500: 36, 2500: 60}),
        minutes=4 * DAY,
        tickets={AlarmId.LATENCY_BUDGET: 10 * HOUR},
    ),
    traffic(
        "Slow hits",
        "hits take 1 s instead of 10 ms",
        replace(BUSY, slow={1000: 960}, counted={**BUSY.counted, Metric.CACHE_HIT_SLOW: 960}),
        tickets={AlarmId.SLOW_HITS: 11},
    ),
)

DEMAND: Final = (
    traffic(
        "Traffic spike",
        "12,000 requests per minute, half of which the gateway throttles",
        replace(BUSY, requests=12_000, failed=6, throttled=6_000, slow={1500: 180}),
        pages={PageId.GATEWAY_THROTTLES: 8},
    ),
    traffic(
        "Made-up tokens",
        "90 more requests per second, which Apple rejects",
        replace(BUSY, requests=6_600, rejected=5_400),
        pages={PageId.REJECTIONS: 8},
    ),
    traffic(
        "A flood of made-up tokens",
        "200 more requests per second: the gateway throttles half, Apple rejects half",
        replace(BUSY, requests=13_200, throttled=6_600, rejected=6_000),
        pages={PageId.GATEWAY_THROTTLES: 8},
    ),
    traffic(
        "A flood while requests fail",
        "90 more requests per second, which Apple rejects; 5% of the valid requests fail",
        replace(BUSY, requests=6_600, rejected=5_400, failed=60),
        pages={PageId.REJECTIONS: 8, PageId.FAILURES: 17.5},
        tickets={AlarmId.FAILURE_BUDGET: 89.5},
    ),
    traffic(
        "A throttled flood while requests fail",
        "the gateway throttles 5,000 of 6,200 requests per minute; 5% of the valid requests fail",
        replace(BUSY, requests=6_200, throttled=5_000, failed=60),
        pages={PageId.GATEWAY_THROTTLES: 8, PageId.FAILURES: 17.5},
        tickets={AlarmId.FAILURE_BUDGET: 89.5},
    ),
    traffic(
        "Apple rejects everyone",
        "every request that reaches Apple is answered 403",
        replace(BUSY, rejected=1_140),
        pages={PageId.REJECTIONS: 9.5},
    ),
)

CAUSES: Final = (
    traffic(
        "DynamoDB down",
        "every request succeeds, with a call to Apple; no write invalidates the cache",
        replace(
            BUSY,
            failed=1,
            counted={
                **BUSY.counted,
                Metric.CACHE_READ_FAILED: 1140,
                Metric.CACHE_INVALIDATION_FAILED: 120,
                Metric.CACHE_HIT: 0,
            },
        ),
        tickets={AlarmId.CACHE_READS: 6, AlarmId.CACHE_INVALIDATIONS: 6},
    ),
    traffic(
        "DynamoDB rejects stores",
        "`PutItem` denied: half of the requests store nothing",
        replace(BUSY, counted={**BUSY.counted, Metric.CACHE_STORE_FAILED: 600}),
        tickets={AlarmId.CACHE_STORES: 6},
    ),
    Incident(
        name="The signing key cannot be read",
        description="one sign-in per minute gets 503",
        record=_sign_ins_fail,
        tickets={AlarmId.SIGN_IN: 11.5},
    ),
    Incident(
        name="Rotation fails for weeks",
        description="a token with 31 days left; every rotation fails",
        record=_unrenewed_token,
        tickets={AlarmId.ROTATION_ERRORS: 1, AlarmId.DAYS_LEFT: 18 * DAY + HOUR},
    ),
    Incident(
        name="The daily report stops",
        description="a token with 37 days left; the rotation function is no longer called",
        record=_reports_stop,
        tickets={AlarmId.NO_REPORT: 3059.5},
    ),
)

INCIDENTS: Final = (*FAILURES, *LATENCY, *DEMAND, *CAUSES, *RELEASES, *SILENT)
