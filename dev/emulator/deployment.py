"""A stage on MiniStack, `local` by default: deploy, operate and delete it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import boto3

from dev.apple_music.developer_key import DeveloperKey
from dev.aws_account import ACCOUNT_ID, REGION
from dev.emulator.ministack import REPOSITORY, MiniStack
from dev.emulator.processes import run_program
from infra.local_context import CONTEXT_KEY, LOCAL_STAGE

APP: Final = "python app.py"
"""The same app that is deployed to an AWS account."""

_CDK: Final = str(REPOSITORY / "node_modules" / ".bin" / "cdk")
ASSEMBLY: Final = REPOSITORY / "build" / "cdk.out"
"""The last synthesis; kept, so that unchanged functions are not bundled again."""


class Deployment:
    """The deployment of one stage, whose functions call the Apple Music at `apple_music_url`.

    Methods raise `DeploymentError` if a step fails, `StoppedError` if a stop was requested. After
    `deploy`, `api_url` and `api_key` are set; the key is empty in a stage that requires none.
    """

    def __init__(
        self,
        *,
        ministack: MiniStack,
        apple_music_url: str,
        inherited: Mapping[str, str],
        stop_requested: Callable[[], bool],
        stage: str = LOCAL_STAGE,
    ) -> None:
        self.stack: Final = f"apple-music-ratings-{stage}"
        self.environment: Final = {
            **ministack.environment(inherited),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        }
        self.authority: Final = str(ministack.authority)
        self.api_url = ""
        self.api_key = ""
        self._emulator_url = ministack.url
        self._stage = stage
        self._apple_music_url = apple_music_url
        self._stop_requested = stop_requested

    def client(self, service: str) -> Any:
        """Return a client of the SDK, with all rights in the account."""
        make: Callable[..., Any] = boto3.client  # the type stubs accept only literal service names
        return make(
            service,
            region_name=REGION,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            verify=self.authority,
        )

    def bootstrap(self) -> None:
        """Prepare the account for the CDK."""
        # In a folder without a cdk.json, so that the CDK does not synthesise the app.
        self._cdk("bootstrap", f"aws://{ACCOUNT_ID}/{REGION}", folder=Path(tempfile.gettempdir()))

    def deploy(self, app: str = APP, *, settings: Mapping[str, object] | None = None) -> str:
        """Deploy an app, with `settings` for the stage; return the output of `cdk`.

        `app` may be a copy of the folder `ASSEMBLY`; then `settings` are ignored.
        """
        output = self._cdk(
            "deploy", *self._app(app, settings or {}), "--all", "--require-approval", "never"
        )
        outputs = self.outputs()
        self.api_url = outputs["ApiUrl"]
        if key_id := outputs.get("ApiKeylocal"):
            keys = self.client("apigateway")
            self.api_key = keys.get_api_key(apiKey=key_id, includeValue=True)["value"]
        return output

    def destroy(self, app: str = APP) -> None:
        """Delete the service's stack."""
        self._cdk("destroy", *self._app(app, {}), "--exclusively", self.stack, "--force")

    def outputs(self) -> Mapping[str, str]:
        """Return the stack's outputs by name."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def put_signing_key(self, key: DeveloperKey) -> None:
        """Use `ops` to set the key that signs developer tokens."""
        ids = ("--key-id", key.key_id, "--team-id", key.team_id)
        self.ops("put-signing-key", "--yes", *ids, "-", standard_input=key.private_key)

    def ops(
        self, *arguments: str, standard_input: str = "", variables: Mapping[str, str] | None = None
    ) -> str:
        """Run an operator's command on the stage; return its output."""
        return self._run(
            [sys.executable, "-m", "ops", "--stage", self._stage, *arguments],
            standard_input=standard_input,
            environment={
                "SSL_CERT_FILE": self.authority,
                "API_KEY": self.api_key,
                **(variables or {}),
            },
        )

    def _app(self, app: str, settings: Mapping[str, object]) -> tuple[str, ...]:
        if Path(app).is_dir():
            return ("--app", app)
        urls = {"apple_music_url": self._apple_music_url, "emulator_url": self._emulator_url}
        context = json.dumps({**urls, **settings})
        stage = ("-c", f"stage={LOCAL_STAGE}", "-c", f"{CONTEXT_KEY}={context}")
        return ("--app", app, "--output", str(ASSEMBLY), *stage)

    def _cdk(self, *arguments: str, folder: Path = REPOSITORY) -> str:
        return self._run([_CDK, *arguments, "--no-notices", "--ci"], folder=folder)

    def _run(
        self,
        command: Sequence[str],
        *,
        folder: Path = REPOSITORY,
        standard_input: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> str:
        return run_program(
            command,
            folder=folder,
            environment={**self.environment, **(environment or {})},
            stop_requested=self._stop_requested,
            standard_input=standard_input,
        )
