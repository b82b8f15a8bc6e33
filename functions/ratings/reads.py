"""Reads ratings: from the cache while they are fresh, else from Apple."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from functions.ratings import errors
from functions.ratings.apple.client import AppleClient
from functions.ratings.apple.rejected_tokens import RejectedTokens
from functions.ratings.cache.dynamodb import DynamoDBCache
from functions.ratings.cache.lookup import CacheLookup, ReadResult
from functions.ratings.cache.policy import CacheSnapshot
from functions.ratings.models import ReadRequest
from functions.shared.deadline import Clock, Deadline

STORING_SECONDS: Final = 0.6  # reserved for storing the response


@dataclass(eq=False, repr=False)
class Reads:
    """Serves the reads of all users."""

    cache: DynamoDBCache
    apple: AppleClient
    clock: Clock
    rejected_tokens: RejectedTokens

    def read(self, request: ReadRequest, deadline: Deadline) -> ReadResult:
        """Return all requested ratings; call Apple only for ratings without a fresh copy.

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
                deadline.reserve(min(STORING_SECONDS, deadline.remaining() / 2)),
                has_stale=lookup.has_stale,
            )
        except errors.RatingsError as error:
            return self._after_error(error, request, snapshot, lookup)
        stored = bool(
            ratings
            and snapshot is not None
            and snapshot.accepts(requested_at, self.clock.time())
            and self.cache.store(token_hash, snapshot, ratings, requested_at)
        )
        return lookup.fetched(ratings, stored=stored)

    def _look_up(self, request: ReadRequest, snapshot: CacheSnapshot | None) -> CacheLookup:
        return CacheLookup.of(request.keys, snapshot, self.clock.time())

    def _after_error(
        self,
        error: errors.RatingsError,
        request: ReadRequest,
        snapshot: CacheSnapshot | None,
        lookup: CacheLookup,
    ) -> ReadResult:
        if isinstance(error, errors.DependencyError):
            aged = self._look_up(request, snapshot)  # copies may expire during the call to Apple
            if aged.has_stale:
                return aged.serve_stale(
                    apple_called=not isinstance(error, errors.AppleNotCalledError)
                )
        if isinstance(error, errors.UserTokenRejectedError):
            self.rejected_tokens.remember(request.token)
            has_ratings = snapshot is not None and any(snapshot.buckets.values())
            family = request.keys[0].family
            self.cache.invalidate(request.token.hash, family, has_ratings=has_ratings)
        return lookup.failed(error)
