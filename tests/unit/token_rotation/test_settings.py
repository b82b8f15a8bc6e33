import pytest

from functions.shared.settings import SettingsError
from functions.token_rotation.settings import Settings

NEEDED = {"DEVELOPER_TOKEN_SECRET_ID": "developer-token", "SIGNING_KEY_SECRET_ID": "signing-key"}


def test_what_the_stack_writes_is_what_the_function_reads() -> None:
    settings = Settings(
        developer_token_secret_id="developer-token",
        signing_key_secret_id="signing-key",
        apple_music_url="http://127.0.0.1:8081",
        token_life_seconds=86_400,
    )

    assert Settings.from_env(settings.to_env()) == settings


def test_a_token_lives_for_sixty_days_unless_told_otherwise() -> None:
    settings = Settings.from_env(NEEDED)

    assert settings.token_life_seconds == 60 * 24 * 3600
    assert settings.apple_music_url == "https://api.music.apple.com"


@pytest.mark.parametrize("missing", sorted(NEEDED))
def test_a_missing_variable_is_named(missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        Settings.from_env({**NEEDED, missing: ""})


@pytest.mark.parametrize(
    "url",
    ["https://api.music.apple.com", "https://apple.test:8443", "http://127.0.0.1:80"],
)
def test_apple_is_reached_by_https_or_on_this_machine(url: str) -> None:
    assert Settings.from_env({**NEEDED, "APPLE_MUSIC_URL": url}).apple_music_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.music.apple.com",
        "http://127.0.0.1.example.com",
        "https://user:secret@apple.test",
        "https://apple.test/path",
        "https://apple.test?query",
        "https://apple.test:port",
        "https://",
        "ftp://apple.test",
        "",
    ],
)
def test_any_other_origin_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="APPLE_MUSIC_URL"):
        Settings.from_env({**NEEDED, "APPLE_MUSIC_URL": url})


@pytest.mark.parametrize("text", ["86400", "15777000"])
def test_a_token_may_live_for_a_day_or_as_long_as_apple_lets_it(text: str) -> None:
    settings = Settings.from_env({**NEEDED, "TOKEN_LIFE_SECONDS": text})

    assert settings.token_life_seconds == int(text)


@pytest.mark.parametrize("text", ["86399", "15777001", "-1", "1e6", "60 days", "", "\u0661\u0662"])
def test_any_other_life_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="TOKEN_LIFE_SECONDS"):
        Settings.from_env({**NEEDED, "TOKEN_LIFE_SECONDS": text})
