"""Observers that record metrics for assertions."""

from __future__ import annotations

from collections import Counter

from functions.ratings.metrics import Metric


class RecordingObserver:
    """Records counts, measurements and reasons."""

    def __init__(self) -> None:
        self.counted: Counter[Metric] = Counter()
        self.measured: dict[Metric, list[float]] = {}
        self.reasons: list[str] = []

    def count(self, metric: Metric, *, times: int = 1, reason: str = "") -> None:
        self.counted[metric] += times
        if reason:
            self.reasons.append(reason)

    def measure(self, metric: Metric, milliseconds: float) -> None:
        self.measured.setdefault(metric, []).append(milliseconds)


class CacheMustNotFail(RecordingObserver):
    """Fails the test if the cache fails."""

    def count(self, metric: Metric, *, times: int = 1, reason: str = "") -> None:
        assert not metric.value.startswith("Cache"), (metric, reason)
        super().count(metric, times=times, reason=reason)
