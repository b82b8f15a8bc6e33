"""The settings that both functions have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Self
from urllib.parse import urlsplit


class SettingsError(ValueError):
    """A variable is missing or invalid; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSettings:
    """Settings from environment variables, which are named as the fields, in upper case.

    Fields named `…seconds` are whole numbers. Fields without a default are required. The
    constructor raises SettingsError if a value is invalid.
    """

    developer_token_secret_id: str
    apple_music_url: str = "https://api.music.apple.com"

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.default is MISSING and not getattr(self, field.name):
                raise SettingsError(f"{field.name.upper()} is not set")
        if not _is_origin(self.apple_music_url):
            raise SettingsError(
                "APPLE_MUSIC_URL must be https://host[:port], or http:// on a loopback host"
            )

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings; raise SettingsError if a variable is missing or invalid."""
        values: dict[str, Any] = {}
        for field in fields(cls):
            name = field.name.upper()
            text = environment.get(name, "" if field.default is MISSING else None)
            if text is None:
                continue
            values[field.name] = text
            if field.name.endswith("seconds"):
                if not (text.isascii() and text.isdigit()):
                    raise SettingsError(f"{name} must be a whole number")
                values[field.name] = int(text)
        return cls(**values)

    def to_env(self) -> dict[str, str]:
        """Return the environment variables that `from_env` reads."""
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
    return parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
