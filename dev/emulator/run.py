"""Deploys the whole service on this machine, checks it, and waits for a stop."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from dev.apple_music.launcher import launch
from dev.apple_music.sample_data import ADA, GRACE, LIKED_SONG
from dev.emulator.deployment import Deployment
from dev.emulator.ministack import REPOSITORY, run_ministack
from dev.emulator.processes import DeploymentError, StoppedError
from dev.terminal import print_line, stop_requested, wait_for_stop

PYTHON: Final = REPOSITORY / ".venv-ministack" / "bin" / "python"
_FOLDER: Final = REPOSITORY / "build" / "deploy-local"

ENVIRONMENT: Final = "environment"
"""The file to source in another terminal, to use the deployment."""

_PATH: Final = f"/v1/me/ratings/{LIKED_SONG.type}/{LIKED_SONG.id}"
_STOPPED, _FAILED = 0, 1


def run(environment: Mapping[str, str]) -> int:
    """Run until a stop signal, which the caller has blocked; return the exit status.

    The emulator's log and the file for another terminal go into `DEPLOY_LOCAL_FOLDER`.
    """
    folder = Path(environment.get("DEPLOY_LOCAL_FOLDER") or _FOLDER)
    with ExitStack() as stack:
        try:
            deployment = _deploy(environment, folder, stack)
        except DeploymentError as error:
            sys.stderr.write(f"error: {error}\n")
            return _FAILED
        except StoppedError:
            return _STOPPED
        file = folder / ENVIRONMENT
        _write_environment(deployment, file)
        stack.callback(file.unlink, missing_ok=True)
        print_line(_welcome(deployment, file))
        wait_for_stop()
        print_line("\nStopping ...")
    return _STOPPED


def _deploy(environment: Mapping[str, str], folder: Path, stack: ExitStack) -> Deployment:
    if not sys.platform.startswith("linux"):
        raise DeploymentError(
            "`make deploy-local` needs Linux: the functions' compiled wheels run only on "
            "Linux. `make run` runs the service without a deployment."
        )
    print_line("Starting MiniStack, an emulator of AWS ...")
    ministack = stack.enter_context(run_ministack(python=PYTHON, log=folder / "ministack.log"))
    print_line("Starting the stand-in for Apple Music ...")
    apple = stack.enter_context(launch())
    deployment = Deployment(
        ministack=ministack,
        apple_music_url=apple.url,
        inherited=environment,
        stop_requested=stop_requested,
    )
    print_line("Bootstrapping the account (cdk bootstrap) ...")
    deployment.bootstrap()
    print_line("Deploying the stage local (cdk deploy; the first time bundles the functions) ...")
    deployment.deploy()
    print_line("Setting the signing key (ops put-signing-key) ...")
    deployment.put_signing_key(apple.key)
    print_line("Signing the first developer token (ops rotate) ...")
    deployment.ops("rotate")
    print_line("Checking the API (ops smoke) ...")
    users = {"MUSIC_USER_TOKEN": ADA, "MUSIC_USER_TOKEN_2": GRACE}
    print_line(deployment.ops("smoke", variables=users))
    return deployment


def _write_environment(deployment: Deployment, file: Path) -> None:
    # `ops smoke` needs SSL_CERT_FILE. `deployment.environment` does not set it, because pip,
    # which bundles the functions, would then not trust the package index.
    variables = {
        **deployment.environment,
        "API_KEY": deployment.api_key,
        "SSL_CERT_FILE": deployment.authority,
    }
    lines = [
        f"export {name}={shlex.quote(text)}\n"
        for name, text in variables.items()
        if name.startswith(("API_KEY", "AWS_", "CDK_HOME", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"))
    ]
    file.write_text("".join(lines), encoding="utf-8")


def _welcome(deployment: Deployment, file: Path) -> str:
    return "\n".join(
        (
            f"\nDeployed at {deployment.api_url}\n",
            f"curl -i --cacert {deployment.authority} -H 'X-Api-Key: {deployment.api_key}' \\",
            f'  -H "Music-User-Token: {ADA}" {deployment.api_url}{_PATH}\n',
            "In another terminal, use AWS's tools and ops with it:",
            f"  source {os.path.relpath(file, REPOSITORY)}",
            '  make ops ARGS="--stage local token"',
            f'  MUSIC_USER_TOKEN={ADA} make ops ARGS="--stage local smoke"\n',
            "Ctrl-C stops it and deletes everything.",
        )
    )
