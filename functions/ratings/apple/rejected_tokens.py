"""Remembers for 10 s which user tokens Apple rejected, so that they are not sent to Apple."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from functions.ratings.errors import UserTokenRejectedError
from functions.ratings.models import MusicUserToken
from functions.shared.deadline import Clock

REJECTED_SECONDS: Final = 10  # stops retry loops; does not delay a user who signs in again
MAX_REJECTED: Final = 1000  # then the oldest hash is removed


class RejectedTokens:
    """The hashes of the user tokens that Apple rejected in the last 10 s."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()

    def remember(self, token: MusicUserToken) -> None:
        """Record that Apple has just rejected the token."""
        self._until.pop(token.hash, None)
        self._until[token.hash] = self._clock.monotonic() + REJECTED_SECONDS
        if len(self._until) > MAX_REJECTED:
            self._until.popitem(last=False)

    def check(self, token: MusicUserToken) -> None:
        """Raise a `UserTokenRejectedError` if Apple rejected the token in the last 10 s."""
        if self._clock.monotonic() < self._until.get(token.hash, float("-inf")):
            raise UserTokenRejectedError("rejected by Apple a moment ago")
