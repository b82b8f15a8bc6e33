"""The contract between the stack that deploys the function and the function itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from functions.shared.settings import EnvironmentSettings, SettingsError

DAY_SECONDS: Final = 86_400

LONGEST_LIFE_SECONDS: Final = 15_777_000
"""Apple takes no developer token that lives longer.

Source: https://developer.apple.com/documentation/applemusicapi/generating-developer-tokens
"""

NO_DEVELOPER_TOKEN: Final = "no developer token yet"  # noqa: S105 - says that there is none
"""How the text begins that stands in the token's secret until there is a token."""

NO_SIGNING_KEY: Final = "no signing key yet"
"""How the text begins that stands in the signing key's secret until there is a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(EnvironmentSettings):
    """What the token rotation function is told by its environment.

    A new developer token lives for `token_life_seconds`.

    Raises:
        SettingsError: from the constructor, if a value makes no sense.
    """

    required: ClassVar = ("developer_token_secret_id", "signing_key_secret_id")

    signing_key_secret_id: str
    token_life_seconds: int = 60 * DAY_SECONDS

    def __post_init__(self) -> None:
        EnvironmentSettings.__post_init__(self)  # `super()` knows the class without slots alone
        if not DAY_SECONDS <= self.token_life_seconds <= LONGEST_LIFE_SECONDS:
            raise SettingsError(
                f"TOKEN_LIFE_SECONDS must be from {DAY_SECONDS} to {LONGEST_LIFE_SECONDS}, "
                "the longest life that Apple takes"
            )
