"""What Apple Music remembers: users, items under their several ids, ratings, and a lag."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ResourceId:
    """One of the names of an item: a type as it stands in a path, and an id."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class _Write:
    visible_at: float
    value: int | None


class RatingsStore:
    """Ratings by user and item, safe to use from many threads.

    All ids of an item in `items` share one rating; an id that no item names is an item of its
    own. A write shows in reads, through any of the item's ids, `lag_seconds` after it was made.
    """

    lag_seconds: float
    """How long a write stays unseen; a change holds for the writes after it."""

    def __init__(
        self,
        *,
        items: Iterable[Iterable[ResourceId]],
        ratings: Mapping[str, Mapping[ResourceId, int]],
        clock: Callable[[], float],
        lag_seconds: float = 0.0,
    ) -> None:
        self.lag_seconds = lag_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._item_of = {name: min(names) for names in map(tuple, items) for name in names}
        self._writes: dict[str, dict[ResourceId, list[_Write]]] = {}
        for user, values in ratings.items():
            writes = self._writes[user] = defaultdict(list)
            for name, value in values.items():
                writes[self._item(name)] = [_Write(float("-inf"), value)]

    def knows(self, user: str) -> bool:
        """Whether there is such a user."""
        return user in self._writes

    def rating(self, user: str, name: ResourceId) -> int | None:
        """The rating that a read sees now; None where the item is not rated.

        Raises:
            KeyError: where there is no such user.
        """
        with self._lock:
            now = self._clock()
            for write in reversed(self._writes[user][self._item(name)]):
                if write.visible_at <= now:
                    return write.value
            return None

    def put(self, user: str, name: ResourceId, value: int) -> None:
        """Rate an item.

        Raises:
            KeyError: where there is no such user.
        """
        with self._lock:
            self._write(user, name, value)

    def delete(self, user: str, name: ResourceId) -> bool:
        """Take a rating away; False where the last write had left none.

        Raises:
            KeyError: where there is no such user.
        """
        with self._lock:
            writes = self._writes[user][self._item(name)]
            if not writes or writes[-1].value is None:
                return False
            self._write(user, name, None)
            return True

    def _write(self, user: str, name: ResourceId, value: int | None) -> None:
        write = _Write(self._clock() + self.lag_seconds, value)
        self._writes[user][self._item(name)].append(write)

    def _item(self, name: ResourceId) -> ResourceId:
        return self._item_of.get(name, name)
