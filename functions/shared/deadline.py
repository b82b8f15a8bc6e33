"""Clocks, and the time that remains for one piece of work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """The two clocks of the `time` module, which implements this protocol."""

    def time(self) -> float:
        """Seconds since the epoch; they advance while Lambda freezes the process."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment, never going back."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A moment on a monotonic clock by which work must end."""

    at: float
    clock: Clock

    @classmethod
    def after(cls, seconds: float, clock: Clock) -> Deadline:
        """The moment `seconds` from now."""
        return cls(at=clock.monotonic() + seconds, clock=clock)

    def remaining(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self.at - self.clock.monotonic())

    def cap(self, seconds: float) -> Deadline:
        """The earlier of this deadline and the moment `seconds` from now."""
        return Deadline(at=min(self.at, self.clock.monotonic() + seconds), clock=self.clock)

    def reserve(self, seconds: float) -> Deadline:
        """A deadline `seconds` earlier, which leaves that time for later work."""
        return Deadline(at=self.at - seconds, clock=self.clock)
