"""Answers for a user's ratings: from the cache while it is fresh, else from Apple Music."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from functions.ratings.errors import (
    AppleAnswerUnusableError,
    AppleNotAskedError,
    AppleThrottlesError,
    AppleTooSlowError,
    AppleUnavailableError,
    AppleUnreachableError,
    AppleUntrustedError,
    CacheUnavailableError,
    DependencyError,
    DeveloperTokenMissingError,
    DeveloperTokenRefusedError,
    RatingsError,
    RequestRejectedError,
    UserTokenRefusedError,
)
from functions.ratings.metrics import Metric, Observer
from functions.ratings.models import (
    NOT_RATED,
    MusicUserToken,
    QueryOptions,
    Rating,
    RatingKey,
    RatingValue,
    Written,
)
from functions.ratings.ratings_document import write_rating
from functions.ratings.read_plan import Reading, ReadPlan, plan_read
from functions.ratings.refused_tokens import RefusedTokens
from functions.ratings.response_cache import WRITE_BATCH, CacheSnapshot

STALE_READY_SECONDS: Final = 1.5
"""How long Apple is waited for where a stale copy is at hand, so that it is out within 2 s."""

STORING_SECONDS: Final = 0.6
"""What is kept back of a deadline for each batch of Apple's answer that is stored."""

CLOSING_SECONDS: Final = 1.0
"""What is kept back of a write's deadline, to close it and to store its answer."""

_FAILURES: Final[Mapping[type[RatingsError], Metric]] = {
    AppleUnreachableError: Metric.UPSTREAM_UNREACHABLE,
    AppleUntrustedError: Metric.UPSTREAM_UNTRUSTED,
    AppleTooSlowError: Metric.UPSTREAM_TOO_SLOW,
    AppleAnswerUnusableError: Metric.UPSTREAM_UNUSABLE,
    RequestRejectedError: Metric.UPSTREAM_UNUSABLE,
    AppleUnavailableError: Metric.UPSTREAM_UNAVAILABLE,
    AppleThrottlesError: Metric.UPSTREAM_THROTTLED,
    AppleNotAskedError: Metric.UPSTREAM_NOT_ASKED,
    DeveloperTokenMissingError: Metric.NO_DEVELOPER_TOKEN,
    DeveloperTokenRefusedError: Metric.NO_DEVELOPER_TOKEN,
}

_NOT_ASKED: Final = (AppleNotAskedError, DeveloperTokenMissingError)
"""The errors after which it is certain that Apple has heard nothing."""

Send = Callable[[Deadline], Written]
"""Sends a write to Apple."""


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

    def refuse(self, owner: str, family: str, now: float, *, known: bool) -> None:
        """Make all that was stored old, because Apple has refused the owner's token."""
        ...


