"""Incidents as recordings of metrics, and the minutes after which they notify."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from functions.ratings.metrics import Metric
from infra.observability.alarms import AlarmId, PageId
from tests.infra.observability.cloudwatch import Recording, Samples, Source, Stretch

HOUR: Final = 60
DAY: Final = 24 * HOUR
CANARY_MINUTES: Final = 5
FAST_MILLISECONDS: Final = 120
FAILED_PERCENT: Final = 0.05
"""The percentage of requests that fail in normal traffic."""

OFFSETS: Final = (0.0, 0.5, 30.5)
"""The minutes of an hour at which each incident starts, in turn."""


@dataclass(frozen=True, kw_only=True)
class Canary:
    """The requests of a new version in one minute; the fields are those of `Minute`.

    `crashed` requests ended without a response. Requests that are not in `slow` are fast.
    """

    requests: float
    failed: float = 0
    crashed: float = 0
    slow: Mapping[int, float] = field(default_factory=dict)

    def samples(self) -> dict[Source, Mapping[int, float]]:
        fast = self.requests - sum(self.slow.values())
        return {
            _version("Invocations"): {1: self.requests},
            _version("Errors"): {1: self.crashed, 0: self.requests - self.crashed},
            _version("Duration"): {FAST_MILLISECONDS: fast, **self.slow},
            Source("AppleMusicRatings", Metric.VERSION_FAILED.value, "version"): {1: self.failed},
        }


@dataclass(frozen=True, kw_only=True)
class Minute:
    """The traffic of one minute, as numbers of requests.

    `failed` requests get a 5xx, `limited` a 429 from the function, `throttled` a 429 from the
    gateway, `rejected` a 401 or 403. `not_run` are invocations that Lambda throttled. `slow`
    maps latencies in milliseconds to numbers of requests.
    """

    requests: float
    failed: float = 0
    limited: float = 0
    throttled: float = 0
    rejected: float = 0
    not_run: float = 0
    slow: Mapping[int, float] = field(default_factory=dict)
    counted: Mapping[Metric, float] = field(default_factory=dict)
    canary: Canary | None = None

    def samples(self) -> dict[Source, list[Samples]]:
        if not self.requests:
            return {}
        sent: dict[Source, Mapping[int, float]] = {
            _api("Count"): {1: self.requests},
            _api("Latency"): {
                FAST_MILLISECONDS: self.requests - sum(self.slow.values()),
                **self.slow,
            },
            _access("ValidRequests"): {1: self.requests - self.throttled - self.rejected},
            _access("FailedRequests"): {1: self.failed + self.limited},
            _access("GatewayThrottled"): {1: self.throttled},
            Source("AWS/Lambda", "Throttles", "Lambda's ratings"): {1: self.not_run},
        }
        for metric, count in {**self.counted, Metric.REJECTED: self.rejected}.items():
            sent[Source("AppleMusicRatings", metric.value, "ratings")] = {1: count}
        if self.canary is not None:
            sent |= self.canary.samples()
        return {
            source: [Samples(value, count) for value, count in counts.items()]
            for source, counts in sent.items()
        }


def _api(name: str) -> Source:
    return Source("AWS/ApiGateway", name, "api")


def _access(name: str) -> Source:
    return Source("AppleMusicRatings/<stack>", name, "access log")


def _version(name: str) -> Source:
    return Source("AWS/Lambda", name, "Lambda's version")


def normal(requests: float) -> Minute:
    """Return a normal minute: 0.05% of requests fail, and DynamoDB is late for 0.3%."""
    return Minute(
        requests=requests,
        failed=FAILED_PERCENT / 100 * requests,
        slow={1500: 0.03 * requests, 3500: 0.004 * requests},
        counted={
            Metric.CACHE_HIT: 0.8 * requests,
            Metric.CACHE_HIT_SLOW: 0.003 * requests,
            Metric.CACHE_STALE: 0.003 * requests,
            Metric.CACHE_READ_FAILED: 0.003 * requests,
            Metric.CACHE_STORE_FAILED: 0.002 * requests,
            Metric.CACHE_INVALIDATION_FAILED: 0.0002 * requests,
            Metric.UPSTREAM_RATE_LIMITED: 0.0005 * requests,
        },
    )


BUSY: Final = normal(1200)
NIGHT: Final = Minute(requests=6)
LONG_MINUTES: Final = 90


def failing(percent: float) -> Minute:
    """Return a normal busy minute in which `percent` of the requests fail."""
    return replace(BUSY, failed=percent / 100 * BUSY.requests)


@dataclass(frozen=True, kw_only=True)
class Incident:
    """An incident, and the longest time in minutes until each notification.

    `record` takes the first minute of the incident, and returns its metrics and length in minutes.
    """

    name: str
    description: str
    record: Callable[[float], tuple[Recording, float]]
    pages: Mapping[PageId, float] = field(default_factory=dict)
    tickets: Mapping[AlarmId, float] = field(default_factory=dict)
    rolls_back: Mapping[AlarmId, float] = field(default_factory=dict)

    @property
    def is_silent(self) -> bool:
        return not (self.pages or self.tickets or self.rolls_back)


def instants(start: float, minutes: float) -> Sequence[int]:
    """Return the minutes at which to evaluate alarms: all at first, then fewer, to save time."""
    first, end = math.floor(start), math.ceil(start + minutes)
    return sorted(
        {
            *range(first, min(end, first + 2 * HOUR)),
            *range(first, min(end, first + 8 * HOUR), 5),
            *range(-(-first // HOUR) * HOUR, end, HOUR),
            *range(end, end + HOUR // 2),
            *range(end, end + 8 * HOUR, 10),
        }
    )


def traffic(  # noqa: PLR0913 - an incident's properties, named at every call
    name: str,
    description: str,
    during: Minute,
    *,
    minutes: float = LONG_MINUTES,
    before: Minute = BUSY,
    pages: Mapping[PageId, float] | None = None,
    tickets: Mapping[AlarmId, float] | None = None,
    rolls_back: Mapping[AlarmId, float] | None = None,
) -> Incident:
    def record(start: float) -> tuple[Recording, float]:
        end = start + minutes
        recording: dict[Source, list[Stretch]] = {}
        for first, last, each in (
            (-math.inf, start, before),
            (start, end, during),
            (end, math.inf, before),
        ):
            for source, samples in each.samples().items():
                stretches = recording.setdefault(source, [])
                is_unchanged = stretches and stretches[-1].samples == samples
                since = stretches.pop().start if is_unchanged else first
                stretches.append(Stretch(since, last, samples))
        return recording, minutes

    return Incident(
        name=name,
        description=description,
        record=record,
        pages=pages or {},
        tickets=tickets or {},
        rolls_back=rolls_back or {},
    )


def release(
    name: str,
    description: str,
    *,
    requests: float,
    failed: float = 0,
    crashed: float = 0,
    milliseconds: int = FAST_MILLISECONDS,
    rolls_back: Mapping[AlarmId, float] | None = None,
) -> Incident:
    """A canary gets a tenth of `requests`; `failed` and `crashed` are shares of this tenth."""
    before, own = normal(requests), requests / 10
    slow = {milliseconds: own} if milliseconds > FAST_MILLISECONDS else {}
    canary = Canary(
        requests=own,
        failed=failed * own,
        crashed=crashed * own,
        slow=slow,
    )
    during = Minute(
        requests=requests,
        failed=before.failed + canary.failed + canary.crashed,
        slow={**before.slow, **slow},
        counted=before.counted,
        canary=canary,
    )
    return traffic(
        name,
        f"{requests:,} requests per minute: {description}",
        during,
        minutes=CANARY_MINUTES,
        before=before,
        rolls_back=rolls_back,
    )
