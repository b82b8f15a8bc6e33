"""Writes ratings: announces each write to the cache, sends it to Apple, closes it in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from functions.ratings.apple.client import AppleClient
from functions.ratings.apple.rejected_tokens import RejectedTokens
from functions.ratings.cache.dynamodb import DynamoDBCache
from functions.ratings.cache.policy import StoredRating, WriteOutcome
from functions.ratings.errors import RatingsError, UserTokenRejectedError
from functions.ratings.models import Rating, WriteRequest, WriteResult, rating_of
from functions.shared.deadline import Clock, Deadline

OPENING_SECONDS: Final = 0.3  # reserved for the announcement
CLOSING_SECONDS: Final = 1.0  # reserved for closing a write


@dataclass(eq=False, repr=False)
class Writes:
    """Serves the writes of all users; docs/coherence.md explains the steps."""

    cache: DynamoDBCache
    apple: AppleClient
    clock: Clock
    rejected_tokens: RejectedTokens

    def write(self, request: WriteRequest, deadline: Deadline) -> Rating:
        """Write a rating, and return the new one.

        Raises:
            RatingsError: if Apple did not accept the write; `outcome_unknown` says whether the
                write may still take effect.
        """
        self.rejected_tokens.check(request.token)
        deadline = deadline.reserve(CLOSING_SECONDS)
        self.apple.check_available(deadline.reserve(OPENING_SECONDS))
        started = self.cache.open_write(request.token.hash, request.key.family)
        written = StoredRating(request.value or 0, self.clock.time())
        outcome = WriteOutcome.UNKNOWN
        try:
            outcome = _outcome(self.apple.write(request, deadline))
        except RatingsError as error:
            outcome = WriteOutcome.UNKNOWN if error.outcome_unknown else WriteOutcome.REJECTED
            if isinstance(error, UserTokenRejectedError):
                self.rejected_tokens.remember(request.token)
            raise
        finally:
            self.cache.close_write(request.token.hash, request.key, started, outcome, written)
        return rating_of(request.key, written.value)


def _outcome(result: WriteResult) -> WriteOutcome:
    if result.outcome_unknown:
        return WriteOutcome.UNKNOWN
    return WriteOutcome.CONFIRMED if result.is_confirmed else WriteOutcome.ACCEPTED
