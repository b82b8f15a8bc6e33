"""The settings of each stage."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

from functions.shared.settings import ANY_ORIGIN, check_origins
from functions.token_rotation.settings import DAY_SECONDS, LONGEST_LIFE_SECONDS
from infra.local_context import LOCAL_STAGE
from infra.optional_features import FirewallRules, SignInTokens
from infra.packaging.architecture import Architecture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.optional_features import (
        CognitoAuthorizer,
        CustomDomain,
        LambdaAuthorizer,
    )

DEFAULT_STAGE: Final = "dev"

RUNBOOK_URL: Final = (
    "https://github.com/apple-music-ratings/apple-music-ratings/blob/main/docs/runbook.md"
)

_MIN_TOKEN_LIFE_DAYS: Final = 30
_MAX_TOKEN_LIFE_DAYS: Final = LONGEST_LIFE_SECONDS // DAY_SECONDS

_API_KEY_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}", re.ASCII)


class UnknownStageError(ValueError):
    """No stage has that name; the message lists the known stages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """The settings of one stage.

    `throttle_rate` (requests per second) and `throttle_burst` limit all callers together.
    `removal_policy` applies to the cache table and the logs. `function_timeout_seconds` must be
    longer than `deadline_seconds`. Without `token_rotation`, an operator sets developer tokens.
    `alarm_email` subscribes to both alarm topics. Every alarm links to its section of
    `runbook_url`, docs/runbook.md. With `canary`, a new version gets a tenth of the requests for
    five minutes, then all. With `domain`, the API has only that address. If costs approach
    `monthly_budget_usd`, `alarm_email` is notified. Scripts of web pages from `allowed_origins`, by
    default from all origins, may read responses; `()` turns CORS off.

    The following are off by default, see docs/decisions/0030. `reserved_concurrency` is reserved
    for the ratings function, and limits it. `api_keys` names the apps that get an API key; if there
    are any, every request needs a key. With `authorizer`, every request needs a credential in
    `Authorization` that the authorizer accepts; preflights need neither. `sign_in_tokens` adds an
    endpoint that returns short-lived developer tokens; it requires `api_keys` or an `authorizer`.

    Two settings shorten cold starts of the ratings function, see docs/operations.md. `snap_start`
    restores it from a snapshot. `provisioned_concurrency` keeps this many environments ready.

    Only the stage `local` has an `emulator_url`: the emulator's base URL.

    Raises:
        ValueError: from the constructor, if settings contradict each other, or AWS or Apple does
            not accept them.
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
    runbook_url: str = RUNBOOK_URL
    canary: bool = False
    domain: CustomDomain | None = None
    monthly_budget_usd: int | None = None
    reserved_concurrency: int | None = None
    firewall: FirewallRules | None = None
    api_keys: tuple[str, ...] = ()
    authorizer: LambdaAuthorizer | CognitoAuthorizer | None = None
    allowed_origins: tuple[str, ...] = ANY_ORIGIN
    sign_in_tokens: SignInTokens | None = None
    snap_start: bool = False
    provisioned_concurrency: int | None = None
    architecture: Architecture = Architecture.ARM_64
    apple_music_url: str = "https://api.music.apple.com"
    cache_timeout_milliseconds: int = 300
    emulator_url: str | None = None

    def __post_init__(self) -> None:
        check_origins(self.allowed_origins)
        if self.function_timeout_seconds <= self.deadline_seconds:
            raise ValueError(
                f"stage {self.name}: the function's timeout ({self.function_timeout_seconds} s) "
                f"must be longer than its deadline ({self.deadline_seconds} s)"
            )
        if not _MIN_TOKEN_LIFE_DAYS <= self.token_life_days <= _MAX_TOKEN_LIFE_DAYS:
            raise ValueError(
                f"stage {self.name}: a developer token must be valid for {_MIN_TOKEN_LIFE_DAYS} to "
                f"{_MAX_TOKEN_LIFE_DAYS} days, not {self.token_life_days}"
            )
        if self.reserved_concurrency is not None and self.reserved_concurrency < 1:
            raise ValueError(
                f"stage {self.name}: with a reserved concurrency of {self.reserved_concurrency} "
                "the function would never run"
            )
        if self.provisioned_concurrency is not None:
            self._check_provisioned_concurrency(self.provisioned_concurrency)
        if len(set(self.api_keys)) < len(self.api_keys) or not all(
            _API_KEY_NAME.fullmatch(name) for name in self.api_keys
        ):
            raise ValueError(
                f"stage {self.name}: each API key needs a unique name of letters and digits"
            )
        if self.sign_in_tokens is not None and not self.api_keys and self.authorizer is None:
            raise ValueError(
                f"stage {self.name}: sign_in_tokens without api_keys or an authorizer would give "
                "everyone on the internet a developer token: add api_keys or an authorizer, or "
                "remove sign_in_tokens"
            )
        if not self.runbook_url.startswith("https://"):
            raise ValueError(
                f"stage {self.name}: runbook_url must be a URL with https, not {self.runbook_url!r}"
            )
        if self.monthly_budget_usd is not None and (
            self.monthly_budget_usd < 1 or self.alarm_email is None
        ):
            raise ValueError(
                f"stage {self.name}: a budget needs a limit of at least $1, and an alarm_email"
            )

    def _check_provisioned_concurrency(self, environments: int) -> None:
        if self.snap_start:
            raise ValueError(
                f"stage {self.name}: AWS does not support snap_start together with "
                "provisioned_concurrency: remove one of them"
            )
        most = self.reserved_concurrency
        if environments < 1 or (most is not None and environments > most):
            raise ValueError(
                f"stage {self.name}: provisioned_concurrency must be at least 1 and at most the "
                f"reserved_concurrency, not {environments}"
            )

    @property
    def rotate_after_days(self) -> int:
        """The age at which a token is rotated, which must be at most half its life.

        It is one day less, because Secrets Manager may rotate at the end of the due day.
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
    # Without the table, every read would call Apple, whose rate limit is shared by the whole
    # developer team.
    removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    termination_protection=True,
    canary=True,
    # Made-up tokens cost one call to Apple each, and one address could use up the throttle.
    firewall=FirewallRules(requests_per_address=3_000),
)

