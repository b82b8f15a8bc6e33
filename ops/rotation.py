"""Starts a rotation and waits for its end, which Secrets Manager does not announce."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from functions.shared.transport import Clock
from ops.secret import Secret

POLL_SECONDS: Final = 1.0


class RotationTimeoutError(Exception):
    """The version in use did not change in time; it may still do so later."""


class RotationEndedError(Exception):
    """The rotation is over, and the version in use is the one of before."""


def rotate_and_wait(
    secret: Secret,
    *,
    timeout_seconds: float,
    clock: Clock,
    sleep: Callable[[float], None],
    on_wait: Callable[[], None],
) -> None:
    """Return once the new version is the one in use; `on_wait` is called each time it is not yet.

    Raises:
        RotationTimeoutError: where it took longer than that.
        RotationEndedError: where the rotation ended by itself, for want of a signing key.
        OperatorError: where AWS does not do it.
    """
    end = clock.monotonic() + timeout_seconds
    version, was_pending = secret.start_rotation(), False
    while (state := secret.state()).current_version != version:
        if was_pending and state.pending_version != version:
            raise RotationEndedError
        if clock.monotonic() >= end:
            raise RotationTimeoutError
        was_pending = state.pending_version == version
        on_wait()
        sleep(POLL_SECONDS)
