"""The settings and names that the function and its stack share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from functions.shared.settings import SettingsError

PATH: Final = "/developer-token"

MIN_LIFE_SECONDS: Final = 300
MAX_LIFE_SECONDS: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables of the sign-in function.

    A token expires `token_life_seconds` after it was signed. Apps, and web pages of
    `allowed_origins`, get tokens. The constructor raises SettingsError for an invalid value.
    """

    signing_key_secret_id: str
    token_life_seconds: int = 900
    allowed_origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.signing_key_secret_id:
            raise SettingsError("SIGNING_KEY_SECRET_ID is not set")
        if not MIN_LIFE_SECONDS <= self.token_life_seconds <= MAX_LIFE_SECONDS:
            raise SettingsError(
                f"TOKEN_LIFE_SECONDS must be from {MIN_LIFE_SECONDS} to {MAX_LIFE_SECONDS}"
            )

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; raise SettingsError if a variable is missing or invalid."""
        seconds = environment.get("TOKEN_LIFE_SECONDS", "900")
        if not (seconds.isascii() and seconds.isdigit()):
            raise SettingsError("TOKEN_LIFE_SECONDS must be a whole number")
        return cls(
            signing_key_secret_id=environment.get("SIGNING_KEY_SECRET_ID", ""),
            token_life_seconds=int(seconds),
            allowed_origins=tuple(filter(None, environment.get("ALLOWED_ORIGINS", "").split(","))),
        )

    def to_env(self) -> dict[str, str]:
        """Return the environment variables that `from_env` reads."""
        return {
            "SIGNING_KEY_SECRET_ID": self.signing_key_secret_id,
            "TOKEN_LIFE_SECONDS": str(self.token_life_seconds),
            "ALLOWED_ORIGINS": ",".join(self.allowed_origins),
        }
