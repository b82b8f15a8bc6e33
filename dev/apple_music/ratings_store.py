"""Users, items with one or more ids, and ratings, in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ResourceId:
    """Identifies an item: a type as in the API's paths, and an id of this type."""

    type: str
    id: str


class RatingsStore:
    """Ratings by user and item, safe to use from several threads.

    All ids of an item in `items` share one rating; every other id is a separate item.
    A written value appears in reads `lag_seconds` later, by `clock`. Methods raise `KeyError` for
    an unknown user.
    """

    def __init__(
        self,
        *,
        items: Iterable[Iterable[ResourceId]],
        ratings: Mapping[str, Mapping[ResourceId, int]],
        lag_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lag_seconds = lag_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._item_of = {name: min(names) for names in map(tuple, items) for name in names}
        self._initial = ratings
        # Pairs of a time and the value that reads return from this time, in order.
        self._ratings: dict[str, dict[ResourceId, list[tuple[float, int | None]]]] = {}
        self.reset()

    def reset(self) -> None:
        """Forget every write."""
        with self._lock:
            self._ratings = {
                user: {self._item(name): [(float("-inf"), value)] for name, value in values.items()}
                for user, values in self._initial.items()
            }

    def has_user(self, user: str) -> bool:
        """Whether the store knows this user."""
        return user in self._ratings

    def rating(self, user: str, name: ResourceId) -> int | None:
        """Return the rating as a read returns it now, or None if the item is not rated."""
        with self._lock:
            values, now = self._ratings[user].get(self._item(name), []), self._clock()
            while len(values) > 1 and values[1][0] <= now:
                del values[0]
            return values[0][1] if values and values[0][0] <= now else None

    def put(self, user: str, name: ResourceId, value: int) -> None:
        """Rate an item."""
        self._write(user, name, value)

    def delete(self, user: str, name: ResourceId) -> bool:
        """Delete a rating; return False if there is none."""
        return self._write(user, name, None) is not None

    def _write(self, user: str, name: ResourceId, value: int | None) -> int | None:
        """Write a value; return the last value that was written before."""
        with self._lock:
            values = self._ratings[user].setdefault(self._item(name), [])
            before = values[-1][1] if values else None
            values.append((self._clock() + self._lag_seconds, value))
            return before

    def _item(self, name: ResourceId) -> ResourceId:
        return self._item_of.get(name, name)
