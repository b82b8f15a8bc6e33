"""Answers for a user's ratings: from the cache while it is fresh, else from Apple Music."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from functions.ratings.cache_policy import CachedRating, CachePolicy, Generation
from functions.ratings.cache_status import BYPASS, CacheStatus
from functions.ratings.deadline import Clock, Deadline
from functions.ratings.errors import CacheUnavailableError, DependencyError, RatingsError
from functions.ratings.models import MusicUserToken, QueryOptions, Rating, RatingKey
from functions.ratings.read_plan import Reading, plan_read
from functions.ratings.response_cache import CacheSnapshot

STALE_READY_SECONDS: Final = 1.5
"""How long Apple is waited for where a stale copy is at hand, so that it is out within 2 s."""

STORING_SECONDS: Final = 0.4
"""What is kept back of a deadline, to store Apple's answer and to give ours."""


class ResponseCache(Protocol):
    """A store of ratings, apart for each owner; every method may raise `CacheUnavailableError`."""

    def read(self, owner: str, family: str, keys: Collection[RatingKey]) -> CacheSnapshot:
        """Read what is held of `keys` in the present generation, and that generation."""
        ...

    def store(self, owner: str, key: RatingKey, cached: CachedRating) -> None:
        """Keep one rating."""
        ...


class RatingsUpstream(Protocol):
    """Apple Music's ratings; every method may raise `IdentityError` or `DependencyError`."""

    def get_one(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> Rating:
        """Ask for one rating."""
        ...


class RatingsService:
    """Reads ratings for the bearer of a music user token."""

    def __init__(
        self,
        *,
        cache: ResponseCache,
        upstream: RatingsUpstream,
        policy: CachePolicy,
        clock: Clock,
        on_cache_failure: Callable[[CacheUnavailableError], None],
    ) -> None:
        """Answer out of `cache` as `policy` allows, else out of `upstream`.

        `on_cache_failure` is told of what no caller notices.
        """
        self._cache = cache
        self._upstream = upstream
        self._policy = policy
        self._clock = clock
        self._on_cache_failure = on_cache_failure

    def get_one(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> Reading:
        """Give one rating.

        Raises:
            IdentityError: where Apple refuses.
            DependencyError: where Apple fails and no copy may stand in.
        """
        snapshot = self._snapshot(token, key) if options.bare else None
        if snapshot is None:
            return self._bypass(token, key, options, deadline)
        plan = plan_read((key,), snapshot.ratings, self._policy, self._clock.time())
        if not plan.wanted:
            return plan.hit()
        asking = deadline.less(STORING_SECONDS)
        if plan.has_stand_in:
            asking = asking.at_most(STALE_READY_SECONDS)
        requested_at = self._clock.time()
        try:
            rating = self._upstream.get_one(token, key, options, asking)
        except RatingsError as error:
            if plan.has_stand_in and isinstance(error, DependencyError):
                return plan.stale_if_error()
            error.cache_status = CacheStatus(fwd=plan.reason)
            raise
        stored = self._store(token, {key: rating}, requested_at, snapshot.generation)
        return plan.answered({key: rating}, stored=stored)

    def _bypass(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> Reading:
        try:
            rating = self._upstream.get_one(token, key, options, deadline)
        except RatingsError as error:
            error.cache_status = BYPASS
            raise
        return Reading(ratings=(rating,), cache_status=BYPASS)

    def _snapshot(self, token: MusicUserToken, key: RatingKey) -> CacheSnapshot | None:
        try:
            return self._cache.read(token.owner, key.family, (key,))
        except CacheUnavailableError as error:
            self._on_cache_failure(error)
            return None

    def _store(
        self,
        token: MusicUserToken,
        ratings: Mapping[RatingKey, Rating],
        requested_at: float,
        generation: Generation | None,
    ) -> bool:
        """Keep Apple's answers, unless a write may have come too close; say whether they are."""
        if generation is None or not generation.is_settled(requested_at):
            return False
        try:
            for key, rating in ratings.items():
                self._cache.store(
                    token.owner,
                    key,
                    CachedRating(
                        rating=rating, requested_at=requested_at, generation=generation.number
                    ),
                )
        except CacheUnavailableError as error:
            self._on_cache_failure(error)
            return False
        return True
