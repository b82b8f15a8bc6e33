from __future__ import annotations

import pytest

from functions.shared.settings import SettingsError
from functions.sign_in.settings import Settings

KEY = {"SIGNING_KEY_SECRET_ID": "signing-key"}


@pytest.mark.parametrize("origins", [(), ("https://app.example", "capacitor://localhost")])
def test_the_function_reads_what_the_stack_writes(origins: tuple[str, ...]) -> None:
    settings = Settings(
        signing_key_secret_id="signing-key", token_life_seconds=300, allowed_origins=origins
    )

    assert Settings.from_env(settings.to_env()) == settings
    assert Settings.from_env(KEY) == Settings(signing_key_secret_id="signing-key")
    assert Settings.from_env(KEY).token_life_seconds == 900


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"SIGNING_KEY_SECRET_ID": ""}, "SIGNING_KEY_SECRET_ID is not set"),
        ({"TOKEN_LIFE_SECONDS": "299"}, "from 300 to 3600"),
        ({"TOKEN_LIFE_SECONDS": "3601"}, "from 300 to 3600"),
        ({"TOKEN_LIFE_SECONDS": "1e3"}, "a whole number"),
    ],
)
def test_missing_or_invalid_settings_are_rejected(variables: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings.from_env({**KEY, **variables})