class RatingsUpstream(Protocol):
    """Apple Music's ratings; every method may raise `IdentityError` or `DependencyError`."""

    def allow(self, deadline: Deadline) -> None:
        """Raise `AppleNotAskedError` where a request had better not be sent at all."""
        ...

    def get_one(
        self,
        token: MusicUserToken,
        key: RatingKey,
        options: QueryOptions,
        deadline: Deadline,
        *,
        stand_in: bool,
    ) -> Rating:
        """Ask for one rating; `stand_in` tells of a copy at hand."""
        ...

    def get_many(
        self,
        token: MusicUserToken,
        keys: Sequence[RatingKey],
        options: QueryOptions,
        deadline: Deadline,
        *,
        stand_in: bool,
    ) -> Mapping[RatingKey, Rating]:
        """Ask for the ratings of several keys of one type; what is not proven is left out."""
        ...

    def put(
        self,
        token: MusicUserToken,
        key: RatingKey,
        value: RatingValue,
        options: QueryOptions,
        deadline: Deadline,
    ) -> Written:
        """Rate an item."""
        ...

    def delete(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> Written:
        """Take a rating away."""
        ...


class Ask(Protocol):
    """Asks Apple for the ratings of some keys."""

    def __call__(
        self, wanted: Sequence[RatingKey], asking: Deadline, *, stand_in: bool
    ) -> Mapping[RatingKey, Rating]:
        """Return the rating of each key, except those that Apple left out without proof."""
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
        refused_tokens: RefusedTokens,
        observer: Observer,
    ) -> None:
        """Answer out of `cache` as `policy` allows, else out of `upstream`.

        `observer` is told of the failures that no caller may notice.
        """
        self._cache = cache
        self._upstream = upstream
        self._policy = policy
        self._clock = clock
        self._refused_tokens = refused_tokens
        self._observer = observer

    def get_one(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> Reading:
        """Give one rating.

        Raises:
            IdentityError: where Apple refuses.
            DependencyError: where Apple fails and no copy may stand in.
        """

        def ask(
            wanted: Sequence[RatingKey], asking: Deadline, *, stand_in: bool
        ) -> Mapping[RatingKey, Rating]:
            (key,) = wanted
            return {key: self._upstream.get_one(token, key, options, asking, stand_in=stand_in)}

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

        def ask(
            wanted: Sequence[RatingKey], asking: Deadline, *, stand_in: bool
        ) -> Mapping[RatingKey, Rating]:
            return self._upstream.get_many(token, wanted, options, asking, stand_in=stand_in)

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
        written = self._write(
            token, key, deadline, lambda left: self._upstream.put(token, key, value, options, left)
        )
        return written.rating or write_rating(key, value)

    def delete(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> None:
        """Take a rating away, if there is one.

        Raises:
            IdentityError: where Apple refuses, and nothing was deleted.
            DependencyError: where the outcome is unknown.
        """
        self._write(
            token, key, deadline, lambda left: self._upstream.delete(token, key, options, left)
        )

    def _read(
        self,
        token: MusicUserToken,
        keys: Sequence[RatingKey],
        options: QueryOptions,
        deadline: Deadline,
        ask: Ask,
    ) -> Reading:
        self._raise_if_refused(token)
        snapshot = self._snapshot(token, keys) if options.bare else None
        if snapshot is None:
            return self._read_past_the_cache(token, keys, deadline, ask)
        plan = plan_read(keys, snapshot.ratings, self._policy, self._clock.time())
        if not plan.wanted:
            return plan.hit()
        requested_at = self._clock.time()
        try:
            with self._observed():
                fetched = ask(plan.wanted, _asking(plan, deadline), stand_in=plan.has_stand_in)
        except RatingsError as error:
            if isinstance(error, DependencyError):
                # Apple may have taken its time, in which the copies have grown older.
                late = plan_read(keys, snapshot.ratings, self._policy, self._clock.time())
                if late.has_stand_in:
                    return late.stale_if_error(asked=not isinstance(error, _NOT_ASKED))
            self._note_refusal(error, token, keys[0], known=bool(snapshot.ratings))
            error.cache_status = CacheStatus(fwd=plan.reason)
            raise
        stored = self._store_fetched(token, fetched, requested_at, snapshot)
        return plan.answered(fetched, stored=stored)

    def _read_past_the_cache(
        self, token: MusicUserToken, keys: Sequence[RatingKey], deadline: Deadline, ask: Ask
    ) -> Reading:
        try:
            with self._observed():
                fetched = ask(keys, deadline.less(STORING_SECONDS), stand_in=False)
        except RatingsError as error:
            self._note_refusal(error, token, keys[0], known=False)
            error.cache_status = BYPASS
            raise
        ratings = tuple(fetched.get(key, NOT_RATED) for key in keys)
        return Reading(ratings=ratings, cache_status=BYPASS)

    def _raise_if_refused(self, token: MusicUserToken) -> None:
        if token.owner in self._refused_tokens:
            raise UserTokenRefusedError("refused by Apple a moment ago")

    def _note_refusal(
        self, error: RatingsError, token: MusicUserToken, key: RatingKey, *, known: bool
    ) -> None:
        """After Apple's 403, refuse the token for a moment, and serve nothing of the family."""
        if not isinstance(error, UserTokenRefusedError):
            return
        self._refused_tokens.remember(token.owner)
        try:
            self._cache.refuse(token.owner, key.family, self._clock.time(), known=known)
        except CacheUnavailableError as failure:
            self._observer.count(Metric.CACHE_INVALIDATION_FAILED, reason=str(failure))

    def _snapshot(self, token: MusicUserToken, keys: Sequence[RatingKey]) -> CacheSnapshot | None:
        try:
            snapshot = self._cache.read(token.owner, keys[0].family, keys)
        except CacheUnavailableError as error:
            self._observer.count(Metric.CACHE_READ_FAILED, reason=str(error))
            return None
        now = self._clock.time()
        early = [
            cached
            for cached in snapshot.ratings.values()
            if self._policy.is_from_the_future(cached, now)
        ]
        if odd := snapshot.rejected + len(early):
            self._observer.count(Metric.CACHE_ITEM_REJECTED, times=odd)
        return snapshot

    def _store_fetched(
        self,
        token: MusicUserToken,
        fetched: Mapping[RatingKey, Rating],
        requested_at: float,
        snapshot: CacheSnapshot,
    ) -> bool:
        """Keep what Apple said, unless a write came too close; say whether it is kept."""
        generation = snapshot.generation
        if not fetched or generation is None or not generation.is_settled(requested_at):
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
            self._observer.count(Metric.CACHE_STORE_FAILED, reason=str(error))
            return False
        return True

    def _write(
        self, token: MusicUserToken, key: RatingKey, deadline: Deadline, send: Send
    ) -> Written:
        """Send a write between its announcement and its close, whatever becomes of it."""
        self._raise_if_refused(token)
        with self._observed():
            self._upstream.allow(deadline.less(CLOSING_SECONDS))
        opened = self._open_write(token, key)
        requested_at = self._clock.time()
        try:
            with self._observed():
                written = send(deadline.less(CLOSING_SECONDS))
        except Exception as error:
            if isinstance(error, UserTokenRefusedError):
                self._refused_tokens.remember(token.owner)
            unknown = not isinstance(error, RatingsError) or error.outcome_unknown
            self._close_write(token, key, opened, unknown=unknown)
            raise
        closed = self._close_write(token, key, opened, unknown=not written.once)
        kept = written.rating if written.once else None
        if kept is not None and closed is not None and is_last_word(opened, closed):
            self._store(token, {key: kept}, requested_at, closed.generation)
        return written

    @contextmanager
    def _observed(self) -> Iterator[None]:
        """Tell of a failure of Apple's or of our token, also where a copy will hide it."""
        try:
            yield
        except RatingsError as error:
            metric = _FAILURES.get(type(error))
            if metric is not None:
                self._observer.count(metric, reason=str(error))
            raise

    def _open_write(self, token: MusicUserToken, key: RatingKey) -> OpenWrite | None:
        try:
            return self._cache.open_write(token.owner, key.family, self._clock.time())
        except CacheUnavailableError as error:
            self._observer.count(Metric.CACHE_INVALIDATION_FAILED, reason=str(error))
            return None

    def _close_write(
        self, token: MusicUserToken, key: RatingKey, opened: OpenWrite | None, *, unknown: bool
    ) -> ClosedWrite | None:
        try:
            return self._cache.close_write(
                token.owner, key.family, opened, self._clock.time(), unknown=unknown
            )
        except CacheUnavailableError as error:
            self._observer.count(Metric.CACHE_INVALIDATION_FAILED, reason=str(error))
            return None


def _asking(plan: ReadPlan, deadline: Deadline) -> Deadline:
    """Give Apple what is left of the deadline after storing, but less where a copy is at hand."""
    storing = STORING_SECONDS * ceil(len(plan.wanted) / WRITE_BATCH)
    asking = deadline.less(min(storing, deadline.remaining() / 2))
    return asking.at_most(STALE_READY_SECONDS) if plan.has_stand_in else asking
