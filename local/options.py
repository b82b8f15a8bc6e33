"""What a person may ask of `make run`, and what to say where it cannot be done."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from functions.ratings.developer_token import parse_developer_token
from functions.ratings.errors import DeveloperTokenMissingError
from functions.ratings.settings import Settings
from functions.shared.settings import SettingsError
from local.state import DEFAULT_FILE

_DEFAULT_FRESH_SECONDS: Final = "60"
_DEFAULT_PORT: Final = "8080"
_LAST_PORT: Final = 65_535


class UsageError(Exception):
    """The environment asks for something impossible; the message says what to do instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """An Apple Music other than the stand-in, and the developer token that it takes."""

    url: str
    developer_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where to listen (0 for any free port), and whom to ask instead of the stand-in.

    A rating is fresh for `fresh_seconds`. `state_file` is where `ops` learns of the service.
    """

    port: int
    upstream: Upstream | None
    fresh_seconds: int = int(_DEFAULT_FRESH_SECONDS)
    state_file: Path = DEFAULT_FILE


def read_options(environment: Mapping[str, str], *, now: float) -> Options:
    """Read `PORT`, `APPLE_MUSIC_URL`, `DEVELOPER_TOKEN`, `FRESH_SECONDS` and `LOCAL_STATE_FILE`.

    An empty one counts as not given.

    Raises:
        UsageError: where they make no sense.
    """
    url = environment.get("APPLE_MUSIC_URL", "").rstrip("/")
    token = environment.get("DEVELOPER_TOKEN", "").strip()
    if url and not token:
        raise UsageError(
            "APPLE_MUSIC_URL needs a developer token of yours: set DEVELOPER_TOKEN as well, "
            "or unset APPLE_MUSIC_URL to use the stand-in for Apple Music."
        )
    if token and not url:
        raise UsageError(
            "DEVELOPER_TOKEN is for another upstream than the stand-in: set "
            "APPLE_MUSIC_URL=https://api.music.apple.com as well, or unset DEVELOPER_TOKEN."
        )
    return Options(
        port=_port(environment.get("PORT") or _DEFAULT_PORT),
        upstream=_upstream(url, token, now) if url else None,
        fresh_seconds=_fresh_seconds(environment.get("FRESH_SECONDS") or _DEFAULT_FRESH_SECONDS),
        state_file=Path(environment.get("LOCAL_STATE_FILE") or DEFAULT_FILE),
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _LAST_PORT):
        raise UsageError(f"PORT must be a number from 0 (any free port) to {_LAST_PORT}.")
    return int(text)


def _fresh_seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise UsageError("FRESH_SECONDS must be a whole number of seconds, 1 at least.")
    return int(text)


def _upstream(url: str, token: str, now: float) -> Upstream:
    try:
        Settings(cache_table_name="-", developer_token_secret_id="-", apple_music_url=url)  # noqa: S106  # nosec B106  # a name that nothing has
    except SettingsError as error:
        raise UsageError(f"{error}.") from error
    try:
        # By the function's own reading: what passes here, it takes.
        expires_at = parse_developer_token(token, -math.inf).expires_at
    except DeveloperTokenMissingError as error:
        raise UsageError(
            "DEVELOPER_TOKEN is no JWT with an exp: give the signed token itself, not the .p8 "
            "key, and without the word Bearer."
        ) from error
    if expires_at <= now:
        raise UsageError("DEVELOPER_TOKEN has expired: sign a new one.")
    return Upstream(url=url, developer_token=token)
