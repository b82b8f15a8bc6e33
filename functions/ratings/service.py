"""Answers for a user's ratings: from the cache while it is fresh, else from Apple Music."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from math import ceil
from typing import Final, Protocol

from functions.ratings.cache_policy import (
    CachedRating,
    CachePolicy,
    ClosedWrite,
    OpenWrite,
    is_last_word,
)
from functions.ratings.cache_status import BYPASS, CacheStatus
from functions.ratings.deadline import Clock, Deadline
from functions.ratings.errors import CacheUnavailableError, DependencyError, RatingsError
from functions.ratings.models import (
    MusicUserToken,
    QueryOptions,
    Rating,
    RatingKey,
    RatingValue,
)
from functions.ratings.ratings_document import write_rating
from functions.ratings.read_plan import Reading, ReadPlan, plan_read
from functions.ratings.response_cache import WRITE_BATCH, CacheSnapshot

STALE_READY_SECONDS: Final = 1.5
"""How long Apple is waited for where a stale copy is at hand, so that it is out within 2 s."""

STORING_SECONDS: Final = 0.4
"""What is kept back of a deadline for each batch of Apple's answer that is stored."""

CLOSING_SECONDS: Final = 1.0
"""What is kept back of a write's deadline, to close it and to store its answer."""

Ask = Callable[[Sequence[RatingKey], Deadline], Mapping[RatingKey, Rating]]
"""Asks Apple for the ratings of some keys."""

Send = Callable[[Deadline], Rating | None]
"""Sends a write to Apple, and gives what Apple clearly said of it."""


class ResponseCache(Protocol):
    """A store of ratings, apart for each owner; every method may raise `CacheUnavailableError`."""

    def read(self, owner: str, family: str, keys: Collection[RatingKey]) -> CacheSnapshot:
        """Read what is held of `keys` in the present generation, and that generation."""
        ...

    def store(self, owner: str, ratings: Mapping[RatingKey, CachedRating]) -> None:
        """Keep ratings."""
        ...

    def open_write(self, owner: str, family: str, now: float) -> OpenWrite:
        """Announce a write."""
        ...

    def close_write(
        self, owner: str, family: str, opened: OpenWrite | None, now: float, *, unknown: bool
    ) -> ClosedWrite:
        """Say that a write is over."""
        ...


