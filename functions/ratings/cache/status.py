"""The `Cache-Status` header (RFC 9211)."""

from __future__ import annotations

from typing import Final, NamedTuple

STALE_IF_ERROR: Final = "stale-if-error"  # RFC 5861 section 4


class CacheStatus(NamedTuple):
    """How the cache handled a read: `hit`, or `fwd` with the reason for a call to Apple."""

    fwd: str | None = None
    stored: bool = False
    ttl: int | None = None
    detail: str | None = None

    @property
    def is_stale(self) -> bool:
        """Whether a stale copy was served."""
        return self.detail == STALE_IF_ERROR

    def __str__(self) -> str:
        """The header's value."""
        parts = ["apple-music-ratings", "hit" if self.fwd is None else f"fwd={self.fwd}"]
        if self.stored:
            parts.append("stored")
        if self.ttl is not None:
            parts.append(f"ttl={self.ttl}")
        if self.detail is not None:
            parts.append(f"detail={self.detail}")
        return "; ".join(parts)


BYPASS: Final = CacheStatus(fwd="bypass")
