"""The local stage on MiniStack, as those who work with it do: deploy, look after, call, remove."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import boto3
import urllib3

from deployment.cdk import ASSEMBLY, DEPLOYED_APP, SERVICE_STACK, Cdk
from deployment.errors import DeploymentError
from deployment.ministack import REPOSITORY, MiniStack
from deployment.processes import run_to_its_end
from infra.local_context import LOCAL_STAGE
from local.aws import ACCOUNT_ID, REGION
from local.developer_key import DeveloperKey
from ops.smoke import Reply

_CALL_SECONDS: Final = 15.0


class Service:
    """One deployment, whose functions ask the Apple Music at `apple_music_url`.

    Every method raises `DeploymentError` where a step does not succeed, and `StoppedError` once
    it is not wanted.
    """

    def __init__(
        self,
        *,
        ministack: MiniStack,
        apple_music_url: str,
        inherited: Mapping[str, str],
        is_wanted: Callable[[], bool],
    ) -> None:
        self.environment: Final = ministack.environment(inherited)
        self.authority: Final = str(ministack.authority)
        self._ministack = ministack
        self._apple_music_url = apple_music_url
        self._is_wanted = is_wanted
        self._cdk = Cdk(self.environment, is_wanted=is_wanted)
        self._pool = urllib3.PoolManager(
            ca_certs=self.authority, retries=False, timeout=_CALL_SECONDS, maxsize=8
        )
        self.api_url = ""

    def client(self, service: str) -> Any:
        """Give a client of the SDK, with the account's own rights."""
        make: Callable[..., Any] = boto3.client  # the SDK's types know a service by a literal alone
        return make(
            service,
            region_name=REGION,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            verify=self.authority,
        )

    def bootstrap(self) -> None:
        """Put into the account what the CDK needs for every deployment."""
        self._cdk.bootstrap(ACCOUNT_ID, REGION)

    def deploy(
        self, app: str = DEPLOYED_APP, *, settings: Mapping[str, object] | None = None
    ) -> str:
        """Deploy an app, with these settings of the stage; give what the command line said.

        The app may be a folder that `keep` filled: then the settings are those of that time.
        """
        said = self._cdk.deploy(app, self._settings(settings or {}))
        self.api_url = self._ministack.api_url(self.outputs()["ApiUrl"])
        return said

    def keep(self, folder: Path) -> None:
        """Keep what was deployed last, so that it can be deployed again."""
        shutil.copytree(ASSEMBLY, folder, dirs_exist_ok=True)

    def destroy(self, app: str = DEPLOYED_APP) -> None:
        """Delete what was deployed, but for what is meant to stay."""
        self._cdk.destroy(app, self._settings({}))

    def outputs(self) -> Mapping[str, str]:
        """Give the stack's outputs, by name."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=SERVICE_STACK)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def put_signing_key(self, key: DeveloperKey) -> None:
        """Have `ops` put the key by which developer tokens are signed."""
        ids = ("--key-id", key.trusted.key_id, "--team-id", key.trusted.team_id)
        self.ops("put-signing-key", "--yes", *ids, "-", given=key.private_key)

    def ops(self, *arguments: str, given: str = "", **variables: str) -> str:
        """Do what an operator does to the stage, `given` on standard input; give what is said."""
        ended = run_to_its_end(
            [sys.executable, "-m", "ops", "--stage", LOCAL_STAGE, *arguments],
            folder=REPOSITORY,
            environment={**self.environment, "SSL_CERT_FILE": self.authority, **variables},
            is_wanted=self._is_wanted,
            given=given,
        )
        if ended.exit_status != 0:
            raise DeploymentError(f"ops {arguments[0]} failed:\n\n{ended.output}")
        return ended.output

    def ask(
        self, path: str, user_token: str | None, *, method: str = "GET", value: int | None = None
    ) -> Reply:
        """Send the deployed API one request, with a rating of that value as its body if any."""
        headers = {} if user_token is None else {"Music-User-Token": user_token}
        rating = {"type": "rating", "attributes": {"value": value}}
        try:
            answer = self._pool.request(
                method,
                self.api_url + path,
                headers=headers,
                body=None if value is None else json.dumps(rating),
            )
        except urllib3.exceptions.HTTPError as error:
            raise DeploymentError(f"The API does not answer ({type(error).__name__}).") from None
        return Reply(
            status=answer.status,
            headers={name.lower(): text for name, text in answer.headers.items()},
            body=answer.data,
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _settings(self, changed: Mapping[str, object]) -> Mapping[str, object]:
        return {"apple_music_url": self._apple_music_url, **changed}
