import pytest

from functions.ratings.settings import Settings
from functions.shared.settings import SettingsError

NEEDED = {"CACHE_TABLE_NAME": "ratings", "DEVELOPER_TOKEN_SECRET_ID": "developer-token"}


def test_what_the_stack_writes_is_what_the_function_reads() -> None:
    settings = Settings(
        cache_table_name="ratings",
        developer_token_secret_id="developer-token",
        apple_music_url="http://127.0.0.1:8081",
        fresh_seconds=1,
        stale_if_error_seconds=2,
        deadline_seconds=3,
        cache_timeout_milliseconds=4,
    )

    assert Settings.from_env(settings.to_env()) == settings


def test_the_windows_and_the_origin_have_defaults() -> None:
    settings = Settings.from_env(NEEDED)

    assert settings.apple_music_url == "https://api.music.apple.com"
    assert (settings.fresh_seconds, settings.stale_if_error_seconds) == (60, 3600)
    assert (settings.deadline_seconds, settings.cache_timeout_milliseconds) == (6, 300)


@pytest.mark.parametrize("missing", sorted(NEEDED))
def test_a_missing_variable_is_named(missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        Settings.from_env({**NEEDED, missing: ""})


@pytest.mark.parametrize(
    "url",
    [
        "https://api.music.apple.com",
        "https://apple.test:8443",
        "http://127.0.0.1:80",
        "http://localhost",
    ],
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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("FRESH_SECONDS", "0"),
        ("FRESH_SECONDS", "a minute"),
        ("STALE_IF_ERROR_SECONDS", "-1"),
        ("DEADLINE_SECONDS", "1.5"),
        ("DEADLINE_SECONDS", ""),
        ("CACHE_TIMEOUT_MILLISECONDS", "0"),
    ],
)
def test_a_window_is_a_whole_number(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({**NEEDED, name: text})
