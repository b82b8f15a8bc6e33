"""Puts the whole service together on this machine, and takes it apart again."""

from __future__ import annotations

import errno
import signal
import sys
import time
from collections.abc import Mapping, MutableMapping
from contextlib import ExitStack
from typing import Final

from functions.ratings.settings import Settings
from functions.token_rotation.settings import NO_DEVELOPER_TOKEN
from functions.token_rotation.settings import Settings as TokenRotationSettings
from local import api_gateway, sample_data
from local.apple_music import AppleMusic
from local.aws import ISOLATION, REGION, LocalAws
from local.developer_key import DeveloperKey
from local.environments import COUNT, Environments, StartError
from local.front import Front
from local.functions import RATINGS, TOKEN_ROTATION
from local.http_server import HttpServer
from local.options import Options, UsageError, read_options
from local.ratings_store import RatingsStore
from local.state import LocalState

_TABLE: Final = "apple-music-ratings-cache"
_TOKEN_SECRET: Final = "apple-music-ratings/developer-token"  # noqa: S105 - the secret's name
_KEY_SECRET: Final = "apple-music-ratings/signing-key"  # noqa: S105 - likewise
_STOP_SIGNALS: Final = frozenset({signal.SIGINT, signal.SIGTERM})
_STOPPED, _FAILED, _MISUSED = 0, 1, 2

_INHERITED: Final = frozenset(
    {"LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR"}
)
_INHERITED_PREFIXES: Final = ("COVERAGE_", "POWERTOOLS_", "PYTHON")


def run(environment: MutableMapping[str, str]) -> int:
    """Run until SIGINT or SIGTERM, both of which the caller has blocked; give the exit status.

    `environment` is this process's own: what it says of AWS is replaced.
    """
    try:
        options = read_options(environment, now=time.time())
    except UsageError as error:
        return _fail(_MISUSED, str(error))
    inherited = {
        name: value
        for name, value in environment.items()
        if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }
    _isolate(environment)
    with ExitStack() as stack:
        try:
            server = stack.enter_context(
                HttpServer(port=options.port, body_limit=api_gateway.BODY_LIMIT)
            )
        except OSError as error:
            return _fail(_FAILED, _cannot_listen(options.port, error))
        return _serve(options, inherited, server, stack)


def _serve(
    options: Options, inherited: Mapping[str, str], server: HttpServer, stack: ExitStack
) -> int:
    _say("Starting DynamoDB and Secrets Manager (moto) ...")
    aws = stack.enter_context(LocalAws())
    if not _is_wanted():
        return _STOPPED
    aws.create_cache_table(_TABLE)
    rotation = None
    if options.upstream is None:
        apple_music_url, key = _stand_in(stack)
        aws.create_secret(_KEY_SECRET, key.document)
        aws.create_secret(_TOKEN_SECRET, NO_DEVELOPER_TOKEN)
        rotation = _rotation_function(apple_music_url, aws.endpoint_url, inherited)
        aws.create_function(TOKEN_ROTATION.arn, rotation)
        stack.callback(rotation.stop)
    else:
        apple_music_url = options.upstream.url
        aws.create_secret(_TOKEN_SECRET, options.upstream.developer_token)
    _say(f"Starting {COUNT} environments of the ratings function ...")
    ratings = _ratings_function(options, apple_music_url, aws.endpoint_url, inherited)
    stack.callback(ratings.stop)
    try:
        if rotation is not None:
            rotation.launch()
        ratings.launch()
        if rotation is not None:
            rotation.wait_until_ready(is_wanted=_is_wanted)
            if _is_wanted() and not _has_first_token(aws):
                return _fail(_FAILED, "No developer token was signed; the reason stands above.")
        ratings.wait_until_ready(is_wanted=_is_wanted)
    except StartError:
        return _fail(_FAILED, "A function cannot be imported; the reason stands above.")
    if not _is_wanted():
        return _STOPPED
    server.start(Front(ratings, clock=time.time))
    state = LocalState(
        api_url=server.url,
        aws_url=aws.endpoint_url,
        region=REGION,
        developer_token_secret=_TOKEN_SECRET,
        signing_key_secret=None if rotation is None else _KEY_SECRET,
    )
    state.write(options.state_file)
    stack.callback(state.remove, options.state_file)
    _say(_welcome(server.url, is_stand_in=options.upstream is None))
    signal.sigwait(_STOP_SIGNALS)
    _say("\nStopping ...")
    return _STOPPED


def _stand_in(stack: ExitStack) -> tuple[str, DeveloperKey]:
    _say("Starting a stand-in for Apple Music ...")
    key = DeveloperKey.generate()
    store = RatingsStore(items=sample_data.ITEMS, ratings=sample_data.RATINGS, clock=time.monotonic)
    server = stack.enter_context(HttpServer())
    server.start(AppleMusic(store=store, trusted_key=key.trusted, clock=time.time))
    return server.url, key


def _ratings_function(
    options: Options, apple_music_url: str, aws_url: str, inherited: Mapping[str, str]
) -> Environments:
    settings = Settings(
        cache_table_name=_TABLE,
        developer_token_secret_id=_TOKEN_SECRET,
        apple_music_url=apple_music_url,
        fresh_seconds=options.fresh_seconds,
        # moto takes a fifth of a second for a hundred items: all the time that DynamoDB is given.
        cache_timeout_milliseconds=3_000,
    )
    return Environments(
        variables={**inherited, **RATINGS.variables(settings.to_env(), aws_url=aws_url)},
        function_arn=RATINGS.arn,
        timeout_seconds=RATINGS.timeout_seconds,
    )


def _rotation_function(
    apple_music_url: str, aws_url: str, inherited: Mapping[str, str]
) -> Environments:
    settings = TokenRotationSettings(
        developer_token_secret_id=_TOKEN_SECRET,
        signing_key_secret_id=_KEY_SECRET,
        apple_music_url=apple_music_url,
    )
    return Environments(
        variables={**inherited, **TOKEN_ROTATION.variables(settings.to_env(), aws_url=aws_url)},
        function_arn=TOKEN_ROTATION.arn,
        count=1,
        timeout_seconds=TOKEN_ROTATION.timeout_seconds,
    )


def _has_first_token(aws: LocalAws) -> bool:
    return aws.rotate_secret(_TOKEN_SECRET, function_arn=TOKEN_ROTATION.arn)


def _isolate(environment: MutableMapping[str, str]) -> None:
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
    environment.update(ISOLATION)


def _is_wanted() -> bool:
    return not signal.sigpending() & _STOP_SIGNALS


def _welcome(url: str, *, is_stand_in: bool) -> str:
    token = sample_data.ADA if is_stand_in else "$MUSIC_USER_TOKEN"
    rotation = 'make ops ARGS="--local rotate" replaces the developer token meanwhile.\n'
    song = f"/v1/me/ratings/{sample_data.LIKED_SONG.type}/{sample_data.LIKED_SONG.id}"
    return "\n".join(
        (
            f"\nListening on {url}\n",
            f'curl -i -H "Music-User-Token: {token}" {url}{song}\n',
            *([rotation] if is_stand_in else []),
            "Ctrl-C stops it.",
        )
    )


def _cannot_listen(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken: stop what listens there, or choose another with PORT=…"
    if error.errno == errno.EACCES:
        return f"Port {port} needs rights that you do not have: choose another with PORT=…"
    return f"Port {port} cannot be had: {error.strerror}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _fail(status: int, text: str) -> int:
    sys.stderr.write(text + "\n")
    return status
