"""The figures of a fleet after a fault, and the limits that the project requires."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from itertools import pairwise
from math import inf
from statistics import fmean
from typing import Final, NamedTuple

from bench.fleet.fleet import READ_SECONDS, SESSION_READS, Fleet, Kind, Served
from bench.fleet.services import Called
from functions.ratings.cache.status import BYPASS

BIN_SECONDS: Final = 0.25
AFFECTED_SHARE: Final = 0.05  # a bin counts as affected if Lambda refuses this share of its hits


class Figure(NamedTuple):
    """One measurement, and its limit: a maximum, or with `at_least` a minimum.

    `earlier` is the figure without the rules of `functions.ratings.resilience`.
    """

    name: str
    value: float
    limit: float
    at_least: bool = False
    earlier: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the figure is within its limit."""
        value = round(self.value, 3)
        return value >= self.limit if self.at_least else value <= self.limit


class Run:
    """A finished simulation; Apple allowed `quota` calls per second during the fault."""

    def __init__(self, fleet: Fleet, *, began: float, seconds: float, quota: float) -> None:
        self.fleet, self.began, self.seconds, self.quota = fleet, began, seconds, quota
        self.ended = began + seconds
        self.apple_calls = self.during(fleet.apple.calls)

    def served(self, *kinds: Kind) -> list[Served]:
        """The requests of these kinds that began during the fault."""
        return [
            each
            for each in self.fleet.served
            if self.began <= each.at < self.ended and each.kind in kinds
        ]

    def during(self, calls: Iterable[Called]) -> list[Called]:
        """The calls that began during the fault."""
        return [call for call in calls if self.began <= call.at < self.ended]

    def recovery(self, is_affected: Callable[[Served], bool]) -> float:
        """Seconds from the end of the fault to the last request that it affected."""
        affected = (each.at for each in self.fleet.served if is_affected(each))
        return max(0.0, max(affected, default=self.ended) - self.ended)


def throttled(run: Run) -> Iterator[Figure]:
    """Apple throttles above a quota, with bursts of up to one second's quota."""
    quota = run.quota
    calls = run.apple_calls
    successes = sum(call.status == HTTPStatus.OK for call in calls)
    hits = [each for each in run.served(Kind.HIT) if each.at >= run.ended - READ_SECONDS]
    allowed = quota * (SESSION_READS - 1) * READ_SECONDS
    total = quota * run.seconds
    yield Figure("calls to Apple / quota", len(calls) / total, 2.0, earlier="6 to 36")
    yield Figure("successes / quota", successes / total, 0.9, at_least=True, earlier="as now")
    yield Figure("hits / hits expected at this quota", len(hits) / allowed, 0.9, at_least=True)


def silent(run: Run) -> Iterator[Figure]:
    """Apple does not respond: how long Lambda refuses hits, and how long a probe takes."""
    # The breaker opens after two timeouts: all later calls are probes.
    probes = [call.seconds for calls in _by_environment(run.apple_calls) for call in calls[2:]]
    affected = affected_seconds(run)
    yield Figure("s in which hits are refused", affected, 8.0, earlier="17")
    yield Figure("s that a probe takes, on average", fmean(probes or [inf]), 2.75, earlier="5.4")
    yield Figure("s that a probe takes, at most", max(probes, default=inf), 4.0, earlier="5.4")


def affected_seconds(run: Run) -> float:
    """Count the seconds in which Lambda refuses hits because all environments are busy."""
    all_hits, refused = Counter[int](), Counter[int]()
    for each in run.fleet.served:
        if each.kind is Kind.HIT and each.at >= run.began:
            bin_number = int((each.at - run.began) / BIN_SECONDS)
            all_hits[bin_number] += 1
            refused[bin_number] += each.status is None
    affected = (refused[each] >= AFFECTED_SHARE * count for each, count in all_hits.items())
    return BIN_SECONDS * sum(affected)


def slow(run: Run) -> Iterator[Figure]:
    """Apple is too slow for users with a stale copy, and fast enough for all others."""
    cut_short = (
        sum(call.status is None for call in calls) for calls in _by_environment(run.apple_calls)
    )
    limit = 3 + run.seconds // 10  # three timeouts, then one probe every 10 s
    yield Figure(
        "share of failures: reads without a copy",
        _failed(run, Kind.MISS),
        0,
        earlier="breaker opens",
    )
    yield Figure("share of failures: writes", _failed(run, Kind.WRITE), 0, earlier="breaker opens")
    yield Figure("1.5 s timeouts per environment, at most", max(cut_short, default=0), limit)


def bad_item(run: Run) -> Iterator[Figure]:
    """Apple fails for one item."""
    others = [each for each in run.served(Kind.MISS) if not each.is_broken]
    share = _failure_share(others)
    yield Figure("share of failures: reads of other items", share, 0, earlier="breaker opens")


def revoked(run: Run) -> Iterator[Figure]:
    """Apple rejects the developer token: each environment calls Apple once, and probes once."""
    calls = max(map(len, _by_environment(run.apple_calls)), default=0)
    yield Figure("calls to Apple per environment, at most", calls, 2, earlier="every miss")
    yield _secret_pause(run, 10.0)


def unreadable(run: Run) -> Iterator[Figure]:
    """No environment has a developer token, or can read one."""
    yield _secret_pause(run, 2.0)


def _secret_pause(run: Run, seconds: float) -> Figure:
    by_environment = _by_environment(run.during(run.fleet.secrets.calls))
    pauses = [
        later.at - earlier.at for calls in by_environment for earlier, later in pairwise(calls)
    ]
    name, least = "s between reads of the secret, at least", min(pauses, default=inf)
    return Figure(name, least, seconds, at_least=True, earlier="no pause")


def dynamodb_silent(run: Run) -> Iterator[Figure]:
    """DynamoDB does not respond."""
    by_environment = _by_environment(run.during(run.fleet.dynamodb.reads))
    # The limit is 8: three failed reads, then probes after 1, 2, 4, 8 and 10 s.
    reads = max(map(len, by_environment))
    yield Figure("reads of DynamoDB per environment, at most", reads, 8, earlier="every read")
    yield Figure("s in which reads are refused", affected_seconds(run), 2.0)


def starts(run: Run) -> Iterator[Figure]:
    """All environments start at the same time."""
    by_environment = _by_environment(run.fleet.secrets.calls)
    yield Figure(
        "reads of the secret per environment", max(map(len, by_environment)), 1, earlier="1"
    )


def _by_environment(calls: Iterable[Called]) -> Sequence[Sequence[Called]]:
    grouped: dict[int, list[Called]] = defaultdict(list)
    for call in calls:
        grouped[call.environment].append(call)
    for each in grouped.values():
        each.sort()
    return list(grouped.values())


def _failed(run: Run, kind: Kind) -> float:
    return _failure_share(run.served(kind))


def _failure_share(served: Sequence[Served]) -> float:
    return fmean([not each.is_success for each in served] or [1.0])


def is_error(served: Served) -> bool:
    """Whether the function responded with an error."""
    return served.status is not None and not served.is_success


def is_bypass(served: Served) -> bool:
    """Whether a read bypassed the cache."""
    return served.cache_status is not None and served.cache_status.fwd == BYPASS.fwd
