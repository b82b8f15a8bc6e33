import pytest

from functions.shared.settings import SettingsError
from functions.token_rotation.settings import Settings


def life_seconds(**variables: str) -> int:
    secrets = {"DEVELOPER_TOKEN_SECRET_ID": "token", "SIGNING_KEY_SECRET_ID": "key"}
    return Settings.from_env({**secrets, **variables}).token_life_seconds


def test_the_life_of_a_token_is_from_one_day_to_the_maximum_that_apple_accepts() -> None:
    assert life_seconds() == 60 * 86_400
    for seconds in (86_400, 15_777_000):
        assert life_seconds(TOKEN_LIFE_SECONDS=str(seconds)) == seconds
    for seconds in (86_399, 15_777_001):
        with pytest.raises(SettingsError, match="TOKEN_LIFE_SECONDS"):
            life_seconds(TOKEN_LIFE_SECONDS=str(seconds))
