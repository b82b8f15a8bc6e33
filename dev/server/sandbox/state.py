"""The state that a reset restores: Apple's ratings, the cache, and users' Lambda environments."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import closing
from typing import Final

from dev.apple_music.ratings_store import RatingsStore
from dev.apple_music.sample_data import SampleUser
from dev.server.aws import LocalAws
from dev.server.lambda_pool import IsolatedPools
from functions.ratings.cache.items import bucket_item, bucket_sort_key
from functions.ratings.cache.policy import CachePolicy, StoredRating
from functions.ratings.models import MusicUserToken, RatingKey
from functions.ratings.settings import Settings

_STALE_SECONDS: Final = 120
"""The stale copies became stale this many seconds ago."""


class SandboxState:
    """The state of one `make run`; `store` is None without the stand-in for Apple Music."""

    def __init__(
        self,
        *,
        aws: LocalAws,
        settings: Settings,
        pools: IsolatedPools,
        store: RatingsStore | None,
        users: Iterable[SampleUser],
    ) -> None:
        self._aws = aws
        self._settings = settings
        self._pools = pools
        self._store = store
        self._users = tuple(users)
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Restore the initial state; no other request may be in progress."""
        with self._lock:
            self._pools.restart()
            if self._store is not None:
                self._store.reset()
            self._aws.delete_cache_table(self._settings.cache_table_name)
            self.start()

    def start(self) -> None:
        """Create the cache with the stale copies of the sample users."""
        self._aws.create_cache_table(self._settings.cache_table_name)
        for user in self._users:
            if user.stale is not None and user.ratings is not None:
                key = RatingKey(user.stale.type, user.stale.id)
                self._store_stale(user.token, key, like=user.ratings[user.stale] == 1)

    def _store_stale(self, token: str, key: RatingKey, *, like: bool) -> None:
        settings = self._settings
        requested_at = time.time() - settings.fresh_seconds - _STALE_SECONDS
        policy = CachePolicy(
            fresh_seconds=settings.fresh_seconds,
            stale_if_error_seconds=settings.stale_if_error_seconds,
            deadline_seconds=settings.deadline_seconds,
        )
        item = bucket_item(
            MusicUserToken(token).hash,
            bucket_sort_key(key),
            {key.id: StoredRating(1 if like else -1, requested_at)},
            generation=None,
            expires_at=policy.expires_at(requested_at),
        )
        with closing(self._aws.client("dynamodb")) as dynamodb:
            dynamodb.put_item(TableName=settings.cache_table_name, Item=item)
