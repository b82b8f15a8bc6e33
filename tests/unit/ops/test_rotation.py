"""Whoever waits for a rotation learns that it is done, that it is over, or that it takes long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from ops.rotation import RotationEndedError, RotationTimeoutError, rotate_and_wait
from ops.secret import Secret, SecretState
from tests.fakes.clock import FakeClock


class FakeSecret:
    """Begins a rotation to version `new`, and is in one state after the other, the last for ever.

    A state is the version in use and the pending one.
    """

    def __init__(self, *states: tuple[str, str | None]) -> None:
        self._states: Iterator[tuple[str, str | None]] = iter(states)
        self._last = states[-1]

    def start_rotation(self) -> str:
        return "new"

    def state(self) -> SecretState:
        current, pending = next(self._states, self._last)
        return SecretState(
            current_version=current,
            pending_version=pending,
            rotates=True,
            last_rotated=None,
            next_rotation=None,
        )


def waits(*states: tuple[str, str | None]) -> int:
    """Wait ten seconds at most, and count the looks that had to be repeated."""
    clock, looks = FakeClock(), []
    rotate_and_wait(
        cast("Secret", FakeSecret(*states)),
        timeout_seconds=10,
        clock=clock,
        sleep=clock.advance,
        on_wait=lambda: looks.append(1),
    )
    return len(looks)


def test_it_is_done_when_the_new_version_is_in_use() -> None:
    assert waits(("old", None), ("old", "new"), ("old", "new"), ("new", None)) == 3


def test_it_takes_too_long_while_the_new_version_stays_pending() -> None:
    with pytest.raises(RotationTimeoutError):
        waits(("old", "new"))


def test_it_is_over_when_the_new_version_is_pending_no_more_nor_in_use() -> None:
    with pytest.raises(RotationEndedError):
        waits(("old", None), ("old", "new"), ("old", None))
