"""Reads settings from environment variables; defines those that several functions share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final, Self
from urllib.parse import urlsplit

ANY_ORIGIN: Final = ("*",)

_NO_ORIGIN: Final = "none"
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
_ORIGIN: Final = (
    r"([a-z][a-z0-9+.-]*)://([a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?"
)


class SettingsError(ValueError):
    """A variable is missing or invalid; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSettings:
    """Settings from environment variables, whose names are the fields' names in upper case.

    Fields named `…seconds` are whole numbers. Fields named `…origins` are tuples; their variables
    are lists with commas, or `none`. Fields without a default are required. The constructor raises
    SettingsError if a value is invalid.
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
            elif field.name.endswith("origins"):
                names = () if text == _NO_ORIGIN else text.split(",")
                values[field.name] = tuple(each.strip() for each in names)
        return cls(**values)

    def to_env(self) -> dict[str, str]:
        """Return the environment variables that `from_env` reads."""
        values = {field.name.upper(): getattr(self, field.name) for field in fields(self)}
        return {
            name: (",".join(value) or _NO_ORIGIN) if isinstance(value, tuple) else str(value)
            for name, value in values.items()
        }


def check_origins(origins: tuple[str, ...]) -> None:
    """Raise SettingsError unless `origins` is only `*`, or lists origins as browsers send them.

    WebViews have their own schemes. Source: https://fetch.spec.whatwg.org/#origin-header
    """
    if origins == ANY_ORIGIN:
        return
    for origin in origins:
        parts = re.fullmatch(_ORIGIN, origin)
        if parts is None or (parts[1] == "http" and parts[2] not in _LOOPBACK):
            raise SettingsError(
                f"ALLOWED_ORIGINS: {origin!r} is not an origin such as https://app.example.com, "
                "http://localhost:5173 or capacitor://localhost; * cannot be in a list"
            )
        if (parts[1], parts[3]) in (("https", "443"), ("http", "80")):
            raise SettingsError(f"ALLOWED_ORIGINS: browsers send {origin!r} without its port")


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