DRILL_STAGE: Final = "drill"

_DRILL: Final = replace(
    _PROD,
    name=DRILL_STAGE,
    removal_policy=RemovalPolicy.DESTROY,
    termination_protection=False,
)

_LOCAL: Final = StageSettings(
    name=LOCAL_STAGE,
    throttle_rate=100,
    throttle_burst=200,
    log_retention=RetentionDays.ONE_DAY,
    removal_policy=RemovalPolicy.DESTROY,
    termination_protection=False,
    # The emulator is slower than DynamoDB.
    cache_timeout_milliseconds=3_000,
    api_keys=("local",),
    sign_in_tokens=SignInTokens(allowed_origins=("http://localhost:3000",)),
)

STAGES: Final[Mapping[str, StageSettings]] = MappingProxyType(
    {settings.name: settings for settings in (_DEV, _PROD)}
)
"""The stages that can be deployed to an AWS account."""


def stage_settings(name: str) -> StageSettings:
    """Return the settings of the stage with that name.

    Raises:
        UnknownStageError: if no stage has this name.
    """
    try:
        return STAGES[name]
    except KeyError:
        known = ", ".join(STAGES)
        raise UnknownStageError(f"unknown stage {name!r}: choose one of {known}") from None


def drill_stage(*, is_broken: bool) -> StageSettings:
    """Return the settings of `prod` for `ops/drill.sh`, in a stack that can be deleted.

    If `is_broken`, the ratings function cannot reach Apple Music.
    """
    return replace(_DRILL, apple_music_url="https://127.0.0.1:1") if is_broken else _DRILL


def local_stage(context: str | None, *, machine: str) -> StageSettings:
    """Return the settings of the stage for the emulator of AWS on this machine.

    `context` is a JSON object of changed settings. It must have an `apple_music_url` on the
    loopback address: a function deployed to an AWS account by mistake then reaches no server.

    Raises:
        UnknownStageError: if `context` has no such URL, as in a deployment to an AWS account.
    """
    changed = json.loads(context or "{}")
    if urlsplit(changed.get("apple_music_url", "")).hostname != "127.0.0.1":
        raise UnknownStageError(
            f"stage {LOCAL_STAGE!r} is for this machine only, not for an AWS account: "
            "`make deploy-local` deploys it"
        )
    return replace(_LOCAL, architecture=Architecture.of_machine(machine), **changed)
