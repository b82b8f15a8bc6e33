"""The deployed stage `dev` in moto's CloudFormation and Secrets Manager, and its secrets."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable

import boto3
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend

from functions.shared.placeholders import NO_DEVELOPER_TOKEN, NO_SIGNING_KEY
from functions.shared.signing import (
    parse_signing_key,
    sign_developer_token,
    signing_key_document,
)
from tests.fakes.clock import FakeClock
from tests.fakes.signing_keys import p256_key, pem
from tests.secret_scan.encodings import forms_of_parts

DAY = 86_400
NOW = FakeClock().time()

OLD_PEM, NEW_PEM = pem(p256_key()), pem(p256_key())
OLD_KEY = signing_key_document(OLD_PEM, "OLDKEY0001", "LOCALTEAM1")
NEW_KEY = signing_key_document(NEW_PEM, "NEWKEY0001", "LOCALTEAM1")


def signed(document: str, *, days_left: float) -> str:
    life = 30 * DAY
    signed_at = NOW + days_left * DAY - life
    return sign_developer_token(parse_signing_key(document), now=signed_at, life_seconds=life)


OLD_TOKEN, NEW_TOKEN = signed(OLD_KEY, days_left=10.5), signed(NEW_KEY, days_left=20.5)
EXPIRED_TOKEN = signed(OLD_KEY, days_left=-1)
SECRETS = (OLD_TOKEN, NEW_TOKEN, EXPIRED_TOKEN, OLD_PEM, NEW_PEM)
FORMS = {form for secret in SECRETS for form in forms_of_parts(secret)}

LOG_GROUP = "rotation"

Result = tuple[int, str]
Run = Callable[..., Result]


def create_stack(*, without_output: str = "") -> None:
    outputs = {
        "ApiUrl": "https://api.example/dev",
        "DeveloperTokenSecret": "token",
        "SigningKeySecret": "key",
        "RotationFunction": "a-function",
    }
    outputs.pop(without_output, None)
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(
        StackName="apple-music-ratings-dev", TemplateBody=json.dumps(template)
    )


class Stage:
    """The deployed stage `dev`, with the placeholders of a first deployment as secrets."""

    def __init__(self, run: Run) -> None:
        create_stack()
        self._run = run
        self._client = boto3.client("secretsmanager")
        self._client.create_secret(Name="token", SecretString=NO_DEVELOPER_TOKEN)
        self._client.create_secret(Name="key", SecretString=f"{NO_SIGNING_KEY}: put one")
        self._logs = boto3.client("logs")
        self._logs.create_log_group(logGroupName=LOG_GROUP)
        self._logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName="stream")

    def run(
        self, *arguments: str, stdin: str = "", on_sleep: Callable[[], object] = lambda: None
    ) -> Result:
        return self._run("--stage", "dev", *arguments, stdin=stdin, on_sleep=on_sleep)

    def value(self, secret: str) -> str:
        return self._client.get_secret_value(SecretId=secret)["SecretString"]

    def put(self, secret: str, value: str) -> None:
        self._client.put_secret_value(SecretId=secret, SecretString=value)

    def enable_rotation(self, token: str) -> None:
        self._client.rotate_secret(SecretId="token")
        self.finish_rotation(token)

    def finish_rotation(self, token: str) -> None:
        """Make the pending version current, as the rotation function does."""
        (version,) = self._pending()
        self._client.put_secret_value(
            SecretId="token",
            ClientRequestToken=version,
            SecretString=token,
            VersionStages=["AWSCURRENT"],
        )

    def end_rotation_without_a_token(self) -> None:
        for version in self._pending():
            self._client.update_secret_version_stage(
                SecretId="token", VersionStage="AWSPENDING", RemoveFromVersionId=version
            )

    def log(self, **line: str) -> None:
        """Log a line of the rotation function, about the pending version by default."""
        version = line.pop("version", None) or self._pending()[0]
        message = json.dumps({"version": version, **line})
        event = {"timestamp": int(time.time() * 1000), "message": message}
        self._logs.put_log_events(logGroupName=LOG_GROUP, logStreamName="stream", logEvents=[event])

    def _pending(self) -> list[str]:
        versions = self._client.describe_secret(SecretId="token")["VersionIdsToStages"]
        return [version for version, stages in versions.items() if "AWSPENDING" in stages]


def start_rotation(
    self: SecretsManagerBackend, secret_id: str, *_arguments: object, **_named: object
) -> str:
    """Leave a pending version without a value; moto's own method would run a Lambda function."""
    secret, version = self.secrets[secret_id], str(uuid.uuid4())
    assert isinstance(secret, FakeSecret)
    secret.versions[version] = {
        "createdate": int(NOW),
        "version_id": version,
        "version_stages": ["AWSPENDING"],
    }
    secret.rotation_requested = secret.rotation_enabled = True
    return secret.to_short_dict(version_id=version)
