"""Users, items under their several ids, and ratings, in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ResourceId:
    """One of the names of an item: a type as in a path, and an id."""

    type: str
    id: str


class RatingsStore:
    """Ratings by user and item, safe to use from several threads.

    All ids of an item in `items` share one rating; an id outside `items` is an item itself.
    Methods raise `KeyError` for an unknown user.
    """

    def __init__(
        self,
        *,
        items: Iterable[Iterable[ResourceId]],
        ratings: Mapping[str, Mapping[ResourceId, int]],
    ) -> None:
        self._lock = threading.Lock()
        self._item_of = {name: min(names) for names in map(tuple, items) for name in names}
        self._ratings = {
            user: {self._item(name): value for name, value in values.items()}
            for user, values in ratings.items()
        }

    def has_user(self, user: str) -> bool:
        """Whether there is such a user."""
        return user in self._ratings

    def rating(self, user: str, name: ResourceId) -> int | None:
        """Return the rating, or None if the item is not rated."""
        with self._lock:
            return self._ratings[user].get(self._item(name))

    def put(self, user: str, name: ResourceId, value: int) -> None:
        """Rate an item."""
        with self._lock:
            self._ratings[user][self._item(name)] = value

    def delete(self, user: str, name: ResourceId) -> bool:
        """Delete a rating; return False if there is none."""
        with self._lock:
            return self._ratings[user].pop(self._item(name), None) is not None

    def _item(self, name: ResourceId) -> ResourceId:
        return self._item_of.get(name, name)
