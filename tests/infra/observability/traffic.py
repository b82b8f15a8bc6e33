"""Incidents as recordings of metrics, and the minutes after which an alarm fires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from functions.ratings.metrics import Metric
from infra.observability.alarms import AlarmId
from tests.infra.observability.cloudwatch import TICK_SECONDS, Alarm, Recording, Samples, Source

TICKS_PER_MINUTE: Final = 60 // TICK_SECONDS
TICKS_PER_DAY: Final = 24 * 60 * TICKS_PER_MINUTE
BEFORE_MINUTES: Final = 120
"""Normal traffic before an incident: longer than any alarm looks back, whole periods of each."""

AFTER_MINUTES: Final = 120
FAST_MILLISECONDS: Final = 120


@dataclass(frozen=True, kw_only=True)
class Minute:
    """The traffic of one minute, as numbers of requests.

    `failed` are answered 5xx, `throttled` with 429 by the gateway. `not_run` are invocations that
    Lambda throttled. `slow` maps latencies in milliseconds to numbers of requests.
    """

    requests: float = 1200
    failed: float = 0
    throttled: float = 0
    not_run: float = 0
    slow: Mapping[int, float] = field(default_factory=dict)
    counted: Mapping[Metric, float] = field(default_factory=dict)

    def samples(self, share: float) -> dict[Source, list[Samples]]:
        if not self.requests:
            return {}
        fast = self.requests - sum(self.slow.values())
        latency = {FAST_MILLISECONDS: fast, **self.slow}
        sent = {
            _api("Count"): {1: self.requests},
            _api("5XXError"): {1: self.failed, 0: self.requests - self.failed},
            _api("Latency"): latency,
            Source("AWS/Lambda", "Throttles", "Lambda's ratings"): {1: self.not_run},
        }
        if self.throttled:
            log = Source("AppleMusicRatings/<stack>", "GatewayThrottled", "access log")
            sent[log] = {1: self.throttled}
        for metric, count in self.counted.items():
            sent[Source("AppleMusicRatings", metric.value, "ratings")] = {1: count}
        return {
            source: [Samples(value, count * share) for value, count in counts.items()]
            for source, counts in sent.items()
        }


def _api(name: str) -> Source:
    return Source("AWS/ApiGateway", name, "api")


BUSY: Final = Minute(
    failed=1.2,
    slow={1500: 36, 3500: 4.8},
    counted={
        Metric.CACHE_STALE: 3.6,
        Metric.CACHE_READ_FAILED: 3.6,
        Metric.CACHE_STORE_FAILED: 2.4,
        Metric.CACHE_INVALIDATION_FAILED: 0.24,
        Metric.UPSTREAM_RATE_LIMITED: 0.6,
    },
)
"""A normal minute: 0.1% of failures, 0.3% of late responses from DynamoDB."""

NIGHT: Final = Minute(requests=6)

LONG: Final = 90


@dataclass(frozen=True, kw_only=True)
class Incident:
    """An incident; `fires` has the minutes within which each alarm fires, at worst.

    `record` returns the samples of an incident that begins in a tick, and their length in ticks.
    """

    name: str
    description: str
    record: Callable[[int], tuple[Recording, int]]
    fires: Mapping[AlarmId, float]

    def minutes_to_fire(self, alarm: Alarm) -> set[float | None]:
        start = max(BEFORE_MINUTES * TICKS_PER_MINUTE, alarm.period_ticks)
        recording, ticks = self.record(start)
        return {
            None if tick is None else (tick - start) / TICKS_PER_MINUTE
            for phase in alarm.phases()
            for tick in alarm.first_fires(recording, ticks=ticks, phase=phase)
        }


def traffic(
    name: str,
    description: str,
    during: Minute,
    *,
    minutes: float = LONG,
    before: Minute = BUSY,
    fires: Mapping[AlarmId, float] | None = None,
) -> Incident:

    def record(start: int) -> tuple[Recording, int]:
        end = start + round(minutes * TICKS_PER_MINUTE)
        ticks = end + AFTER_MINUTES * TICKS_PER_MINUTE
        normal, disturbed = (each.samples(1 / TICKS_PER_MINUTE) for each in (before, during))
        recording: dict[Source, dict[int, list[Samples]]] = {}
        for tick in range(ticks):
            for source, samples in (disturbed if start <= tick < end else normal).items():
                recording.setdefault(source, {})[tick] = samples
        return recording, ticks

    return Incident(name=name, description=description, record=record, fires=fires or {})
