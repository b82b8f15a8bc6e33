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
from local import api_gateway, sample_data
from local.apple_music import AppleMusic
from local.aws import ISOLATION, REGION, LocalAws
from local.developer_key import DeveloperKey
from local.environments import COUNT, Environments, StartError
from local.front import Front
from local.http_server import HttpServer
from local.options import Options, Upstream, UsageError, read_options
from local.ratings_store import RatingsStore

_FUNCTION_NAME: Final = "apple-music-ratings-local"
_FUNCTION_ARN: Final = f"arn:aws:lambda:{REGION}:{api_gateway.ACCOUNT_ID}:function:{_FUNCTION_NAME}"
_TABLE: Final = "apple-music-ratings-cache"
_SECRET: Final = "apple-music-ratings/developer-token"  # noqa: S105 - the secret's name
_STOP_SIGNALS: Final = frozenset({signal.SIGINT, signal.SIGTERM})
_STOPPED, _FAILED, _MISUSED = 0, 1, 2

_INHERITED: Final = frozenset(
    {"LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR"}
)
_INHERITED_PREFIXES: Final = ("COVERAGE_", "PYTHON")


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
    if _is_stopping():
        return _STOPPED
    upstream = options.upstream or _stand_in(stack)
    aws.create_cache_table(_TABLE)
    aws.create_secret(_SECRET, upstream.developer_token)
    _say(f"Starting {COUNT} environments of the ratings function ...")
    environments = Environments(
        variables={**inherited, **_function_variables(upstream.url, aws.endpoint_url)},
        function_arn=_FUNCTION_ARN,
    )
    stack.callback(environments.stop)
    try:
        environments.start(is_wanted=lambda: not _is_stopping())
    except StartError:
        return _fail(_FAILED, "The ratings function cannot be imported; the reason stands above.")
    if _is_stopping():
        return _STOPPED
    server.start(Front(environments, clock=time.time))
    _say(_welcome(server.url, is_stand_in=options.upstream is None))
    signal.sigwait(_STOP_SIGNALS)
    _say("\nStopping ...")
    return _STOPPED


def _stand_in(stack: ExitStack) -> Upstream:
    _say("Starting a stand-in for Apple Music ...")
    key = DeveloperKey.generate()
    store = RatingsStore(items=sample_data.ITEMS, ratings=sample_data.RATINGS, clock=time.monotonic)
    server = stack.enter_context(HttpServer())
    server.start(AppleMusic(store=store, trusted_key=key.trusted, clock=time.time))
    return Upstream(url=server.url, developer_token=key.sign(now=time.time()))


def _function_variables(apple_music_url: str, aws_url: str) -> dict[str, str]:
    settings = Settings(
        cache_table_name=_TABLE,
        developer_token_secret_id=_SECRET,
        apple_music_url=apple_music_url,
        # moto takes ten times as long as DynamoDB, for a hundred items a fifth of a second.
        cache_timeout_milliseconds=3_000,
    )
    return {
        **ISOLATION,
        **settings.to_env(),
        "AWS_ENDPOINT_URL_DYNAMODB": aws_url,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws_url,
        "AWS_LAMBDA_FUNCTION_NAME": _FUNCTION_NAME,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{_FUNCTION_NAME}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "POWERTOOLS_SERVICE_NAME": "apple-music-ratings",
        "PYTHONUNBUFFERED": "1",
        "_HANDLER": "functions.ratings.handler.lambda_handler",
    }


def _isolate(environment: MutableMapping[str, str]) -> None:
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
    environment.update(ISOLATION)


def _is_stopping() -> bool:
    return bool(signal.sigpending() & _STOP_SIGNALS)


def _welcome(url: str, *, is_stand_in: bool) -> str:
    token = sample_data.ADA if is_stand_in else "$MUSIC_USER_TOKEN"
    song = f"/v1/me/ratings/{sample_data.LIKED_SONG.type}/{sample_data.LIKED_SONG.id}"
    return "\n".join(
        (
            f"\nListening on {url}\n",
            f'curl -i -H "Music-User-Token: {token}" {url}{song}\n',
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
