"""A model of the copies that the cache may or must have, for one token and one family.

It knows the promises of docs/coherence.md, but not how the cache keeps them. Unlike the cache, it
knows which ids name one item. Times are in epoch seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.contracts.differential.apple import FORBIDDEN, Attempt, Name

FRESH, STALE, SETTLING, UNKNOWN, LONGEST_WRITE, ANSWERS = 60, 3660, 5, 60, 6, 10
TOLERANCE: Final = 1e-5
"""In seconds: sums of floating-point times differ in their last digits."""


class Copy(NamedTuple):
    """A value that a read returned or a write confirmed; its request started at the time `at`.

    From `settled_at` on, Apple's reads include the write; None for a read.
    """

    value: int
    at: float
    fresh_until: float
    stale_until: float
    settled_at: float | None = None

    @classmethod
    def read(cls, value: int, at: float) -> Copy:
        return cls(value, at, at + FRESH, at + STALE)

    @classmethod
    def written(cls, value: int, at: float, closed_at: float) -> Copy:
        settled_at = closed_at + SETTLING
        return cls(value, at, max(at + FRESH, settled_at), at + STALE, settled_at)

    def after_another_write(self) -> Copy:
        """After another write, a written value is used only until Apple's reads include it."""
        assert self.settled_at is not None
        return self._replace(fresh_until=self.settled_at, stale_until=self.settled_at)


class Write(NamedTuple):
    """A write, its attempts at Apple, and the result of its calls to DynamoDB.

    It is `announced` if DynamoDB applied any call, `closed` if DynamoDB applied a call after the
    first. It `failed` if DynamoDB failed during the write.
    """

    name: Name
    value: int
    opened_at: float
    requested_at: float
    closed_at: float
    attempts: tuple[Attempt, ...]
    announced: bool
    closed: bool
    failed: bool

    @property
    def unknown(self) -> bool:
        return any(attempt.unknown for attempt in self.attempts)

    @property
    def may_be_late(self) -> bool:
        """Whether Apple may apply the write after its response."""
        return any(attempt.unknown and attempt.was_sent for attempt in self.attempts)

    @property
    def rejected(self) -> bool:
        """Whether the write certainly changed nothing."""
        return self.attempts[-1].fault is not None and not self.unknown


@dataclass
class CacheModel:
    """Copies by name: `possible` copies may be in the cache, `certain` copies must be.

    Apple's responses to requests after `quiet_at` include every write, so they are stored. A write
    that opens before `exclusive_at` may overlap another write, so its value is not promised. A
    write that opens before `_known_at` leaves no copy: an earlier one may still take effect.
    """

    possible: dict[Name, list[Copy]] = field(default_factory=dict)
    certain: dict[Name, Copy] = field(default_factory=dict)
    quiet_at: float = 0.0
    exclusive_at: float = 0.0
    _known_at: float = 0.0
    _was_written: bool = False
    _settled_at: dict[object, float] = field(default_factory=dict)
    _written: list[Name] = field(default_factory=list)  # in order, without rejected writes

    def must_serve(self, names: Collection[Name], now: float, *, stale: bool) -> set[Name]:
        """Return the names that must have a fresh copy (if `stale`, a fresh or stale copy)."""
        return {
            name
            for name in names
            if (copy := self.certain.get(name))
            and now < (copy.stale_until if stale else copy.fresh_until) - TOLERANCE
        }

    def copies(self, name: Name, now: float, *, stale: bool) -> list[Copy]:
        """Return the copies that may be in the cache and fresh (if `stale`, fresh or stale)."""
        return [
            copy
            for copy in self.possible.get(name, ())
            if now < (copy.stale_until if stale else copy.fresh_until) + TOLERANCE
        ]

    def fetched(self, values: Mapping[Name, int], at: float, *, stored: bool | None) -> None:
        """Record Apple's response to a read; `stored` is None if DynamoDB may have stored it."""
        for name, value in values.items():
            is_settled = at > self._settled_at.get(name.item, 0.0) - TOLERANCE
            if not is_settled or stored is False:
                continue
            copy = Copy.read(value, at)
            if stored:
                self.certain[name] = copy
                self.possible[name] = [copy]
            else:
                self.possible.setdefault(name, []).append(copy)

    def forbidden(self, names: Collection[Name], now: float, *, failed: bool) -> None:
        """Record that Apple rejected the token: a cache with a write or a copy drops all copies."""
        if not failed and (self._was_written or self.must_serve(names, now, stale=True)):
            self.possible.clear()
        self.certain.clear()

    def wrote(self, write: Write) -> None:
        """Record the end of a write; a write that was not announced changes no copy."""
        if not write.announced:
            return
        self._was_written = True
        is_clean = not write.failed and write.opened_at > self.exclusive_at + TOLERANCE
        self.certain = dict(self._answers(self.certain))
        if not write.rejected:
            self._outdate(write)
        if write.attempts[-1].fault is FORBIDDEN:
            self.possible = {
                name: [copy for copy in copies if copy.settled_at is not None]
                for name, copies in self.possible.items()
            }
        for name, copies in self.possible.items():
            self.possible[name] = [
                copy if copy.settled_at is None else copy.after_another_write() for copy in copies
            ]
        if write.unknown:
            self.certain.clear()
        elif not write.rejected:
            self._answer(write, is_clean=is_clean)
            self._written = [*(name for name in self._written if name != write.name), write.name]
            last = self._written[-ANSWERS:]
            self.certain = {name: self.certain[name] for name in last if name in self.certain}
        self.quiet_at = max(self.quiet_at, write.closed_at + SETTLING)
        if not is_clean:
            self.exclusive_at = max(self.exclusive_at, write.opened_at + LONGEST_WRITE)
            self.quiet_at = max(self.quiet_at, write.opened_at + LONGEST_WRITE + SETTLING)
        if write.unknown and write.closed:
            self.exclusive_at = self.quiet_at = write.closed_at + UNKNOWN
            if write.may_be_late:
                self._known_at = self.exclusive_at

    def _answers(self, copies: Mapping[Name, Copy]) -> Iterator[tuple[Name, Copy]]:
        for name, copy in copies.items():
            if copy.settled_at is not None:
                yield name, copy.after_another_write()

    def _outdate(self, write: Write) -> None:
        """Drop Apple's values of the item, and ignore new ones until reads include the write."""
        forgotten = write.unknown and write.closed
        for name, copies in self.possible.items():
            self.possible[name] = [
                copy
                for copy in copies
                if not (name.item == write.name.item if copy.settled_at is None else forgotten)
            ]
        ends = write.closed_at if write.closed else write.opened_at + LONGEST_WRITE
        settled_at = ends + (UNKNOWN if write.may_be_late and write.closed else SETTLING)
        item = write.name.item
        self._settled_at[item] = max(settled_at, self._settled_at.get(item, 0.0))

    def _answer(self, write: Write, *, is_clean: bool) -> None:
        """Record a confirmed value: it may be served, and must be if no other write overlapped."""
        self.certain.pop(write.name, None)
        if is_clean:
            self.possible.pop(write.name, None)
        if not write.attempts[-1].clear or write.opened_at <= self._known_at - TOLERANCE:
            return
        answer = Copy.written(write.value, write.requested_at, write.closed_at)
        self.possible.setdefault(write.name, []).append(answer)
        if is_clean:
            self.certain[write.name] = answer
