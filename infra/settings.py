"""What differs, or may come to differ, between a deployment to try things in and the real one."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_STAGE: Final = "dev"


class UnknownStageError(ValueError):
    """No stage has that name; the message lists those that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """The settings of one stage.

    `throttle_rate` (requests a second) and `throttle_burst` hold for all callers together.
    `removal_policy` says what becomes of the cache table and the logs when the stack goes.
    `function_timeout_seconds` is the last resort behind the function's own deadline, and leaves
    room for it.

    Raises:
        ValueError: from the constructor, where Lambda would stop the function before its
            deadline.
    """

    name: str
    throttle_rate: int
    throttle_burst: int
    log_retention: RetentionDays
    removal_policy: RemovalPolicy
    termination_protection: bool
    function_memory_mb: int = 512
    function_timeout_seconds: int = 10
    fresh_seconds: int = 60
    stale_if_error_seconds: int = 3_600
    deadline_seconds: int = 6

    def __post_init__(self) -> None:
        if self.function_timeout_seconds <= self.deadline_seconds:
            raise ValueError(
                f"stage {self.name}: the function's timeout ({self.function_timeout_seconds} s) "
                f"must be longer than its deadline ({self.deadline_seconds} s)"
            )


_DEV: Final = StageSettings(
    name="dev",
    throttle_rate=10,
    throttle_burst=20,
    log_retention=RetentionDays.ONE_WEEK,
    removal_policy=RemovalPolicy.DESTROY,
    termination_protection=False,
)

_PROD: Final = StageSettings(
    name="prod",
    throttle_rate=100,
    throttle_burst=200,
    log_retention=RetentionDays.THREE_MONTHS,
    # A table deleted under traffic sends every read to Apple at once, whose quota is one for the
    # whole developer team.
    removal_policy=RemovalPolicy.RETAIN,
    termination_protection=True,
)

STAGES: Final[Mapping[str, StageSettings]] = MappingProxyType(
    {settings.name: settings for settings in (_DEV, _PROD)}
)


def stage_settings(name: str) -> StageSettings:
    """Give the settings of the stage of that name.

    Raises:
        UnknownStageError: where there is no such stage.
    """
    try:
        return STAGES[name]
    except KeyError:
        known = ", ".join(STAGES)
        raise UnknownStageError(f"unknown stage {name!r}: choose one of {known}") from None
