"""The table of incidents: which alarms fire, and within how many minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.ratings.metrics import Metric
from infra.observability.alarms import AlarmId
from tests.infra.observability.cloudwatch import Samples, Source
from tests.infra.observability.traffic import NIGHT, TICKS_PER_DAY, Incident, Minute, traffic

if TYPE_CHECKING:
    from tests.infra.observability.cloudwatch import Recording

CANARY: Final = 5
"""The minutes in which a canary gets a tenth of the requests."""

DAYS_LEFT: Final = Source("AppleMusicRatings", "DeveloperTokenDaysLeft", "token_rotation")
ROTATION_ERRORS: Final = Source("AWS/Lambda", "Errors", "Lambda's token_rotation")


def _unrenewed_token(start: int) -> tuple[Recording, int]:
    """A token with 31 days left, reported daily for 25 days, and a failed rotation each day."""
    days = [start + day * TICKS_PER_DAY for day in range(25)]
    reports = {tick: [Samples(31 - day)] for day, tick in enumerate(days)}
    failures = {tick: [Samples(1)] for tick in days}
    return {DAYS_LEFT: reports, ROTATION_ERRORS: failures}, days[-1] + TICKS_PER_DAY


INCIDENTS: Final = (
    traffic(
        "Apple down",
        "1,200 requests per minute: two fifths fail, a fifth are served stale",
        Minute(failed=480, counted={Metric.CACHE_STALE: 240}),
        fires={AlarmId.FAILURES: 2, AlarmId.LINGERING_FAILURES: 45.5, AlarmId.STALE_ANSWERS: 17},
    ),
    traffic(
        "Apple down, at night",
        "6 requests per minute: 4 fail, none is served stale",
        Minute(requests=6, failed=4),
        before=NIGHT,
        fires={AlarmId.LINGERING_FAILURES: 46},
    ),
    traffic(
        "Apple slow",
        "responses take 4 s: stale copies are served after 1.5 s, other requests wait",
        Minute(failed=2, slow={1600: 240, 4000: 480}, counted={Metric.CACHE_STALE: 240}),
        fires={AlarmId.LATENCY: 3, AlarmId.STALE_ANSWERS: 17},
    ),
    traffic(
        "Apple rate limit reached",
        "429 for a tenth of the requests, a third of which are served stale",
        Minute(failed=1, counted={Metric.UPSTREAM_RATE_LIMITED: 120, Metric.CACHE_STALE: 40}),
        fires={AlarmId.APPLE_THROTTLES: 10.5},
    ),
    traffic(
        "DynamoDB down",
        "every request succeeds, with a call to Apple; no write invalidates the cache",
        Minute(
            failed=2,
            counted={Metric.CACHE_READ_FAILED: 1140, Metric.CACHE_INVALIDATION_FAILED: 120},
        ),
        fires={AlarmId.CACHE_READS: 10, AlarmId.CACHE_INVALIDATIONS: 10},
    ),
    traffic(
        "DynamoDB rejects stores",
        "`PutItem` denied: half of the requests store nothing",
        Minute(failed=1, counted={Metric.CACHE_STORE_FAILED: 600}),
        fires={AlarmId.CACHE_STORES: 10},
    ),
    traffic(
        "Developer token revoked",
        "503 for everything except fresh cache hits; nothing is served stale",
        Minute(failed=1080, counted={Metric.DEVELOPER_TOKEN_UNAVAILABLE: 1080}),
        fires={
            AlarmId.FAILURES: 2,
            AlarmId.LINGERING_FAILURES: 45,
            AlarmId.NO_DEVELOPER_TOKEN: 15,
        },
    ),
    traffic(
        "Developer token revoked, at night",
        "6 requests per minute, one of which needs the token",
        Minute(requests=6, failed=1, counted={Metric.DEVELOPER_TOKEN_UNAVAILABLE: 1}),
        before=NIGHT,
        fires={AlarmId.NO_DEVELOPER_TOKEN: 15.5, AlarmId.LINGERING_FAILURES: 49.5},
    ),
    Incident(
        name="Rotation fails for weeks",
        description="a token with 31 days left; every rotation fails",
        record=_unrenewed_token,
        fires={AlarmId.ROTATION_ERRORS: 5, AlarmId.DAYS_LEFT: 19 * 24 * 60},
    ),
    traffic(
        "Secrets Manager down",
        "running environments have the token, new ones do not: 2% of the requests",
        Minute(
            failed=12,
            counted={Metric.DEVELOPER_TOKEN_UNAVAILABLE: 24, Metric.CACHE_STALE: 12},
        ),
        fires={AlarmId.NO_DEVELOPER_TOKEN: 15},
    ),
    traffic(
        "A bad release",
        "a canary with a tenth of the requests answers 500 to all of them",
        Minute(failed=121),
        minutes=CANARY,
        fires={AlarmId.FAILURES: 2},
    ),
    traffic(
        "A slow release",
        "a canary with a tenth of the requests takes 4 s for each",
        Minute(failed=1, slow={4000: 120}),
        minutes=CANARY,
        fires={AlarmId.LATENCY: 3},
    ),
    traffic(
        "Traffic spike",
        "12,000 requests per minute, half of which the gateway throttles",
        Minute(requests=12000, failed=6, throttled=6000, slow={1500: 180}),
        fires={AlarmId.GATEWAY_THROTTLES: 10},
    ),
    traffic(
        "Lambda concurrency exhausted",
        "Lambda throttles 200 of 1,200 requests per minute: 500",
        Minute(failed=200, not_run=200),
        minutes=10,
        fires={AlarmId.FAILURES: 2, AlarmId.FUNCTION_THROTTLES: 3},
    ),
    traffic(
        "One user's failures",
        "60 requests per minute with one expired user token: 403",
        Minute(requests=1260, failed=1),
    ),
    traffic(
        "One user's failures, at night",
        "one item for which Apple fails, requested every five minutes: 502",
        Minute(requests=6, failed=0.2),
        before=NIGHT,
    ),
    traffic(
        "One 5xx at night",
        "one of six requests fails",
        Minute(requests=6, failed=2),
        before=NIGHT,
        minutes=0.5,
    ),
    traffic(
        "Apple fails for half a minute",
        "two fifths of the requests fail",
        Minute(failed=480, counted={Metric.CACHE_STALE: 240}),
        minutes=0.5,
    ),
    traffic(
        "Secrets Manager fails briefly",
        "for two minutes, new environments have no token",
        Minute(failed=12, counted={Metric.DEVELOPER_TOKEN_UNAVAILABLE: 24}),
        minutes=2,
    ),
    traffic(
        "A good release",
        "cold starts: a tenth of the requests take 2.5 s",
        Minute(failed=1, slow={2500: 120}),
        minutes=CANARY,
    ),
    traffic(
        "DynamoDB slow occasionally",
        "2% of its responses are late",
        Minute(
            failed=1,
            counted={
                Metric.CACHE_READ_FAILED: 24,
                Metric.CACHE_STORE_FAILED: 12,
                Metric.CACHE_INVALIDATION_FAILED: 2,
            },
        ),
    ),
    traffic("No traffic", "no request at all", Minute(requests=0)),
)
