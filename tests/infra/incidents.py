"""The table: what may happen to the service, which alarms ring, and within how many minutes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from functions.ratings.metrics import Metric
from infra.alarms import AlarmId
from tests.infra.cloudwatch import TICK_SECONDS, Alarm, Recording, Samples, Source

TICKS_A_MINUTE: Final = 60 // TICK_SECONDS
TICKS_A_DAY: Final = 24 * 60 * TICKS_A_MINUTE
BEFORE_MINUTES: Final = 120
"""How long all has been well; longer than any alarm looks back, and whole periods of each."""

AFTER_MINUTES: Final = 120

FAST_MILLISECONDS: Final = 120


@dataclass(frozen=True, kw_only=True)
class Minute:
    """What a minute of traffic leaves behind.

    `failed` are answered 5xx, `throttled` by the gateway and 429; `slow` says how many requests
    took how many milliseconds. `unrun` are invocations that Lambda refused.
    """

    requests: float
    failed: float = 0
    throttled: float = 0
    unrun: float = 0
    slow: Mapping[int, float] = field(default_factory=dict)
    counted: Mapping[Metric, float] = field(default_factory=dict)

    def samples(self) -> dict[Source, list[Samples]]:
        """What each metric is sent in the minute."""
        if not self.requests:
            return {}
        fast = self.requests - sum(self.slow.values())
        latency = [Samples(FAST_MILLISECONDS, fast)]
        latency += [Samples(milliseconds, count) for milliseconds, count in self.slow.items()]
        sent = {
            _api("Count"): [Samples(1, self.requests)],
            _api("5XXError"): [Samples(1, self.failed), Samples(0, self.requests - self.failed)],
            _api("Latency"): latency,
            Source("AWS/Lambda", "Throttles", "Lambda's ratings"): [Samples(self.unrun)],
        }
        if self.throttled:
            log = Source("AppleMusicRatings/<stack>", "GatewayThrottled", "access log")
            sent[log] = [Samples(1, self.throttled)]
        for metric, count in self.counted.items():
            sent[Source("AppleMusicRatings", metric.value, "ratings")] = [Samples(1, count)]
        return sent


def _api(name: str) -> Source:
    return Source("AWS/ApiGateway", name, "api")


DAYS_LEFT: Final = Source("AppleMusicRatings", "DeveloperTokenDaysLeft", "token_rotation")
ROTATION_ERRORS: Final = Source("AWS/Lambda", "Errors", "Lambda's token_rotation")

Record = Callable[[int], tuple[Recording, int]]
"""Makes what is sent, and its length in ticks, of an incident that begins in a tick."""


def traffic(healthy: Minute, during: Minute, minutes: float, start: int) -> tuple[Recording, int]:
    """All well, then the incident, then all well again; each tick has its part of a minute."""
    end = start + round(minutes * TICKS_A_MINUTE)
    ticks = end + AFTER_MINUTES * TICKS_A_MINUTE
    kinds = {True: _by_tick(during), False: _by_tick(healthy)}
    recording: dict[Source, dict[int, list[Samples]]] = {}
    for tick in range(ticks):
        for source, samples in kinds[start <= tick < end].items():
            recording.setdefault(source, {})[tick] = samples
    return recording, ticks


def _by_tick(minute: Minute) -> dict[Source, list[Samples]]:
    """A tick's part of what a minute sends."""
    return {
        source: [
            Samples(each.value / TICKS_A_MINUTE, 1)
            if source.name == "Throttles"
            else Samples(each.value, each.count / TICKS_A_MINUTE)
            for each in samples
        ]
        for source, samples in minute.samples().items()
    }


def token_ages(days_left: int, days: int, errors: int, start: int) -> tuple[Recording, int]:
    """A token that nothing renews, reported daily, with so many failed renewals each day."""
    mornings = [start + day * TICKS_A_DAY for day in range(days)]
    reports = {tick: [Samples(days_left - day)] for day, tick in enumerate(mornings)}
    failures = {tick: [Samples(errors)] for tick in mornings if errors}
    return {DAYS_LEFT: reports, ROTATION_ERRORS: failures}, start + days * TICKS_A_DAY


def healthy(requests: float) -> Minute:
    """A good minute, which is not a perfect one."""
    return Minute(
        requests=requests,
        failed=requests * 0.001,
        slow={1500: requests * 0.03, 3500: requests * 0.004},
        counted={
            Metric.CACHE_STALE: requests * 0.003,
            Metric.CACHE_READ_FAILED: requests * 0.003,
            Metric.CACHE_STORE_FAILED: requests * 0.002,
            Metric.CACHE_INVALIDATION_FAILED: requests * 0.0002,
            Metric.UPSTREAM_THROTTLED: requests * 0.0005,
        },
    )


BUSY: Final = healthy(1200)
NIGHT: Final = Minute(requests=6)
NOBODY: Final = Minute(requests=0)

HOURS: Final = 90
CANARY: Final = 5
"""Minutes for which a canary has a tenth of the requests."""


