import pytest

from functions.ratings.settings import Settings
from functions.shared.settings import SettingsError

REQUIRED = {"CACHE_TABLE_NAME": "ratings", "DEVELOPER_TOKEN_SECRET_ID": "developer-token"}


def test_allowed_origins_are_checked() -> None:
    assert Settings.from_env(REQUIRED).allowed_origins == ("*",)
    with pytest.raises(SettingsError, match="ALLOWED_ORIGINS"):
        Settings.from_env({**REQUIRED, "ALLOWED_ORIGINS": "https://a.example, *"})


def test_the_time_limits_and_apples_url_have_defaults() -> None:
    settings = Settings.from_env(REQUIRED)

    assert settings.apple_music_url == "https://api.music.apple.com"
    assert (settings.deadline_seconds, settings.cache_timeout_milliseconds) == (6, 300)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("fresh_seconds", 1),
        ("stale_if_error_seconds", 0),
        ("deadline_seconds", 3),
        ("cache_timeout_milliseconds", 1),
    ],
)
def test_a_time_is_a_whole_number_with_a_minimum(name: str, least: int) -> None:
    variable = name.upper()
    assert getattr(Settings.from_env({**REQUIRED, variable: str(least)}), name) == least
    for text in (str(least - 1), "1.5"):
        with pytest.raises(SettingsError, match=variable):
            Settings.from_env({**REQUIRED, variable: text})
