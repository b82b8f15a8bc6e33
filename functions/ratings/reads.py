"""Reads ratings: from the cache while they are fresh, else from Apple."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from functions.ratings import errors
from functions.ratings.apple.client import AppleClient
from functions.ratings.apple.rejected_tokens import RejectedTokens
from functions.ratings.cache.dynamodb import WRITE_BATCH, DynamoDBCache
from functions.ratings.cache.lookup import CacheLookup, ReadResult
from functions.ratings.cache.policy import CachePolicy, CacheSnapshot, cached_ratings
from functions.ratings.models import ReadRequest
from functions.shared.deadline import Clock, Deadline

STALE_READY_SECONDS: Final = 1.5  # for Apple, if a stale copy can be served: responds within 2 s
STORING_SECONDS: Final = 0.6  # reserved for storing each batch of ratings


@dataclass(eq=False, repr=False)
class Reads:
    """Serves reads for the bearers of user tokens."""

    cache: DynamoDBCache
    apple: AppleClient
    policy: CachePolicy
    clock: Clock
    rejected_tokens: RejectedTokens

    def read(self, request: ReadRequest, deadline: Deadline) -> ReadResult:
        """Return the ratings of all requested items; only those not cached come from Apple.

        Raises:
            UserTokenRejectedError: if Apple rejected the user token a moment ago.
        """
        self.rejected_tokens.check(request.token)
        token_hash = request.token.hash
        snapshot = self.cache.read(token_hash, request.keys) if request.options.bare else None
        lookup = self._look_up(request, snapshot)
        if not lookup.missing:
            return lookup.hit()
        requested_at = self.clock.time()
        try:
            ratings = self.apple.read(
                replace(request, keys=lookup.missing),
                _apple_deadline(lookup, deadline),
                has_stale=lookup.has_stale,
            )
        except errors.RatingsError as error:
            return self._after_error(error, request, snapshot, lookup)
        generation = None if snapshot is None else snapshot.generation
        stored = False
        if ratings and generation is not None and generation.is_settled(requested_at):
            stored = self.cache.store(
                token_hash, cached_ratings(ratings, requested_at, generation.number)
            )
        return lookup.fetched(ratings, stored=stored)

    def _look_up(self, request: ReadRequest, snapshot: CacheSnapshot | None) -> CacheLookup:
        return CacheLookup.of(request.keys, snapshot, self.policy, self.clock.time())

    def _after_error(
        self,
        error: errors.RatingsError,
        request: ReadRequest,
        snapshot: CacheSnapshot | None,
        lookup: CacheLookup,
    ) -> ReadResult:
        if isinstance(error, errors.DependencyError):
            now = self._look_up(request, snapshot)  # the copies have aged during the call to Apple
            if now.has_stale:
                return now.serve_stale(
                    apple_called=not isinstance(error, errors.AppleNotCalledError)
                )
        if isinstance(error, errors.UserTokenRejectedError):
            self.rejected_tokens.remember(request.token)
            has_ratings = snapshot is not None and bool(snapshot.ratings)
            family = request.keys[0].family
            self.cache.invalidate(request.token.hash, family, has_ratings=has_ratings)
        return lookup.failed(error)


def _apple_deadline(lookup: CacheLookup, deadline: Deadline) -> Deadline:
    """Reserve time to store the response; do not wait long if a stale copy can be served."""
    batches = ceil(len(lookup.missing) / WRITE_BATCH) if lookup.is_cached else 1
    deadline = deadline.reserve(min(STORING_SECONDS * batches, deadline.remaining() / 2))
    return deadline.cap(STALE_READY_SECONDS) if lookup.has_stale else deadline
