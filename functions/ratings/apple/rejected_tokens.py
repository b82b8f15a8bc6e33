"""Remembers for a moment which user tokens Apple rejected, so that repeats do not reach Apple."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from functions.ratings.errors import UserTokenRejectedError
from functions.ratings.models import MusicUserToken
from functions.shared.deadline import Clock

REJECTED_SECONDS: Final = 10  # stops a loop, and does not delay a user who signs in again
MAX_REJECTED: Final = 1000  # the oldest are forgotten first


class RejectedTokens:
    """The hashes of the tokens that Apple rejected in the last seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()

    def remember(self, token: MusicUserToken) -> None:
        """Apple has just rejected the token."""
        self._until.pop(token.hash, None)
        self._until[token.hash] = self._clock.monotonic() + REJECTED_SECONDS
        if len(self._until) > MAX_REJECTED:
            self._until.popitem(last=False)

    def check(self, token: MusicUserToken) -> None:
        """Raise a `UserTokenRejectedError` if the token was rejected."""
        if self._clock.monotonic() < self._until.get(token.hash, float("-inf")):
            raise UserTokenRejectedError("rejected by Apple a moment ago")
