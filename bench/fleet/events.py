"""Runs synchronous code on a virtual clock, one event at a time, in the order of their times."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

from greenlet import getcurrent, greenlet

_EPOCH: Final = 1_800_000_000.0


class EventLoop:
    """Replaces `time`, `monotonic` and `sleep` of the `time` module; `sleep` runs other events.

    `monotonic` begins at 0. Events with the same time run in the order of their scheduling.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._order = count()
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._loop = getcurrent()
        self._idle: list[greenlet] = []  # making a greenlet takes longer than a request

    def time(self) -> float:
        """Seconds since the epoch."""
        return _EPOCH + self._now

    def monotonic(self) -> float:
        """Seconds since the start of the simulation."""
        return self._now

    def at(self, time: float, call: Callable[[], object]) -> None:
        """Schedule `call`, which must not sleep, at a `time` of the monotonic clock."""
        heappush(self._events, (time, next(self._order), call))

    def start(self, call: Callable[..., object], *arguments: object) -> None:
        """Run `call` until it first sleeps or returns; later events continue it."""
        worker = self._idle.pop() if self._idle else greenlet(self._work, self._loop)
        worker.switch(call, arguments)

    def sleep(self, seconds: float) -> None:
        """Return after this time; other events run meanwhile."""
        self.at(self._now + seconds, getcurrent().switch)
        self._loop.switch()

    def run(self, until: float) -> None:
        """Run all events before the time `until` of the monotonic clock."""
        while self._events and self._events[0][0] < until:
            self._now, _, call = heappop(self._events)
            call()
        self._now = until

    def _work(self, call: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        while True:
            call(*arguments)
            self._idle.append(getcurrent())
            call, arguments = self._loop.switch()
