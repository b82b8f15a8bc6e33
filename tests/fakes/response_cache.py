"""A response cache in memory, which can be made to fail."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from functions.ratings.cache_items import first_generation
from functions.ratings.cache_policy import (
    SETTLING_SECONDS,
    UNKNOWN_SECONDS,
    CachedRating,
    CachePolicy,
    ClosedWrite,
    Generation,
    OpenWrite,
)
from functions.ratings.errors import CacheUnavailableError
from functions.ratings.models import RatingKey
from functions.ratings.response_cache import CacheSnapshot


class FakeResponseCache:
    """Keeps ratings by owner and key; `calls` is what was asked of it, in order.

    Calls whose names are in `failing` fail. A generation of None is one that cannot be read, and
    `rejected` how many items are told to be so.
    """

    def __init__(self, policy: CachePolicy) -> None:
        self._policy = policy
        self.calls: list[str] = []
        self.failing: set[str] = set()
        self.rejected = 0
        self.ratings: dict[tuple[str, RatingKey], CachedRating] = {}
        self.generations: dict[tuple[str, str], Generation | None] = {}

    def read(self, owner: str, family: str, keys: Collection[RatingKey]) -> CacheSnapshot:
        self._called("read")
        generation = self.generations.get((owner, family), Generation())
        if generation is None:
            return CacheSnapshot(ratings={}, generation=None)
        held = {key: self.ratings[owner, key] for key in keys if (owner, key) in self.ratings}
        return CacheSnapshot(
            ratings={key: cached for key, cached in held.items() if generation.covers(cached)},
            generation=generation,
            rejected=self.rejected,
        )

    def store(self, owner: str, ratings: Mapping[RatingKey, CachedRating]) -> None:
        self._called("store")
        for key, cached in ratings.items():
            self.ratings[owner, key] = cached

    def open_write(self, owner: str, family: str, now: float) -> OpenWrite:
        self._called("open_write")
        before = self._generation(owner, family)
        number = self._next_number(before, now)
        self.generations[owner, family] = replace(
            before, number=number, writing_until=self._policy.writing_until(now)
        )
        return OpenWrite(generation=number, contested=before.awaits_a_write(now))

    def close_write(
        self, owner: str, family: str, opened: OpenWrite | None, now: float, *, unknown: bool
    ) -> ClosedWrite:
        self._called("close_write")
        before = self._generation(owner, family)
        alone = opened is not None and opened.generation == before.number
        taken_back = alone and opened is not None and not opened.contested
        number = self._next_number(before, now)
        self.generations[owner, family] = Generation(
            number=number,
            writing_until=0.0 if taken_back else before.writing_until,
            settling_until=now + SETTLING_SECONDS,
            unknown_until=now + UNKNOWN_SECONDS if unknown else before.unknown_until,
        )
        return ClosedWrite(generation=number, alone=alone)

    def refuse(self, owner: str, family: str, now: float, *, known: bool) -> None:
        self._called("refuse")
        before = self._generation(owner, family)
        if known or before.number is not None:
            number = self._next_number(before, now)
            self.generations[owner, family] = replace(before, number=number)

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.failing:
            raise CacheUnavailableError("told to fail")

    def _generation(self, owner: str, family: str) -> Generation:
        generation = self.generations.get((owner, family), Generation())
        if generation is None:
            raise CacheUnavailableError("a generation that cannot be read")
        return generation

    @staticmethod
    def _next_number(before: Generation, now: float) -> int:
        return (first_generation(now) if before.number is None else before.number) + 1
