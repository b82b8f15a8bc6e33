"""Says what the cache did for an answer, in the words of RFC 9211."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STALE_IF_ERROR: Final = "stale-if-error"
"""The detail of an answer that a stale copy gave (RFC 5861 section 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStatus:
    """What the cache did for an answer, as `Cache-Status` tells it (RFC 9211).

    Either `hit`, or `fwd` with the reason for asking Apple.
    """

    fwd: str | None = None
    stored: bool = False
    ttl: int | None = None
    detail: str | None = None

    @property
    def is_stand_in(self) -> bool:
        """Whether a stale copy answered in Apple's place."""
        return self.detail == STALE_IF_ERROR

    def __str__(self) -> str:
        """The field's value, this cache named first."""
        parts = ["apple-music-ratings", "hit" if self.fwd is None else f"fwd={self.fwd}"]
        if self.stored:
            parts.append("stored")
        if self.ttl is not None:
            parts.append(f"ttl={self.ttl}")
        if self.detail is not None:
            parts.append(f"detail={self.detail}")
        return "; ".join(parts)


BYPASS: Final = CacheStatus(fwd="bypass")
