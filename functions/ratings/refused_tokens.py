"""Remembers for a moment whom Apple has refused, so that asking again costs nobody anything."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from functions.ratings.deadline import Clock

REFUSED_SECONDS: Final = 10
"""How long a refusal is remembered: long enough for a loop, short for a user who signs in again."""

MOST_REFUSED: Final = 1000
"""How many refusals are remembered; the oldest are forgotten first."""


class RefusedTokens:
    """The owners, never the tokens, that Apple refused in the last seconds."""

    def __init__(self, clock: Clock) -> None:
        """Begin with nobody."""
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()

    def remember(self, owner: str) -> None:
        """Apple has just refused this owner's token."""
        self._until.pop(owner, None)
        self._until[owner] = self._clock.monotonic() + REFUSED_SECONDS
        if len(self._until) > MOST_REFUSED:
            self._until.popitem(last=False)

    def __contains__(self, owner: str) -> bool:
        """Whether the refusal still holds."""
        until = self._until.get(owner)
        return until is not None and self._clock.monotonic() < until
