"""The settings that the stack writes into the function's environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from functions.shared.settings import EnvironmentSettings, SettingsError

DAY_SECONDS: Final = 86_400

LONGEST_LIFE_SECONDS: Final = 15_777_000  # Apple accepts no token that is valid for longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(EnvironmentSettings):
    """The token rotation function's settings; a new token expires after `token_life_seconds`."""

    signing_key_secret_id: str
    token_life_seconds: int = 60 * DAY_SECONDS

    def __post_init__(self) -> None:
        EnvironmentSettings.__post_init__(self)  # `super()` fails in a dataclass with slots
        if not DAY_SECONDS <= self.token_life_seconds <= LONGEST_LIFE_SECONDS:
            raise SettingsError(
                f"TOKEN_LIFE_SECONDS must be from {DAY_SECONDS} to {LONGEST_LIFE_SECONDS}"
            )
