from dataclasses import dataclass

import pytest

from functions.shared.settings import EnvironmentSettings, SettingsError, check_origins


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(EnvironmentSettings):
    table_name: str
    fresh_seconds: int = 60
    allowed_origins: tuple[str, ...] = ("*",)


NEEDED = {"DEVELOPER_TOKEN_SECRET_ID": "developer-token", "TABLE_NAME": "ratings"}


def test_the_stack_writes_the_variables_that_the_function_reads() -> None:
    settings = Settings(developer_token_secret_id="token", table_name="ratings", fresh_seconds=1)

    assert Settings.from_env(settings.to_env()) == settings
    assert Settings.from_env(NEEDED).apple_music_url == "https://api.music.apple.com"
    assert Settings.from_env(NEEDED).fresh_seconds == 60


@pytest.mark.parametrize(
    ("origins", "text"),
    [
        ((), "none"),
        (("*",), "*"),
        (("https://a.example", "ionic://localhost"), "https://a.example,ionic://localhost"),
    ],
)
def test_origins_are_separated_by_commas(origins: tuple[str, ...], text: str) -> None:
    settings = Settings(developer_token_secret_id="token", table_name="r", allowed_origins=origins)

    assert settings.to_env()["ALLOWED_ORIGINS"] == text
    for spelling in (text, text.replace(",", " , ")):
        read = Settings.from_env({**NEEDED, "ALLOWED_ORIGINS": spelling})
        assert read.allowed_origins == origins


def test_origins_of_web_pages_and_webviews_are_accepted() -> None:
    check_origins(
        (
            *("https://app.example.com", "https://app.example.com:8443", "https://localhost"),
            *("http://localhost:5173", "http://127.0.0.1:5173", "http://[::1]:5173"),
            *("capacitor://localhost", "ionic://localhost", "https://xn--bcher-kva.example"),
        )
    )


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "none",
        "*",
        "app.example.com",
        "http://app.example.com",
        "http://localhost.example.com",
        "https://",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://app.example.com?query",
        "https://app.example.com:",
        "https://app.example.com:443",
        "http://localhost:80",
        "https://App.example.com",
        "https://*.example.com",
        "https://user@app.example.com",
        "https://bücher.example",
        "https://app.example.com\n",
        "capacitor:localhost",
    ],
)
def test_any_other_origin_is_rejected(origin: str) -> None:
    with pytest.raises(SettingsError, match="ALLOWED_ORIGINS"):
        check_origins(("https://a.example", origin))


@pytest.mark.parametrize("name", NEEDED)
def test_the_error_names_a_required_variable_that_is_missing_or_empty(name: str) -> None:
    for environment in ({**NEEDED, name: ""}, {key: NEEDED[key] for key in NEEDED if key != name}):
        with pytest.raises(SettingsError, match=f"{name} is not set"):
            Settings.from_env(environment)


@pytest.mark.parametrize("text", ["a minute", "-1", "1.5", "1e6", "", "\u0661\u0662"])
def test_seconds_are_a_whole_number(text: str) -> None:
    with pytest.raises(SettingsError, match="FRESH_SECONDS"):
        Settings.from_env({**NEEDED, "FRESH_SECONDS": text})


@pytest.mark.parametrize(
    "url",
    ["https://apple.test:8443", "http://127.0.0.1:80", "http://localhost", "http://[::1]"],
)
def test_the_url_of_apple_has_https_or_is_on_this_machine(url: str) -> None:
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
def test_an_invalid_url_of_apple_is_rejected(url: str) -> None:
    with pytest.raises(SettingsError, match="APPLE_MUSIC_URL"):
        Settings.from_env({**NEEDED, "APPLE_MUSIC_URL": url})
