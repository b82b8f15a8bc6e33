"""What the settings of both functions have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit


class SettingsError(ValueError):
    """The environment does not describe a working function; the message names the variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSettings:
    """Settings out of environment variables that are named as the fields, in upper case.

    Fields named `…seconds` are whole numbers. The fields without a default are required.

    Raises:
        SettingsError: from the constructor, if a value makes no sense.
    """

    required: ClassVar[tuple[str, ...]] = ("developer_token_secret_id",)

    developer_token_secret_id: str
    apple_music_url: str = "https://api.music.apple.com"

    def __post_init__(self) -> None:
        for name in self.required:
            if not getattr(self, name):
                raise SettingsError(f"{name.upper()} is not set")
        if not _is_origin(self.apple_music_url):
            raise SettingsError(
                "APPLE_MUSIC_URL must be https://host[:port], or http:// on a loopback host"
            )

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings.

        Raises:
            SettingsError: if a variable is missing or unusable.
        """
        values: dict[str, Any] = dict.fromkeys(cls.required, "")
        for field in fields(cls):
            name = field.name.upper()
            text = environment.get(name)
            if text is not None and field.name.endswith("seconds"):
                if not (text.isascii() and text.isdigit()):
                    raise SettingsError(f"{name} must be a whole number")
                values[field.name] = int(text)
            elif text is not None:
                values[field.name] = text
        return cls(**values)

    def to_env(self) -> dict[str, str]:
        """Return the environment variables from which `from_env` makes these settings."""
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
