"""Runs the CDK's command line, as a person would, and keeps what it says for when it fails."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from deployment.errors import DeploymentError
from deployment.ministack import REPOSITORY
from deployment.processes import run_to_its_end
from infra.local_context import CONTEXT_KEY, LOCAL_STAGE

DEPLOYED_APP: Final = "python app.py"
"""The app that is deployed to an account, too."""

SERVICE_STACK: Final = f"apple-music-ratings-{LOCAL_STAGE}"

_COMMAND: Final = REPOSITORY / "node_modules" / ".bin" / "cdk"

ASSEMBLY: Final = REPOSITORY / "build" / "cdk.out"
"""What was synthesised last; kept, so that functions that did not change are not bundled again."""


class Cdk:
    """The command line at this repository's pinned version, for the local stage.

    `environment` says which account it speaks to. Every method raises `DeploymentError` where the
    command line does not succeed, and `StoppedError` once it is not wanted.
    """

    def __init__(self, environment: Mapping[str, str], *, is_wanted: Callable[[], bool]) -> None:
        self._is_wanted = is_wanted
        path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        self._environment = {
            **environment,
            "PATH": path,
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        }

    def bootstrap(self, account: str, region: str) -> None:
        """Put into the account what every deployment needs."""
        # From a folder without a cdk.json: the app would be synthesised for nothing.
        self._run("bootstrap", f"aws://{account}/{region}", folder=Path(tempfile.gettempdir()))

    def deploy(self, app: str, settings: Mapping[str, object]) -> str:
        """Deploy the stacks of an app, or of a folder that holds what it synthesised.

        The settings of the stage are for an app alone. What was said is given.
        """
        return self._run("deploy", *_app(app, settings), "--all", "--require-approval", "never")

    def destroy(self, app: str, settings: Mapping[str, object]) -> None:
        """Delete the service's stack."""
        self._run("destroy", *_app(app, settings), "--exclusively", SERVICE_STACK, "--force")

    def _run(self, command: str, *arguments: str, folder: Path = REPOSITORY) -> str:
        ended = run_to_its_end(
            [_COMMAND, command, "--no-notices", "--ci", *arguments],
            folder=folder,
            environment=self._environment,
            is_wanted=self._is_wanted,
        )
        if ended.exit_status != 0:
            raise DeploymentError(f"cdk {command} failed:\n\n{ended.output.strip()}\n")
        return ended.output


def _app(app: str, settings: Mapping[str, object]) -> tuple[str, ...]:
    if Path(app).is_dir():
        return ("--app", app)
    context = (f"stage={LOCAL_STAGE}", f"{CONTEXT_KEY}={json.dumps(settings)}")
    return ("--app", app, "--output", str(ASSEMBLY), "-c", context[0], "-c", context[1])