@dataclass(frozen=True, kw_only=True)
class Incident:
    """Something that happens; `rings` are the minutes within which each alarm does, at worst."""

    name: str
    happens: str
    record: Record
    rings: Mapping[AlarmId, float] = field(default_factory=dict)

    def seen(self, alarm: Alarm) -> set[float | None]:
        """The minutes after which the alarm rings, wherever in its period the incident begins."""
        start = max(BEFORE_MINUTES * TICKS_A_MINUTE, alarm.period_ticks)
        recording, ticks = self.record(start)
        return {
            None if ring is None else (ring - start) / TICKS_A_MINUTE
            for phase in alarm.phases()
            for ring in alarm.first_rings(recording, ticks=ticks, phase=phase)
        }


def _traffic(
    name: str,
    happens: str,
    *,
    during: Minute,
    minutes: float,
    before: Minute = BUSY,
    rings: Mapping[AlarmId, float] | None = None,
) -> Incident:
    return Incident(
        name=name,
        happens=happens,
        record=partial(traffic, before, during, minutes),
        rings=rings or {},
    )


INCIDENTS: Final = (
    _traffic(
        "Apple down",
        "1,200 requests a minute; two fifths are failed, a fifth are given a stale copy",
        during=Minute(
            requests=1200,
            failed=480,
            counted={
                Metric.CACHE_STALE: 240,
                Metric.UPSTREAM_UNREACHABLE: 60,
                Metric.UPSTREAM_NOT_ASKED: 660,
                Metric.BREAKER_OPENED: 6,
            },
        ),
        minutes=HOURS,
        rings={
            AlarmId.FAILURES: 2,
            AlarmId.LINGERING_FAILURES: 45.5,
            AlarmId.STALE_ANSWERS: 17,
        },
    ),
    _traffic(
        "Apple down, at night",
        "6 requests a minute; 4 are failed, none has a copy",
        before=NIGHT,
        during=Minute(
            requests=6,
            failed=4,
            counted={Metric.UPSTREAM_UNREACHABLE: 3, Metric.UPSTREAM_NOT_ASKED: 1},
        ),
        minutes=HOURS,
        rings={AlarmId.LINGERING_FAILURES: 46},
    ),
    _traffic(
        "Apple slow",
        "it takes 4 s: whoever has a stale copy is given that after 1.5 s, the others wait",
        during=Minute(
            requests=1200,
            failed=2,
            slow={1600: 240, 4000: 480},
            counted={Metric.CACHE_STALE: 240, Metric.UPSTREAM_TOO_SLOW: 240},
        ),
        minutes=HOURS,
        rings={AlarmId.LATENCY: 3, AlarmId.STALE_ANSWERS: 17},
    ),
    _traffic(
        "Apple silent",
        "no answer at all: 504 after 6 s, until the breakers open",
        during=Minute(
            requests=1200,
            failed=480,
            slow={1600: 60, 6000: 120},
            counted={
                Metric.CACHE_STALE: 240,
                Metric.UPSTREAM_TOO_SLOW: 180,
                Metric.UPSTREAM_NOT_ASKED: 540,
                Metric.BREAKER_OPENED: 6,
            },
        ),
        minutes=HOURS,
        rings={
            AlarmId.FAILURES: 2,
            AlarmId.LINGERING_FAILURES: 45.5,
            AlarmId.LATENCY: 3,
            AlarmId.STALE_ANSWERS: 17,
        },
    ),
    _traffic(
        "Apple throttles us",
        "429 for a tenth of the requests; a third of those have a copy",
        during=Minute(
            requests=1200,
            failed=1,
            counted={Metric.UPSTREAM_THROTTLED: 120, Metric.CACHE_STALE: 40},
        ),
        minutes=HOURS,
        rings={AlarmId.APPLE_THROTTLES: 10.5},
    ),
    _traffic(
        "DynamoDB down",
        "every answer is good, and comes from Apple; nothing is told of writes",
        during=Minute(
            requests=1200,
            failed=2,
            counted={Metric.CACHE_READ_FAILED: 1140, Metric.CACHE_INVALIDATION_FAILED: 120},
        ),
        minutes=HOURS,
        rings={AlarmId.CACHE_READS: 10, AlarmId.CACHE_INVALIDATIONS: 10},
    ),
    _traffic(
        "DynamoDB takes no answers",
        "`PutItem` denied: half of the requests store nothing",
        during=Minute(requests=1200, failed=1, counted={Metric.CACHE_STORE_FAILED: 600}),
        minutes=HOURS,
        rings={AlarmId.CACHE_STORES: 10},
    ),
    _traffic(
        "DynamoDB is not told of writes",
        "`UpdateItem` denied: 60 writes a minute, each tells it twice",
        during=Minute(requests=1200, failed=1, counted={Metric.CACHE_INVALIDATION_FAILED: 120}),
        minutes=HOURS,
        rings={AlarmId.CACHE_INVALIDATIONS: 10},
    ),
    _traffic(
        "Developer token revoked",
        "503 for all but what is fresh; no copy stands in",
        during=Minute(requests=1200, failed=1080, counted={Metric.NO_DEVELOPER_TOKEN: 1080}),
        minutes=HOURS,
        rings={
            AlarmId.FAILURES: 2,
            AlarmId.LINGERING_FAILURES: 45,
            AlarmId.NO_DEVELOPER_TOKEN: 15,
        },
    ),
    _traffic(
        "Developer token revoked, at night",
        "6 requests a minute, one of which needs the token",
        before=NIGHT,
        during=Minute(requests=6, failed=1, counted={Metric.NO_DEVELOPER_TOKEN: 1}),
        minutes=HOURS,
        rings={AlarmId.NO_DEVELOPER_TOKEN: 15.5, AlarmId.LINGERING_FAILURES: 49.5},
    ),
    Incident(
        name="Rotation fails for weeks",
        happens="a token with 31 days left; each renewal fails",
        record=partial(token_ages, 31, 25, 1),
        rings={AlarmId.ROTATION_ERRORS: 5, AlarmId.DAYS_LEFT: 19 * 24 * 60},
    ),
    Incident(
        name="Nobody renews the token",
        happens="a token by hand, or a schedule that is gone; nothing fails",
        record=partial(token_ages, 31, 25, 0),
        rings={AlarmId.DAYS_LEFT: 19 * 24 * 60},
    ),
    _traffic(
        "Secrets Manager down",
        "what runs has its token; what starts has none: a fiftieth of the requests",
        during=Minute(
            requests=1200,
            failed=12,
            counted={
                Metric.NO_DEVELOPER_TOKEN: 24,
                Metric.DEVELOPER_TOKEN_NOT_READ: 24,
                Metric.CACHE_STALE: 12,
            },
        ),
        minutes=HOURS,
        rings={AlarmId.NO_DEVELOPER_TOKEN: 15},
    ),
    _traffic(
        "A bad release",
        "a canary of a tenth answers 500 to everything",
        during=Minute(requests=1200, failed=121),
        minutes=CANARY,
        rings={AlarmId.FAILURES: 2},
    ),
    _traffic(
        "A slow release",
        "a canary of a tenth takes 4 s for everything",
        during=Minute(requests=1200, failed=1, slow={4000: 120}),
        minutes=CANARY,
        rings={AlarmId.LATENCY: 3},
    ),
    _traffic(
        "Traffic spike",
        "12,000 requests a minute; the gateway refuses half",
        during=Minute(requests=12000, failed=6, throttled=6000, slow={1500: 180}),
        minutes=HOURS,
        rings={AlarmId.GATEWAY_THROTTLES: 10},
    ),
    _traffic(
        "Lambda concurrency exhausted",
        "200 of 1,200 requests a minute find no environment: 500",
        during=Minute(requests=1200, failed=200, unrun=200),
        minutes=10,
        rings={AlarmId.FAILURES: 2, AlarmId.FUNCTION_THROTTLES: 3},
    ),
    _traffic(
        "One user's failures",
        "60 refused requests a minute of one token that has ended: 403",
        during=Minute(requests=1260, failed=1),
        minutes=HOURS,
    ),
    _traffic(
        "One user's failures, at night",
        "one item at which Apple fails, asked for again every five minutes: 502",
        before=NIGHT,
        during=Minute(requests=6, failed=0.2, counted={Metric.UPSTREAM_UNREACHABLE: 0.2}),
        minutes=HOURS,
    ),
    _traffic(
        "One 5xx at night",
        "one request of six fails",
        before=NIGHT,
        during=Minute(requests=6, failed=2, counted={Metric.UPSTREAM_UNREACHABLE: 2}),
        minutes=0.5,
    ),
    _traffic(
        "Apple fails for half a minute",
        "two fifths of its requests are failed",
        during=Minute(
            requests=1200,
            failed=480,
            counted={Metric.CACHE_STALE: 240, Metric.UPSTREAM_UNREACHABLE: 720},
        ),
        minutes=0.5,
    ),
    _traffic(
        "Secrets Manager hiccups",
        "for two minutes, what starts has no token",
        during=Minute(
            requests=1200,
            failed=12,
            counted={Metric.NO_DEVELOPER_TOKEN: 24, Metric.DEVELOPER_TOKEN_NOT_READ: 24},
        ),
        minutes=2,
    ),
    _traffic(
        "A good release",
        "everything starts cold at once: a tenth takes 2.5 s",
        during=Minute(requests=1200, failed=1, slow={2500: 120}),
        minutes=CANARY,
    ),
    _traffic(
        "DynamoDB slow now and then",
        "a fiftieth of its answers come too late",
        during=Minute(
            requests=1200,
            failed=1,
            counted={
                Metric.CACHE_READ_FAILED: 24,
                Metric.CACHE_STORE_FAILED: 12,
                Metric.CACHE_INVALIDATION_FAILED: 2,
            },
        ),
        minutes=HOURS,
    ),
    _traffic("Nobody calls", "no request at all", during=NOBODY, minutes=HOURS),
)
