"""What Apple knows of one song, which readers see a while after it was written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from functions.ratings.deadline import Deadline
from functions.ratings.errors import AppleTooSlowError
from functions.ratings.models import (
    NOT_RATED,
    MusicUserToken,
    QueryOptions,
    Rating,
    RatingKey,
    RatingValue,
    Written,
)
from functions.shared.transport import Clock
from tests.fakes.interleaving import pause

Value = RatingValue | None


class FakeAppleRatings:
    """One rating for both forms of one song: whatever key is asked for, it is this one's.

    A write is seen by readers after `lag` seconds. Where `losing` is set, a write takes effect
    that many seconds later, and its answer is lost.
    """

    def __init__(self, clock: Clock, lag: float) -> None:
        self._clock = clock
        self._lag = lag
        self._written: list[tuple[float, Value]] = [(float("-inf"), None)]
        self.losing: float | None = None

    def value(self, now: float) -> Value:
        """What a reader sees."""
        seen = [(visible_at, value) for visible_at, value in self._written if visible_at <= now]
        return max(reversed(seen), key=lambda written: written[0])[1]  # the last of equals

    def allow(self, deadline: Deadline) -> None:
        """Never hinder a request."""

    def get_one(
        self,
        token: MusicUserToken,
        key: RatingKey,
        options: QueryOptions,
        deadline: Deadline,
        *,
        stand_in: bool,
    ) -> Rating:
        pause("get", "apple")
        return resource(key, self.value(self._clock.time()))

    def get_many(
        self,
        token: MusicUserToken,
        keys: Sequence[RatingKey],
        options: QueryOptions,
        deadline: Deadline,
        *,
        stand_in: bool,
    ) -> Mapping[RatingKey, Rating]:
        pause("get many", "apple")
        return {key: resource(key, self.value(self._clock.time())) for key in keys}

    def put(
        self,
        token: MusicUserToken,
        key: RatingKey,
        value: RatingValue,
        options: QueryOptions,
        deadline: Deadline,
    ) -> Written:
        pause("put", "apple")
        return self._write(key, value)

    def delete(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> Written:
        pause("delete", "apple")
        return self._write(key, None)

    def _write(self, key: RatingKey, value: Value) -> Written:
        now = self._clock.time()
        if self.losing is not None:
            self._written.append((now + self.losing, value))
            raise AppleTooSlowError("told to lose the answer")
        self._written.append((now + self._lag, value))
        return Written(rating=resource(key, value))


def resource(key: RatingKey, value: Value) -> Rating:
    if value is None:
        return NOT_RATED
    return Rating(json.dumps({"id": key.id, "type": "ratings", "attributes": {"value": value}}))


def value_of(rating: Rating) -> Value:
    return None if rating.resource is None else json.loads(rating.resource)["attributes"]["value"]
