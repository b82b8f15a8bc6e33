"""The contract between the stack that deploys the function and the function itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final
from urllib.parse import urlsplit

PARTITION_KEY: Final = "pk"
"""The cache table's partition key, a string."""

SORT_KEY: Final = "sk"
"""The cache table's sort key, a string."""

TTL_ATTRIBUTE: Final = "expires_at"
"""The attribute by which DynamoDB deletes old items, in epoch seconds."""

_REQUIRED: Final = ("cache_table_name", "developer_token_secret_id")
_LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class SettingsError(ValueError):
    """The environment does not describe a working function; the message names the variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the ratings function is told by its environment.

    Times are whole numbers: a rating is served without asking Apple for `fresh_seconds`, after
    that for `stale_if_error_seconds` more if Apple fails, and every answer is given within
    `deadline_seconds` of the handler's start. The cache is gone on without if it has not answered
    within `cache_timeout_milliseconds`.

    Raises:
        SettingsError: from the constructor, where a value makes no sense.
    """

    cache_table_name: str
    developer_token_secret_id: str
    apple_music_url: str = "https://api.music.apple.com"
    fresh_seconds: int = 60
    stale_if_error_seconds: int = 3_600
    deadline_seconds: int = 6
    cache_timeout_milliseconds: int = 200

    def __post_init__(self) -> None:
        for name in _REQUIRED:
            if not getattr(self, name):
                raise SettingsError(f"{name.upper()} is not set")
        if not _is_origin(self.apple_music_url):
            raise SettingsError(
                "APPLE_MUSIC_URL must be https://host[:port], or http:// on a loopback host"
            )
        for name, least in (
            ("fresh_seconds", 1),
            ("stale_if_error_seconds", 0),
            ("deadline_seconds", 3),
            ("cache_timeout_milliseconds", 1),
        ):
            if getattr(self, name) < least:
                raise SettingsError(f"{name.upper()} must be at least {least}")

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings from environment variables named as the fields, in upper case.

        Raises:
            SettingsError: where a variable is missing or unusable.
        """
        values: dict[str, Any] = {}
        for field in fields(cls):
            text = environment.get(field.name.upper())
            if text is not None:
                is_number = field.name.endswith("seconds")
                values[field.name] = _whole_number(field.name, text) if is_number else text
        return cls(**{**dict.fromkeys(_REQUIRED, ""), **values})

    def to_env(self) -> dict[str, str]:
        """Give the environment variables from which `from_env` makes these settings."""
        return {field.name.upper(): str(getattr(self, field.name)) for field in fields(self)}


def _is_origin(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK_HOSTS


def _whole_number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise SettingsError(f"{name.upper()} must be a whole number")
    return int(text)
