"""What a person may ask of `make run`, and what they are told where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from functions.token_rotation.signing import parse_signing_key, sign_developer_token
from local.developer_key import DeveloperKey
from local.options import Options, Upstream, UsageError, read_options

NOW = 1_700_000_000.0
APPLE = "https://api.music.apple.com"
KEY = parse_signing_key(DeveloperKey.generate().document)
TOKEN = sign_developer_token(KEY, now=NOW, life_seconds=60)


def test_without_variables_it_is_port_8080_and_the_stand_in() -> None:
    assert read_options({}, now=NOW) == Options(port=8080, upstream=None)


def test_empty_variables_count_as_not_given() -> None:
    environment = {"PORT": "", "APPLE_MUSIC_URL": "", "DEVELOPER_TOKEN": ""}
    assert read_options(environment, now=NOW) == Options(port=8080, upstream=None)


def test_a_port_can_be_chosen() -> None:
    assert read_options({"PORT": "0"}, now=NOW).port == 0


def test_how_long_a_rating_is_fresh_can_be_chosen() -> None:
    assert read_options({}, now=NOW).fresh_seconds == 60
    assert read_options({"FRESH_SECONDS": "1"}, now=NOW).fresh_seconds == 1


def test_where_the_operator_learns_of_the_service_can_be_chosen() -> None:
    options = read_options({"LOCAL_STATE_FILE": "elsewhere.json"}, now=NOW)
    assert options.state_file == Path("elsewhere.json")


def test_another_upstream_is_used_with_a_token_for_it() -> None:
    options = read_options({"APPLE_MUSIC_URL": f"{APPLE}/", "DEVELOPER_TOKEN": TOKEN}, now=NOW)
    assert options.upstream == Upstream(url=APPLE, developer_token=TOKEN)


def test_the_token_never_shows_in_a_repr() -> None:
    options = read_options({"APPLE_MUSIC_URL": APPLE, "DEVELOPER_TOKEN": TOKEN}, now=NOW)
    assert TOKEN not in repr(options)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"PORT": "http"}, "PORT must be a number"),
        ({"PORT": "65536"}, "PORT must be a number"),
        ({"PORT": "-1"}, "PORT must be a number"),
        ({"FRESH_SECONDS": "0"}, "FRESH_SECONDS must be a whole number"),
        ({"FRESH_SECONDS": "1.5"}, "FRESH_SECONDS must be a whole number"),
        ({"APPLE_MUSIC_URL": APPLE}, "set DEVELOPER_TOKEN as well"),
        ({"DEVELOPER_TOKEN": TOKEN}, "set APPLE_MUSIC_URL"),
        ({"APPLE_MUSIC_URL": "http://apple.example", "DEVELOPER_TOKEN": TOKEN}, "must be https"),
        ({"APPLE_MUSIC_URL": APPLE, "DEVELOPER_TOKEN": "a-p8-key"}, "no JWT"),
        ({"APPLE_MUSIC_URL": APPLE, "DEVELOPER_TOKEN": f"Bearer {TOKEN}"}, "no JWT"),
    ],
)
def test_misuse_is_met_by_what_to_do(environment: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_options(environment, now=NOW)


def test_an_expired_token_is_refused() -> None:
    environment = {"APPLE_MUSIC_URL": APPLE, "DEVELOPER_TOKEN": TOKEN}
    with pytest.raises(UsageError, match="expired"):
        read_options(environment, now=NOW + 60)


def test_no_message_quotes_the_token() -> None:
    environment = {"APPLE_MUSIC_URL": APPLE, "DEVELOPER_TOKEN": f"Bearer {TOKEN}"}
    with pytest.raises(UsageError) as refused:
        read_options(environment, now=NOW)
    assert TOKEN not in str(refused.value)
