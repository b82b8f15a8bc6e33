"""The settings and names that the function and its stack share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from functions.shared.settings import (
    ANY_ORIGIN,
    EnvironmentSettings,
    SettingsError,
    check_origins,
)

# The cache table's string keys, and the attribute with the epoch seconds at which items expire.
PARTITION_KEY: Final = "pk"
SORT_KEY: Final = "sk"
TTL_ATTRIBUTE: Final = "expires_at"

# The response headers that web pages may read, in addition to CORS's safelisted ones.
EXPOSED_HEADERS: Final = "Age, Cache-Status, Retry-After, X-Request-Id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(EnvironmentSettings):
    """The environment variables of the ratings function.

    A rating is served without a call to Apple for `fresh_seconds`, and for another
    `stale_if_error_seconds` if Apple fails. Every response is sent within `deadline_seconds`. Each
    call to DynamoDB takes at most `cache_timeout_milliseconds`. Web pages of `allowed_origins` may
    read responses; `*` means all origins.
    """

    cache_table_name: str
    fresh_seconds: int = 60
    stale_if_error_seconds: int = 3_600
    deadline_seconds: int = 6
    cache_timeout_milliseconds: int = 300
    allowed_origins: tuple[str, ...] = ANY_ORIGIN

    def __post_init__(self) -> None:
        EnvironmentSettings.__post_init__(self)  # `super()` fails in a dataclass with slots
        for name, least in (
            ("fresh_seconds", 1),
            ("stale_if_error_seconds", 0),
            ("deadline_seconds", 3),
            ("cache_timeout_milliseconds", 1),
        ):
            if getattr(self, name) < least:
                raise SettingsError(f"{name.upper()} must be at least {least}")
        check_origins(self.allowed_origins)
