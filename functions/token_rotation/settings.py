"""The contract between the stack that deploys the function and the function itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final
from urllib.parse import urlsplit

DAY_SECONDS: Final = 86_400

LONGEST_LIFE_SECONDS: Final = 15_777_000
"""Apple takes no developer token that lives longer.

Source: https://developer.apple.com/documentation/applemusicapi/generating-developer-tokens
"""

NO_DEVELOPER_TOKEN: Final = "no developer token yet"  # noqa: S105 - says that there is none
"""How the text begins that stands in the token's secret until there is a token."""

NO_SIGNING_KEY: Final = "no signing key yet"
"""How the text begins that stands in the signing key's secret until there is a key."""

_REQUIRED: Final = ("developer_token_secret_id", "signing_key_secret_id")
_LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class SettingsError(ValueError):
    """The environment does not describe a working function; the message names the variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the token rotation function is told by its environment.

    A new developer token lives for `token_life_seconds`.

    Raises:
        SettingsError: from the constructor, where a value makes no sense.
    """

    developer_token_secret_id: str
    signing_key_secret_id: str
    apple_music_url: str = "https://api.music.apple.com"
    token_life_seconds: int = 60 * DAY_SECONDS

    def __post_init__(self) -> None:
        for name in _REQUIRED:
            if not getattr(self, name):
                raise SettingsError(f"{name.upper()} is not set")
        if not _is_origin(self.apple_music_url):
            raise SettingsError(
                "APPLE_MUSIC_URL must be https://host[:port], or http:// on a loopback host"
            )
        if not DAY_SECONDS <= self.token_life_seconds <= LONGEST_LIFE_SECONDS:
            raise SettingsError(
                f"TOKEN_LIFE_SECONDS must be from {DAY_SECONDS} to {LONGEST_LIFE_SECONDS}, "
                "the longest life that Apple takes"
            )

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