class RatingsUpstream(Protocol):
    """Apple Music's ratings; every method may raise `IdentityError` or `DependencyError`."""

    def get_one(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> Rating:
        """Ask for one rating."""
        ...

    def get_many(
        self,
        token: MusicUserToken,
        keys: Sequence[RatingKey],
        options: QueryOptions,
        deadline: Deadline,
    ) -> Mapping[RatingKey, Rating]:
        """Ask for the ratings of several keys of one type."""
        ...

    def put(
        self,
        token: MusicUserToken,
        key: RatingKey,
        value: RatingValue,
        options: QueryOptions,
        deadline: Deadline,
    ) -> Rating | None:
        """Rate an item."""
        ...

    def delete(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> Rating | None:
        """Take a rating away."""
        ...


class RatingsService:
    """Reads and writes ratings for the bearer of a music user token."""

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

        def ask(_: Sequence[RatingKey], asking: Deadline) -> Mapping[RatingKey, Rating]:
            return {key: self._upstream.get_one(token, key, options, asking)}

        return self._read(token, (key,), options, deadline, ask)

    def get_many(
        self,
        token: MusicUserToken,
        keys: Sequence[RatingKey],
        options: QueryOptions,
        deadline: Deadline,
    ) -> Reading:
        """Give the ratings of several keys of one type, in their order.

        Apple is asked for those alone that the cache cannot answer.

        Raises:
            IdentityError: where Apple refuses.
            DependencyError: where Apple fails and a copy of any of them is missing.
        """

        def ask(wanted: Sequence[RatingKey], asking: Deadline) -> Mapping[RatingKey, Rating]:
            return self._upstream.get_many(token, wanted, options, asking)

        return self._read(token, keys, options, deadline, ask)

    def put(
        self,
        token: MusicUserToken,
        key: RatingKey,
        value: RatingValue,
        options: QueryOptions,
        deadline: Deadline,
    ) -> Rating:
        """Rate an item.

        Raises:
            IdentityError: where Apple refuses, and nothing was written.
            DependencyError: where the outcome is unknown.
        """

        def send(sending: Deadline) -> Rating | None:
            return self._upstream.put(token, key, value, options, sending)

        return self._write(token, key, deadline, send) or write_rating(key, value)

    def delete(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> None:
        """Take a rating away, if there is one.

        Raises:
            IdentityError: where Apple refuses, and nothing was deleted.
            DependencyError: where the outcome is unknown.
        """

        def send(sending: Deadline) -> Rating | None:
            return self._upstream.delete(token, key, options, sending)

        self._write(token, key, deadline, send)

    def _read(
        self,
        token: MusicUserToken,
        keys: Sequence[RatingKey],
        options: QueryOptions,
        deadline: Deadline,
        ask: Ask,
    ) -> Reading:
        snapshot = self._snapshot(token, keys) if options.bare else None
        if snapshot is None:
            ratings = self._ask_past_the_cache(keys, deadline, ask)
            return Reading(ratings=ratings, cache_status=BYPASS)
        plan = plan_read(keys, snapshot.ratings, self._policy, self._clock.time())
        if not plan.wanted:
            return plan.hit()
        requested_at = self._clock.time()
        try:
            fetched = ask(plan.wanted, _asking(plan, deadline))
        except RatingsError as error:
            if plan.has_stand_in and isinstance(error, DependencyError):
                return plan.stale_if_error()
            error.cache_status = CacheStatus(fwd=plan.reason)
            raise
        stored = self._store_fetched(token, fetched, requested_at, snapshot)
        return plan.answered(fetched, stored=stored)

    def _ask_past_the_cache(
        self, keys: Sequence[RatingKey], deadline: Deadline, ask: Ask
    ) -> tuple[Rating, ...]:
        try:
            fetched = ask(keys, deadline)
        except RatingsError as error:
            error.cache_status = BYPASS
            raise
        return tuple(fetched[key] for key in keys)

    def _snapshot(self, token: MusicUserToken, keys: Sequence[RatingKey]) -> CacheSnapshot | None:
        try:
            return self._cache.read(token.owner, keys[0].family, keys)
        except CacheUnavailableError as error:
            self._on_cache_failure(error)
            return None

    def _store_fetched(
        self,
        token: MusicUserToken,
        fetched: Mapping[RatingKey, Rating],
        requested_at: float,
        snapshot: CacheSnapshot,
    ) -> bool:
        """Keep what Apple said, unless a write came too close; say whether it is kept."""
        generation = snapshot.generation
        if generation is None or not generation.is_settled(requested_at):
            return False
        return self._store(token, fetched, requested_at, generation.number)

    def _store(
        self,
        token: MusicUserToken,
        ratings: Mapping[RatingKey, Rating],
        requested_at: float,
        generation: int | None,
    ) -> bool:
        cached = {
            key: CachedRating(rating=rating, requested_at=requested_at, generation=generation)
            for key, rating in ratings.items()
        }
        try:
            self._cache.store(token.owner, cached)
        except CacheUnavailableError as error:
            self._on_cache_failure(error)
            return False
        return True

    def _write(
        self, token: MusicUserToken, key: RatingKey, deadline: Deadline, send: Send
    ) -> Rating | None:
        """Send a write between its announcement and its close, whatever becomes of it."""
        opened = self._open_write(token, key)
        requested_at = self._clock.time()
        try:
            rating = send(deadline.less(CLOSING_SECONDS))
        except RatingsError as error:
            self._close_write(token, key, opened, unknown=isinstance(error, DependencyError))
            raise
        closed = self._close_write(token, key, opened, unknown=False)
        if rating is not None and closed is not None and is_last_word(opened, closed):
            self._store(token, {key: rating}, requested_at, closed.generation)
        return rating

    def _open_write(self, token: MusicUserToken, key: RatingKey) -> OpenWrite | None:
        try:
            return self._cache.open_write(token.owner, key.family, self._clock.time())
        except CacheUnavailableError as error:
            self._on_cache_failure(error)
            return None

    def _close_write(
        self, token: MusicUserToken, key: RatingKey, opened: OpenWrite | None, *, unknown: bool
    ) -> ClosedWrite | None:
        try:
            return self._cache.close_write(
                token.owner, key.family, opened, self._clock.time(), unknown=unknown
            )
        except CacheUnavailableError as error:
            self._on_cache_failure(error)
            return None


def _asking(plan: ReadPlan, deadline: Deadline) -> Deadline:
    """Give Apple what is left of the deadline after storing, but less where a copy is at hand."""
    asking = deadline.less(STORING_SECONDS * ceil(len(plan.wanted) / WRITE_BATCH))
    return asking.at_most(STALE_READY_SECONDS) if plan.has_stand_in else asking
