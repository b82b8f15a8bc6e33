"""The environment variables of `make run`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlsplit

from dev.http.messages import LOOPBACK
from dev.server.sign_in import LOOPBACK_ORIGINS
from functions.ratings.settings import Settings
from functions.shared.jwt_expiry import JwtError, read_expiry
from functions.shared.settings import ANY_ORIGIN, SettingsError
from ops.local_service import DEFAULT_FILE


class UsageError(Exception):
    """A variable is invalid or contradicts another one; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Without `apple_music_url`, a stand-in for Apple Music is used; port 0 is any free port.

    `apple_music_url` must accept `developer_token`. `fresh_seconds` is the cache's fresh window.
    `ops` reads the service's URLs from `state_file`. `data_file` adds users and items. With
    `ready_json`, one line of JSON is the whole standard output. Web pages of `allowed_origins` may
    read responses, and those of `sign_in_origins` get developer tokens.
    """

    port: int
    fresh_seconds: int
    state_file: Path
    allowed_origins: tuple[str, ...] = ANY_ORIGIN
    sign_in_origins: tuple[str, ...] = LOOPBACK_ORIGINS
    apple_music_url: str = ""
    developer_token: str = field(default="", repr=False)
    host: str = LOOPBACK
    data_file: Path | None = None
    log_json: bool = False
    ready_json: bool = False


def read_options(
    environment: Mapping[str, str], *, now: float, resolve: Callable[[str, int], object]
) -> Options:
    """Read the variables that docs/local.md lists; an empty variable counts as unset.

    Raises:
        UsageError: if a variable is invalid or contradicts another one.
    """
    origins = environment.get("SIGN_IN_ORIGINS")
    options = Options(
        port=_number(environment.get("PORT") or "8080", "PORT", 0, 65_535),
        fresh_seconds=_number(environment.get("FRESH_SECONDS") or "60", "FRESH_SECONDS", 1, 10**9),
        state_file=Path(environment.get("LOCAL_STATE_FILE") or DEFAULT_FILE),
        allowed_origins=_origins(environment.get("ALLOWED_ORIGINS") or "*"),
        sign_in_origins=tuple(origins.split(",")) if origins else LOOPBACK_ORIGINS,
        apple_music_url=environment.get("APPLE_MUSIC_URL", "").rstrip("/"),
        developer_token=environment.get("DEVELOPER_TOKEN", "").strip(),
        host=_address(environment.get("HOST") or LOOPBACK),
        data_file=Path(environment["DATA"]) if environment.get("DATA") else None,
        log_json=_is_json(environment, "LOG"),
        ready_json=_is_json(environment, "READY"),
    )
    if options.apple_music_url or options.developer_token:
        _check_upstream(options, now)
        if options.data_file:
            raise UsageError(
                "DATA is for the stand-in for Apple Music: unset DATA or APPLE_MUSIC_URL."
            )
        _check_host(options.apple_music_url, resolve)
    return options


def _address(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError:
        raise UsageError(
            "HOST must be an IPv4 address of this machine, 0.0.0.0 (every network), or unset."
        ) from None


def _is_json(environment: Mapping[str, str], name: str) -> bool:
    if environment.get(name, "") not in {"", "json"}:
        raise UsageError(f"{name} must be json, or unset.")
    return environment.get(name) == "json"


def _check_host(url: str, resolve: Callable[[str, int], object]) -> None:
    origin = urlsplit(url)
    try:
        resolve(str(origin.hostname), origin.port or 443)
    except OSError:
        raise UsageError(
            f"The host {origin.hostname} of APPLE_MUSIC_URL cannot be found: check its spelling "
            "and the network. Apple's URL is https://api.music.apple.com."
        ) from None


def _number(text: str, name: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise UsageError(f"{name} must be a whole number from {least} to {most}.")
    return int(text)


def _origins(text: str) -> tuple[str, ...]:
    required = dict.fromkeys(("CACHE_TABLE_NAME", "DEVELOPER_TOKEN_SECRET_ID"), "unused")
    try:
        return Settings.from_env({**required, "ALLOWED_ORIGINS": text}).allowed_origins
    except SettingsError as error:
        raise UsageError(f"{error}.") from error


def _check_upstream(options: Options, now: float) -> None:
    url, token = options.apple_music_url, options.developer_token
    if not (url and token):
        raise UsageError(
            "Set both APPLE_MUSIC_URL, such as https://api.music.apple.com, and DEVELOPER_TOKEN; "
            "or unset both to use the stand-in for Apple Music."
        )
    try:
        Settings(cache_table_name="-", developer_token_secret_id="-", apple_music_url=url)  # noqa: S106  # nosec B106  # an unused name
        expires_at = read_expiry(token)
    except SettingsError as error:
        raise UsageError(f"{error}.") from error
    except JwtError as error:
        raise UsageError(
            "DEVELOPER_TOKEN is not a JWT with an exp: set the signed token, not the .p8 key, "
            "and without the word Bearer."
        ) from error
    if expires_at <= now:
        raise UsageError("DEVELOPER_TOKEN has expired: sign a new one.")
