"""The environment variables of `make run`, and the messages about invalid values."""

from __future__ import annotations

import re
from pathlib import Path
from socket import gaierror
from typing import Any

import pytest

from dev.apple_music.developer_key import DeveloperKey
from dev.server.options import Options, UsageError, read_options
from dev.server.sign_in import LOOPBACK_ORIGINS
from ops.local_service import DEFAULT_FILE

NOW = 1_700_000_000.0
APPLE = "https://api.music.apple.com"
KEY = DeveloperKey.generate()
TOKEN = KEY.sign_token(now=NOW, life_seconds=60)
EXPIRED = KEY.sign_token(now=NOW - 60, life_seconds=60)


def found(_host: str, _port: int) -> None:
    """A name server that knows every host."""


def test_a_host_that_no_name_server_knows_is_reported() -> None:
    looked_up = []

    def resolve(host: str, port: int) -> None:
        looked_up.append((host, port))
        raise gaierror

    environment = {"APPLE_MUSIC_URL": "https://api.music.aple.com", "DEVELOPER_TOKEN": TOKEN}
    with pytest.raises(UsageError, match=r"host api\.music\.aple\.com .* check its spelling"):
        read_options(environment, now=NOW, resolve=resolve)
    assert looked_up == [("api.music.aple.com", 443)]


def test_without_variables_the_port_is_8080_and_apple_music_is_simulated() -> None:
    options = read_options({"PORT": "", "DEVELOPER_TOKEN": ""}, now=NOW, resolve=found)
    assert options == Options(port=8080, fresh_seconds=60, state_file=DEFAULT_FILE)


def test_port_freshness_and_state_file_can_be_set() -> None:
    environment = {"PORT": "0", "FRESH_SECONDS": "1", "LOCAL_STATE_FILE": "elsewhere.json"}
    assert read_options(environment, now=NOW, resolve=found) == Options(
        port=0, fresh_seconds=1, state_file=Path("elsewhere.json")
    )


def test_address_and_data_and_json_can_be_set() -> None:
    environment = {"HOST": "0.0.0.0", "DATA": "my.json", "LOG": "json", "READY": "json"}  # noqa: S104
    options = read_options(environment, now=NOW, resolve=found)
    assert (options.host, options.data_file) == ("0.0.0.0", Path("my.json"))  # noqa: S104
    assert options.log_json
    assert options.ready_json
    assert read_options(
        {"HOST": "", "DATA": "", "LOG": ""}, now=NOW, resolve=found
    ) == read_options({}, now=NOW, resolve=found)


def test_the_page_lists_exactly_the_variables_that_exist() -> None:
    read: set[str] = set()

    class Recorder(dict[str, str]):
        def get(self, key: str, default: Any = None) -> Any:
            read.add(key)
            return default

    read_options(Recorder(), now=NOW, resolve=found)
    page = (Path(__file__).parents[4] / "docs" / "local.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|", page, re.MULTILINE)
    assert {name.strip("`") for row in rows for name in row.split(", ")} == read


def test_allowed_origins_can_be_set() -> None:
    for text, origins in (
        ("", ("*",)),
        ("none", ()),
        ("ionic://localhost", ("ionic://localhost",)),
    ):
        assert (
            read_options({"ALLOWED_ORIGINS": text}, now=NOW, resolve=found).allowed_origins
            == origins
        )


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", LOOPBACK_ORIGINS),
        ("http://127.0.0.1:9", ("http://127.0.0.1:9",)),
        ("https://a.example,https://b.example", ("https://a.example", "https://b.example")),
    ],
)
def test_the_origins_whose_pages_get_developer_tokens_can_be_set(
    text: str, origins: tuple[str, ...]
) -> None:
    assert (
        read_options({"SIGN_IN_ORIGINS": text}, now=NOW, resolve=found).sign_in_origins == origins
    )


def test_another_upstream_is_used_with_a_token_for_it() -> None:
    options = read_options(
        {"APPLE_MUSIC_URL": f"{APPLE}/", "DEVELOPER_TOKEN": TOKEN}, now=NOW, resolve=found
    )
    assert (options.apple_music_url, options.developer_token) == (APPLE, TOKEN)
    assert TOKEN not in repr(options)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"PORT": "http"}, "PORT must be a whole number"),
        ({"PORT": "65536"}, "PORT must be a whole number"),
        ({"PORT": "-1"}, "PORT must be a whole number"),
        ({"FRESH_SECONDS": "0"}, "FRESH_SECONDS must be a whole number"),
        ({"ALLOWED_ORIGINS": "app.example.com"}, "not an origin such as https://app.example.com"),
        ({"FRESH_SECONDS": "1.5"}, "FRESH_SECONDS must be a whole number"),
        ({"HOST": "a-phone"}, "HOST must be an IPv4 address"),
        ({"LOG": "text"}, "LOG must be json, or unset"),
        ({"READY": "1"}, "READY must be json, or unset"),
        ({"APPLE_MUSIC_URL": APPLE, "DEVELOPER_TOKEN": TOKEN, "DATA": "a"}, "DATA is for the"),
        ({"APPLE_MUSIC_URL": APPLE}, "Set both"),
        ({"DEVELOPER_TOKEN": TOKEN}, "Set both"),
        ({"APPLE_MUSIC_URL": "http://apple.example", "DEVELOPER_TOKEN": TOKEN}, "must be https"),
        ({"APPLE_MUSIC_URL": APPLE, "DEVELOPER_TOKEN": "a-p8-key"}, "not a JWT"),
        ({"APPLE_MUSIC_URL": APPLE, "DEVELOPER_TOKEN": f"Bearer {TOKEN}"}, "not a JWT"),
        ({"APPLE_MUSIC_URL": APPLE, "DEVELOPER_TOKEN": EXPIRED}, "has expired"),
    ],
)
def test_an_invalid_option_is_reported_with_what_to_do_and_without_the_token(
    environment: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as error:
        read_options(environment, now=NOW, resolve=found)
    assert TOKEN not in str(error.value)
    assert EXPIRED not in str(error.value)
