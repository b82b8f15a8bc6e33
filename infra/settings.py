"""What differs, or may come to differ, between a deployment to try things in and the real one."""

from __future__ import annotations

import re
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

_LEAST_FIREWALL_RATE: Final = 10
_DOMAIN: Final = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.ASCII)
_CERTIFICATE: Final = re.compile(r"arn:aws:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]+", re.ASCII)
_API_KEY_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}", re.ASCII)


class UnknownStageError(ValueError):
    """No stage has that name; the message lists those that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallRules:
    """What the web ACL before a stage refuses.

    `requests_by_address` and `requests_by_token` are how many requests in five minutes one address
    may make, and one `Music-User-Token`; without, there is no such rule. `common_rules` adds AWS's
    own common rule set.

    Raises:
        ValueError: from the constructor, where there is no rule at all, or a rate that AWS WAF
            would not take.
    """

    requests_by_address: int | None = None
    requests_by_token: int | None = None
    common_rules: bool = False

    def __post_init__(self) -> None:
        rates = (self.requests_by_address, self.requests_by_token)
        if rates == (None, None) and not self.common_rules:
            raise ValueError("a firewall needs a rule at least")
        for rate in rates:
            if rate is not None and rate < _LEAST_FIREWALL_RATE:
                raise ValueError(
                    f"a firewall's rate must be {_LEAST_FIREWALL_RATE} requests in five minutes "
                    f"at least, not {rate}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomDomain:
    """A domain of one's own, and the ARN of its certificate in the stage's region.

    Raises:
        ValueError: from the constructor, where either is none.
    """

    name: str
    certificate_arn: str

    def __post_init__(self) -> None:
        if not _DOMAIN.fullmatch(self.name):
            raise ValueError(f"no domain name, in lower case: {self.name!r}")
        if not _CERTIFICATE.fullmatch(self.certificate_arn):
            raise ValueError(f"no ARN of a certificate: {self.certificate_arn!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """The settings of one stage.

    `throttle_rate` (requests a second) and `throttle_burst` hold for all callers together.
    `removal_policy` says what becomes of the cache table and the logs when the stack goes.
    `function_timeout_seconds` is the last resort behind the function's own deadline, and leaves
    room for it. Without `token_rotation`, a developer token is put by hand. Alarms are sent to
    `alarm_email` if there is one; to their topic anyone may subscribe in any case. With `canary`, a
    new version answers a tenth of the requests for five minutes before it gets them all. With
    `domain`, the API answers there and nowhere else. `monthly_budget_usd` is what the stage may
    cost by the month before `alarm_email` is told.

    What follows is off by default; docs/decisions/0030 says why, for `prod` too.
    `reserved_concurrency` is how many requests the ratings function answers at once, and what
    Lambda keeps free for it. `firewall` says what a web ACL refuses. `api_keys` names the apps, or
    their releases, that get an API key each: with any, a request without one of them is refused.

    Raises:
        ValueError: from the constructor, where Lambda would stop the function before its
            deadline, or never start it; where a developer token would live longer than Apple
            takes, or so short that its alarm went off before its renewal; where the names of API
            keys repeat, or are not letters and digits; where a budget has nobody to tell.
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
    canary: bool = False
    domain: CustomDomain | None = None
    monthly_budget_usd: int | None = None
    reserved_concurrency: int | None = None
    firewall: FirewallRules | None = None
    api_keys: tuple[str, ...] = ()
    architecture: Architecture = Architecture.ARM_64
    apple_music_url: str = "https://api.music.apple.com"
    cache_timeout_milliseconds: int = 300

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
        if self.reserved_concurrency is not None and self.reserved_concurrency < 1:
            raise ValueError(
                f"stage {self.name}: with a reserved concurrency of {self.reserved_concurrency} "
                "the function would never run"
            )
        if len(set(self.api_keys)) < len(self.api_keys) or not all(
            _API_KEY_NAME.fullmatch(name) for name in self.api_keys
        ):
            raise ValueError(
                f"stage {self.name}: each API key needs a name of its own, of letters and digits"
            )
        if self.monthly_budget_usd is not None and (
            self.monthly_budget_usd < 1 or self.alarm_email is None
        ):
            raise ValueError(
                f"stage {self.name}: a budget needs a limit of $1 at least, and an alarm_email"
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
    canary=True,
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
