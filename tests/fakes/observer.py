"""An observer that keeps what it is told, for a test to look at."""

from __future__ import annotations

from collections import Counter

from functions.ratings.metrics import Metric


class RecordingObserver:
    """What was counted, what was measured, and the reasons given."""

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


class CacheMayNotFail(RecordingObserver):
    """Takes a failing cache for a failed test."""

    def count(self, metric: Metric, *, times: int = 1, reason: str = "") -> None:
        assert not metric.value.startswith("Cache"), (metric, reason)
        super().count(metric, times=times, reason=reason)
