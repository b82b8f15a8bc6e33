"""The time that one request may still take."""

from __future__ import annotations

from dataclasses import dataclass

from functions.shared.transport import Clock

__all__ = ["Clock", "Deadline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A moment on a monotonic clock by which an answer must be there."""

    at: float
    clock: Clock

    @classmethod
    def after(cls, seconds: float, clock: Clock) -> Deadline:
        """The moment `seconds` from now."""
        return cls(at=clock.monotonic() + seconds, clock=clock)

    def remaining(self) -> float:
        """Seconds left, never less than 0."""
        return max(0.0, self.at - self.clock.monotonic())

    def at_most(self, seconds: float) -> Deadline:
        """This deadline, or the moment `seconds` from now if that comes first."""
        return Deadline(at=min(self.at, self.clock.monotonic() + seconds), clock=self.clock)

    def less(self, seconds: float) -> Deadline:
        """A deadline `seconds` earlier, which keeps that time back for what follows."""
        return Deadline(at=self.at - seconds, clock=self.clock)
