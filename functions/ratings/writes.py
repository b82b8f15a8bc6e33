"""Writes ratings: announces each write to the cache, sends it to Apple, and closes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from functions.ratings.apple.client import AppleClient
from functions.ratings.apple.documents import rating_of
from functions.ratings.apple.rejected_tokens import RejectedTokens
from functions.ratings.cache.dynamodb import DynamoDBCache
from functions.ratings.cache.policy import cached_ratings, is_cacheable
from functions.ratings.errors import RatingsError, UserTokenRejectedError
from functions.ratings.models import Rating, WriteRequest
from functions.shared.deadline import Clock, Deadline

CLOSING_SECONDS: Final = 1.0  # reserved for closing a write and storing its rating


@dataclass(eq=False, repr=False)
class Writes:
    """Serves writes for the bearers of user tokens; docs/coherence.md explains the steps."""

    cache: DynamoDBCache
    apple: AppleClient
    clock: Clock
    rejected_tokens: RejectedTokens

    def write(self, request: WriteRequest, deadline: Deadline) -> Rating:
        """Write a rating, and return what it is now.

        Raises:
            RatingsError: if Apple did not accept the write; `outcome_unknown` says whether it may
                take effect nevertheless.
        """
        self.rejected_tokens.check(request.token)
        deadline = deadline.reserve(CLOSING_SECONDS)
        self.apple.check_available(deadline)
        token_hash, family = request.token.hash, request.key.family
        started = self.cache.open_write(token_hash, family)
        requested_at = self.clock.time()
        unknown, is_clear = True, False
        try:
            result = self.apple.write(request, deadline)
            unknown, is_clear = result.outcome_unknown, result.is_clear
        except RatingsError as error:
            unknown = error.outcome_unknown
            if isinstance(error, UserTokenRejectedError):
                self.rejected_tokens.remember(request.token)
            raise
        finally:
            finished = self.cache.close_write(token_hash, family, started, unknown=unknown)
        rating = rating_of(request.key, request.value)
        if is_clear and not unknown and finished and is_cacheable(started, finished):
            ratings = {request.key: rating}
            self.cache.store(token_hash, cached_ratings(ratings, requested_at, finished.generation))
        return rating
