"""Assembles the service on this machine, and runs it until a stop signal."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Mapping, MutableMapping
from contextlib import ExitStack
from functools import partial
from socket import getaddrinfo, socket
from typing import Final

from dev.apple_music import sample_data
from dev.apple_music.data_file import Data, DataError, read_data
from dev.apple_music.launcher import RunningAppleMusic, launch
from dev.aws_account import REGION, isolated
from dev.http.messages import HttpRequest, HttpResponse
from dev.http.server import listen, network_url_of, serve, url_of
from dev.server.aws import CREDENTIAL, local_aws
from dev.server.gateway import GatewaySimulator
from dev.server.lambda_pool import (
    SIZE,
    IsolatedPools,
    LambdaPool,
    StartError,
    write_to_stderr,
)
from dev.server.options import Options, UsageError, read_options
from dev.server.reference.page import reference_files, with_reference
from dev.server.sandbox.request_log import RequestLog
from dev.server.sandbox.routes import LocalRoutes, service_facts
from dev.server.sandbox.state import SandboxState
from dev.server.sign_in import sign_in_pool
from dev.terminal import print_line, stop_requested, wait_for_stop
from functions.ratings.settings import Settings
from functions.shared.placeholders import NO_SIGNING_KEY
from ops.errors import OperatorError
from ops.local_service import LocalService

_TABLE: Final = "apple-music-ratings-cache"
_TOKEN_SECRET: Final = "apple-music-ratings/developer-token"  # noqa: S105 - the secret's name
_KEY_SECRET: Final = "apple-music-ratings/signing-key"  # noqa: S105 - the secret's name
_FUNCTION: Final = "apple-music-ratings-local"
_STOPPED, _FAILED, _MISUSED = 0, 1, 2

_INHERITED: Final = frozenset(
    {"LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR"}
)
_INHERITED_PREFIXES: Final = ("COVERAGE_", "POWERTOOLS_", "PYTHON")
_NO_HOME: Final = {"HOME": os.devnull}
"""Keeps botocore from loading service models from `~/.aws`."""


def run(environment: MutableMapping[str, str]) -> int:
    """Run until SIGINT or SIGTERM, both of which the caller has blocked; return the exit status.

    `environment` is `os.environ`; this function replaces its AWS variables.
    """
    try:
        options = read_options(environment, now=time.time(), resolve=getaddrinfo)
        data = read_data(options.data_file) if options.data_file else Data()
    except (UsageError, DataError) as error:
        return _fail(_MISUSED, str(error))
    function_variables = {
        name: value
        for name, value in environment.items()
        if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }
    own_variables = isolated(environment, credential=CREDENTIAL) | _NO_HOME
    environment.clear()
    environment.update(own_variables)
    try:
        listener = listen(options.port, options.host)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            return _fail(_MISUSED, f"HOST={options.host} is not an address of this machine.")
        reason = os.strerror(error.errno or 0)
        return _fail(
            _FAILED, f"Port {options.port} is not available: {reason}. Choose another: PORT=…"
        )
    with listener, ExitStack() as stack:
        return _serve(options, data, function_variables, listener, stack)


def _serve(
    options: Options,
    data: Data,
    inherited: Mapping[str, str],
    listener: socket,
    stack: ExitStack,
) -> int:
    report = _no_report if options.ready_json else print_line
    report("Starting DynamoDB and Secrets Manager (moto) ...")
    aws = stack.enter_context(local_aws())
    if stop_requested():
        return _STOPPED
    apple: RunningAppleMusic | None = None
    if not options.apple_music_url:
        report("Starting the stand-in for Apple Music ...")
        apple = stack.enter_context(
            launch(
                {**sample_data.RATINGS, **data.ratings},
                items=(*sample_data.ITEMS, *data.items),
                faults=sample_data.FAULTS,
            )
        )
    users = sample_data.USERS if apple else ()
    aws.create_secret(_TOKEN_SECRET, apple.key.sign_token() if apple else options.developer_token)
    aws.create_secret(_KEY_SECRET, apple.key.document if apple else NO_SIGNING_KEY)
    report(
        f"Starting {SIZE} processes of the ratings function, and one of the sign-in function ..."
    )
    settings = Settings(
        cache_table_name=_TABLE,
        developer_token_secret_id=_TOKEN_SECRET,
        apple_music_url=apple.url if apple else options.apple_music_url,
        fresh_seconds=options.fresh_seconds,
        # Moto needs 0.2 s for a hundred items, which is close to the default of 0.3 s.
        cache_timeout_milliseconds=3_000,
        allowed_origins=options.allowed_origins,
    )
    log = RequestLog(write_to_stderr)
    write_output = write_to_stderr if options.log_json else log.function_output
    variables = {**inherited, **_lambda_variables(aws.endpoint_url)}
    new_pool = partial(
        LambdaPool, variables={**variables, **settings.to_env()}, write_output=write_output
    )
    pools = IsolatedPools(
        new_pool(), tokens=sample_data.FAULTS if apple else (), make=partial(new_pool, size=1)
    )
    sign_in = sign_in_pool(
        variables,
        signing_key_secret=_KEY_SECRET,
        origins=options.sign_in_origins,
        write_output=write_output,
    )
    sandbox = SandboxState(
        aws=aws, settings=settings, pools=pools, store=apple.store if apple else None, users=users
    )
    sandbox.start()
    try:
        stack.enter_context(pools)
        stack.enter_context(sign_in)
    except StartError:
        return _fail(_FAILED, "A function cannot be imported; the reason is above.")
    if stop_requested():
        return _STOPPED
    gateway = GatewaySimulator(
        pools.invoke,
        sign_in=sign_in.invoke,
        clock=time.time,
        has_cors=bool(options.allowed_origins),
    )
    url, network_url = url_of(listener), network_url_of(listener)
    facts = service_facts(url, network_url, has_samples=apple is not None)
    local = LocalRoutes(facts, reset=sandbox.reset)
    reference = reference_files(
        server_url="/",
        users=[(user.token, user.case, user.response) for user in users],
        items=[(item.title, item.ids) for item in sample_data.SAMPLE_ITEMS],
    )

    def respond(request: HttpRequest) -> HttpResponse:
        return local.respond(request) or gateway.respond(request)

    logged = respond if options.log_json else log.logged(respond)
    state = LocalService(
        api_url=url,
        aws_url=aws.endpoint_url,
        region=REGION,
        developer_token_secret=_TOKEN_SECRET,
    )
    with serve(listener, with_reference(reference, logged), reject=gateway.reject):
        try:
            other = state.write(options.state_file)
        except OperatorError as error:
            return _fail(_FAILED, str(error))
        _print_warnings(other, network_url)
        if options.ready_json:
            print_line(json.dumps(facts))
        report(_welcome(url, network_url, uses_stand_in=apple is not None))
        wait_for_stop()
        report("\nStopping ...")
        state.remove(options.state_file)
        pools.stop()  # ends the requests in progress
        sign_in.stop()
    return _STOPPED


def _print_warnings(other: LocalService | None, network_url: str | None) -> None:
    if other:
        _warn(
            f"`ops --local` uses the service at {other.api_url}, which started earlier. "
            "Set LOCAL_STATE_FILE to another file, here and for ops, to use this service."
        )
    if network_url:
        _warn(f"Everyone on this network can use this service, at {network_url}.")


def _lambda_variables(aws_url: str) -> dict[str, str]:
    """Return the functions' environment variables, without their settings."""
    return {
        **isolated({}, credential=CREDENTIAL),
        **_NO_HOME,
        "AWS_ENDPOINT_URL_DYNAMODB": aws_url,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws_url,
        "AWS_LAMBDA_FUNCTION_NAME": _FUNCTION,
        "POWERTOOLS_SERVICE_NAME": "apple-music-ratings",
        "PYTHONUNBUFFERED": "1",
        "_HANDLER": "functions.ratings.handler.lambda_handler",
    }


def _welcome(url: str, network_url: str | None, *, uses_stand_in: bool) -> str:
    token = sample_data.ADA if uses_stand_in else "$MUSIC_USER_TOKEN"
    song = f"/v1/me/ratings/{sample_data.LIKED_SONG.type}/{sample_data.LIKED_SONG.id}"
    return "\n".join(
        (
            f"\nListening on {url}\n",
            *([f"From a phone on this network: {network_url}\n"] if network_url else []),
            f"{url}/ shows the API reference: try each operation there.\n",
            f'curl -i -H "Music-User-Token: {token}" {url}{song}\n',
            "In another terminal, this checks the service:",
            f'MUSIC_USER_TOKEN={token} make ops ARGS="--local smoke"\n',
            "docs/local.md lists sample users for every case that an app must handle.",
            "Ctrl-C stops it.",
        )
    )


def _no_report(_text: str) -> None:
    pass


def _warn(text: str) -> None:
    sys.stderr.write(f"Warning: {text}\n")


def _fail(status: int, text: str) -> int:
    sys.stderr.write(text + "\n")
    return status
