"""A clock that only tests advance."""

from __future__ import annotations


class FakeClock:
    """Wall time and monotonic time, which advance together."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now

    def time(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


class SkewedClock(FakeClock):
    """The clock of one environment; its wall time is `skew` seconds ahead of `clock`."""

    def __init__(self, clock: FakeClock, skew: float) -> None:
        self._clock = clock
        self._skew = skew

    def time(self) -> float:
        return self._clock.time() + self._skew

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def advance(self, seconds: float) -> None:
        self._clock.advance(seconds)
