"""What differs, or may come to differ, between a deployment to try things in and the real one."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

from functions.token_rotation.settings import DAY_SECONDS, LONGEST_LIFE_SECONDS
from infra.architecture import Architecture

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_STAGE: Final = "dev"

_LEAST_TOKEN_LIFE_DAYS: Final = 30
_LONGEST_TOKEN_LIFE_DAYS: Final = LONGEST_LIFE_SECONDS // DAY_SECONDS


class UnknownStageError(ValueError):
    """No stage has that name; the message lists those that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """The settings of one stage.

    `throttle_rate` (requests a second) and `throttle_burst` hold for all callers together.
    `removal_policy` says what becomes of the cache table and the logs when the stack goes.
    `function_timeout_seconds` is the last resort behind the function's own deadline, and leaves
    room for it. Without `token_rotation`, a developer token is put by hand. Alarms are sent to
    `alarm_email` if there is one; to their topic anyone may subscribe in any case.

    Raises:
        ValueError: from the constructor, where Lambda would stop the function before its
            deadline, or a developer token would live longer than Apple takes, or so short that
            its alarm went off before its renewal.
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
    token_rotation: bool = True
    token_life_days: int = 60
    alarm_email: str | None = None
    architecture: Architecture = Architecture.ARM_64
    apple_music_url: str = "https://api.music.apple.com"
    cache_timeout_milliseconds: int = 200

    def __post_init__(self) -> None:
        if self.function_timeout_seconds <= self.deadline_seconds:
            raise ValueError(
                f"stage {self.name}: the function's timeout ({self.function_timeout_seconds} s) "
                f"must be longer than its deadline ({self.deadline_seconds} s)"
            )
        if not _LEAST_TOKEN_LIFE_DAYS <= self.token_life_days <= _LONGEST_TOKEN_LIFE_DAYS:
            raise ValueError(
                f"stage {self.name}: a developer token must live for {_LEAST_TOKEN_LIFE_DAYS} to "
                f"{_LONGEST_TOKEN_LIFE_DAYS} days, not {self.token_life_days}"
            )

    @property
    def rotate_after_days(self) -> int:
        """After how many days a token is renewed: never later than at half its life.

        Secrets Manager rotates at some time of the day that it is due, hence a day less.
        """
        return self.token_life_days // 2 - 1


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
