"""The environment variables of `make run`, and the messages about wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.apple_music.developer_key import DeveloperKey
from dev.server.options import Options, UsageError, read_options
from ops.local_service import DEFAULT_FILE

NOW = 1_700_000_000.0
APPLE = "https://api.music.apple.com"
KEY = DeveloperKey.generate()
TOKEN = KEY.sign_token(now=NOW, life_seconds=60)
EXPIRED = KEY.sign_token(now=NOW - 60, life_seconds=60)


def test_without_variables_the_stand_in_is_used_on_port_8080() -> None:
    options = read_options({"PORT": "", "DEVELOPER_TOKEN": ""}, now=NOW)
    assert options == Options(port=8080, fresh_seconds=60, state_file=DEFAULT_FILE)


def test_port_freshness_and_state_file_can_be_set() -> None:
    environment = {"PORT": "0", "FRESH_SECONDS": "1", "LOCAL_STATE_FILE": "elsewhere.json"}
    assert read_options(environment, now=NOW) == Options(
        port=0, fresh_seconds=1, state_file=Path("elsewhere.json")
    )


def test_another_upstream_is_used_with_a_token_for_it() -> None:
    options = read_options({"APPLE_MUSIC_URL": f"{APPLE}/", "DEVELOPER_TOKEN": TOKEN}, now=NOW)
    assert (options.apple_music_url, options.developer_token) == (APPLE, TOKEN)
    assert TOKEN not in repr(options)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"PORT": "http"}, "PORT must be a whole number"),
        ({"PORT": "65536"}, "PORT must be a whole number"),
        ({"PORT": "-1"}, "PORT must be a whole number"),
        ({"FRESH_SECONDS": "0"}, "FRESH_SECONDS must be a whole number"),
        ({"FRESH_SECONDS": "1.5"}, "FRESH_SECONDS must be a whole number"),
        ({"APPLE_MUSIC_URL": APPLE}, "Set both"),
        ({"DEVELOPER_TOKEN": TOKEN}, "Set both"),
        ({"APPLE_MUSIC_URL": "http://apple.example", "DEVELOPER_TOKEN": TOKEN}, "must be https"),
        ({"APPLE_MUSIC_URL": APPLE, "DEVELOPER_TOKEN": "a-p8-key"}, "not a JWT"),
        ({"APPLE_MUSIC_URL": APPLE, "DEVELOPER_TOKEN": f"Bearer {TOKEN}"}, "not a JWT"),
        ({"APPLE_MUSIC_URL": APPLE, "DEVELOPER_TOKEN": EXPIRED}, "has expired"),
    ],
)
def test_misuse_is_reported_with_what_to_do_and_without_the_token(
    environment: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as error:
        read_options(environment, now=NOW)
    assert TOKEN not in str(error.value)
    assert EXPIRED not in str(error.value)
