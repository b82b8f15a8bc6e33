"""Deploys the whole service on this machine, shows that it answers, and waits to be stopped."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from deployment.errors import DeploymentError, StoppedError
from deployment.ministack import REPOSITORY, MiniStack
from deployment.service import Service
from deployment.stand_in import StandIn
from local import sample_data
from ops.smoke import Reply

PYTHON: Final = REPOSITORY / ".venv-ministack" / "bin" / "python"
FOLDER: Final = REPOSITORY / "build" / "deploy-local"

ENVIRONMENT: Final = "environment"
"""The file that another terminal sources to work on the deployment."""

_LOG: Final = "ministack.log"

_PATH: Final = f"/v1/me/ratings/{sample_data.LIKED_SONG.type}/{sample_data.LIKED_SONG.id}"
_DONE, _FAILED = 0, 1


def run(
    environment: Mapping[str, str],
    *,
    folder: Path,
    is_wanted: Callable[[], bool],
    wait: Callable[[], None],
) -> int:
    """Run until it is not wanted, for which `wait` waits; give the exit status.

    The emulator's log and the file for another terminal go into `folder`.
    """
    with ExitStack() as stack:
        try:
            service = _deploy(environment, folder, is_wanted, stack)
            _show_answers(service)
        except DeploymentError as error:
            sys.stderr.write(f"error: {error}\n")
            return _FAILED
        except StoppedError:
            return _DONE
        file = folder / ENVIRONMENT
        _write_environment(service, file)
        stack.callback(file.unlink, missing_ok=True)
        _say(_welcome(service, file))
        wait()
        _say("\nStopping ...")
    return _DONE


def _deploy(
    environment: Mapping[str, str], folder: Path, is_wanted: Callable[[], bool], stack: ExitStack
) -> Service:
    if not sys.platform.startswith("linux"):
        raise DeploymentError(
            "The functions' compiled wheels are Linux's, as Lambda's are, and run on Linux alone: "
            "`make run` is the service without a deployment."
        )
    with _step("Starting MiniStack, which stands in for AWS"):
        ministack = stack.enter_context(MiniStack(python=PYTHON, log=folder / _LOG))
    with _step("Starting a stand-in for Apple Music"):
        apple = stack.enter_context(StandIn())
    service = Service(
        ministack=ministack,
        apple_music_url=apple.url,
        inherited=environment,
        is_wanted=is_wanted,
    )
    stack.callback(service.close)
    with _step("Bootstrapping the account (cdk bootstrap)"):
        service.bootstrap()
    with _step("Deploying the stage local (cdk deploy; the first time bundles the functions)"):
        service.deploy()
    with _step("Putting a signing key (ops put-signing-key)"):
        service.put_signing_key(apple.key)
    with _step("Having the first developer token signed (ops rotate)"):
        service.ops("rotate")
    return service


def _show_answers(service: Service) -> None:
    for _ in range(2):
        reply = service.ask(_PATH, sample_data.ADA)
        _say(f"\n{_described(reply)}")


def _described(reply: Reply) -> str:
    names = ("cache-status", "age", "x-request-id")
    headers = [f"{name}: {reply.headers[name]}" for name in names if name in reply.headers]
    return "\n".join([f"GET {_PATH}", f"{reply.status}", *headers, reply.body.decode()])


def _write_environment(service: Service, file: Path) -> None:
    lines = [
        f"export {name}={shlex.quote(text)}\n"
        for name, text in service.environment.items()
        if name.startswith(("AWS_", "CDK_HOME", "NODE_EXTRA_CA_CERTS"))
    ]
    file.write_text("".join(lines), encoding="utf-8")


def _welcome(service: Service, file: Path) -> str:
    place = os.path.relpath(file, REPOSITORY)
    return "\n".join(
        (
            f"\nDeployed at {service.api_url}\n",
            f'curl -i --cacert {service.authority} -H "Music-User-Token: {sample_data.ADA}" \\',
            f"  {service.api_url}{_PATH}\n",
            "In another terminal, AWS's tools and ops work on it:",
            f"  source {place}",
            '  make ops ARGS="--stage local token"',
            f"  SSL_CERT_FILE=$AWS_CA_BUNDLE MUSIC_USER_TOKEN={sample_data.ADA} \\",
            f"    make smoke URL={service.api_url}\n",
            "Ctrl-C stops it, and nothing of it stays.",
        )
    )


@contextmanager
def _step(name: str) -> Iterator[None]:
    started = time.monotonic()
    sys.stdout.write(f"{name} ... ")
    sys.stdout.flush()
    try:
        yield
    except (DeploymentError, StoppedError):
        _say("not done")
        raise
    _say(f"{time.monotonic() - started:.1f} s")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
