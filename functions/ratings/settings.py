"""The contract between the stack that deploys the function and the function itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from functions.shared.settings import EnvironmentSettings, SettingsError

PARTITION_KEY: Final = "pk"
"""The cache table's partition key, a string."""

SORT_KEY: Final = "sk"
"""The cache table's sort key, a string."""

TTL_ATTRIBUTE: Final = "expires_at"
"""The attribute by which DynamoDB deletes old items, in epoch seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(EnvironmentSettings):
    """What the ratings function is told by its environment.

    Times are whole numbers: a rating is served without asking Apple for `fresh_seconds`, after
    that for `stale_if_error_seconds` more if Apple fails, and every answer is given within
    `deadline_seconds` of the handler's start. Each call to DynamoDB takes at most
    `cache_timeout_milliseconds`.

    Raises:
        SettingsError: from the constructor, if a value makes no sense.
    """

    required: ClassVar = ("cache_table_name", "developer_token_secret_id")

    cache_table_name: str
    fresh_seconds: int = 60
    stale_if_error_seconds: int = 3_600
    deadline_seconds: int = 6
    cache_timeout_milliseconds: int = 300

    def __post_init__(self) -> None:
        EnvironmentSettings.__post_init__(self)  # `super()` knows the class without slots alone
        for name, least in (
            ("fresh_seconds", 1),
            ("stale_if_error_seconds", 0),
            ("deadline_seconds", 3),
            ("cache_timeout_milliseconds", 1),
        ):
            if getattr(self, name) < least:
                raise SettingsError(f"{name.upper()} must be at least {least}")
