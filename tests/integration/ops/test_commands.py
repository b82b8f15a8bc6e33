"""The commands, on a Secrets Manager of this machine; no secret is in anything they print.

Every run is searched for every secret that there is, whatever else it is to prove.
"""

from __future__ import annotations

import base64
import io
import os
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from functions.token_rotation.settings import NO_DEVELOPER_TOKEN, NO_SIGNING_KEY
from functions.token_rotation.signing import parse_signing_key, sign_developer_token
from local.aws import REGION, LocalAws
from local.developer_key import DeveloperKey
from local.state import LocalState
from ops.__main__ import main
from tests.fakes.rotation_function import FakeRotationFunction

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

ROTATION = "arn:aws:lambda:us-east-1:123456789012:function:a-function"
OLD_KEY = DeveloperKey.generate(key_id="OLDKEY0001")
NEW_KEY = DeveloperKey.generate(key_id="NEWKEY0001")
IDS = ("--key-id", "NEWKEY0001", "--team-id", "LOCALTEAM1")
DAY = 86_400
HALF_A_DAY = DAY // 2  # so that a slow run does not make a day of it


def signed(
    key: DeveloperKey, life_seconds: int = 10 * DAY + HALF_A_DAY, age_seconds: int = 0
) -> str:
    return sign_developer_token(
        parse_signing_key(key.document), now=time.time() - age_seconds, life_seconds=life_seconds
    )


OLD_TOKEN, NEW_TOKEN = signed(OLD_KEY), signed(NEW_KEY, 20 * DAY + HALF_A_DAY)
EXPIRED_TOKEN = signed(OLD_KEY, 60, age_seconds=120)
TOKENS = (OLD_TOKEN, NEW_TOKEN, EXPIRED_TOKEN)
PARTS = {
    *TOKENS,
    *(part for token in TOKENS for part in token.split(".")[1:]),
    *(line for key in (OLD_KEY, NEW_KEY) for line in key.private_key.splitlines()[1:-1]),
}
CANARIES = PARTS | {base64.b64encode(part.encode()).decode()[:24] for part in PARTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    exit_status: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Two secrets, and the operator in front of them."""

    aws: LocalAws
    secrets: SecretsManagerClient
    state: LocalState
    run: Callable[..., Ending]

    def token(self) -> str:
        return self.secrets.get_secret_value(SecretId=self.state.developer_token_secret)[
            "SecretString"
        ]

    def key(self) -> str:
        return self.secrets.get_secret_value(SecretId=self.state.signing_key_secret or "")[
            "SecretString"
        ]

    def put(self, *, token: str | None = None, key: str | None = None) -> None:
        names = self.state.developer_token_secret, self.state.signing_key_secret or ""
        for secret, value in zip(names, (token, key), strict=True):
            if value is not None:
                self.secrets.put_secret_value(SecretId=secret, SecretString=value)

    def rotates_to(self, token: str) -> FakeRotationFunction:
        """Turn rotation on, with a rotation to `token` behind it."""
        function = FakeRotationFunction(self.secrets, token)
        self.aws.create_function(ROTATION, function)
        assert self.aws.rotate_secret(self.state.developer_token_secret, function_arn=ROTATION)
        return function


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws() as aws:
        yield aws


@pytest.fixture(scope="module")
def secrets(aws: LocalAws) -> Iterator[SecretsManagerClient]:
    with closing(aws.secrets_manager()) as secrets:
        yield secrets


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "local.json"


@pytest.fixture
def stage(
    aws: LocalAws,
    secrets: SecretsManagerClient,
    state_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Stage:
    def run(*arguments: str, given: str = "") -> Ending:
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        status = main(["--local", *arguments], {"LOCAL_STATE_FILE": str(state_file)})
        printed = capsys.readouterr()
        for canary in CANARIES:
            assert canary not in printed.out + printed.err
        return Ending(exit_status=status, output=printed.out, errors=printed.err)

    state = LocalState(
        api_url="http://127.0.0.1:1",
        aws_url=aws.endpoint_url,
        region=REGION,
        developer_token_secret=f"token-{uuid.uuid4()}",
        signing_key_secret=f"key-{uuid.uuid4()}",
    )
    state.write(state_file)
    aws.create_secret(state.developer_token_secret, NO_DEVELOPER_TOKEN)
    aws.create_secret(state.signing_key_secret or "", f"{NO_SIGNING_KEY}: put one")
    return Stage(aws=aws, secrets=secrets, state=state, run=run)


@pytest.fixture
def p8(tmp_path: Path) -> str:
    file = tmp_path / "AuthKey_NEWKEY0001.p8"
    file.write_text(NEW_KEY.private_key, encoding="utf-8")
    return str(file)


class TestPutSigningKey:
    def test_a_first_key_is_put_without_a_question(self, stage: Stage, p8: str) -> None:
        put = stage.run("put-signing-key", *IDS, p8)
        assert put.exit_status == 0
        assert put.output.startswith("Key NEWKEY0001 of team LOCALTEAM1 is in its place.\n")
        assert 'make ops ARGS="--local rotate"' in put.output
        assert stage.key() == NEW_KEY.document

    def test_it_may_come_by_standard_input(self, stage: Stage) -> None:
        put = stage.run("put-signing-key", *IDS, "-", given=NEW_KEY.private_key)
        assert put.exit_status == 0
        assert stage.key() == NEW_KEY.document

    @pytest.mark.parametrize(
        ("answer", "status", "held"),
        [("y\n", 0, NEW_KEY), ("n\n", 1, OLD_KEY), ("", 1, OLD_KEY)],
    )
    def test_a_key_that_is_there_is_asked_about(
        self, stage: Stage, p8: str, answer: str, status: int, held: DeveloperKey
    ) -> None:
        stage.put(key=OLD_KEY.document)
        put = stage.run("put-signing-key", *IDS, p8, given=answer)
        assert "Key OLDKEY0001 is there. Overwrite it with key NEWKEY0001? [y/N]" in put.output
        assert put.exit_status == status
        assert stage.key() == held.document

    def test_a_script_says_yes_beforehand(self, stage: Stage) -> None:
        stage.put(key=OLD_KEY.document)
        refused = stage.run("put-signing-key", *IDS, "-", given=NEW_KEY.private_key)
        assert refused.exit_status == 1
        assert "Say so by --yes" in refused.errors
        assert stage.key() == OLD_KEY.document
        put = stage.run("put-signing-key", "--yes", *IDS, "-", given=NEW_KEY.private_key)
        assert put.exit_status == 0
        assert stage.key() == NEW_KEY.document

    def test_the_same_key_again_changes_nothing(self, stage: Stage, p8: str) -> None:
        stage.put(key=NEW_KEY.document)
        assert "nothing to do" in stage.run("put-signing-key", *IDS, p8).output

    @pytest.mark.parametrize(
        ("ids", "given", "told"),
        [
            (IDS, "", "no PEM text"),
            (IDS, NEW_KEY.private_key[:-60], "no PEM text, or a broken one"),
            (IDS, NEW_TOKEN, "no PEM text"),
            (("--key-id", "short", *IDS[2:]), NEW_KEY.private_key, "key_id has to be ten"),
            ((*IDS[:2], "--team-id", OLD_TOKEN), NEW_KEY.private_key, "team_id has to be ten"),
        ],
    )
    def test_what_is_no_key_is_refused_before_anything_is_put(
        self, stage: Stage, ids: tuple[str, ...], given: str, told: str
    ) -> None:
        stage.put(key=OLD_KEY.document)
        refused = stage.run("put-signing-key", "--yes", *ids, "-", given=given)
        assert refused.exit_status == 1
        assert refused.errors.startswith("error: This is no signing key: ")
        assert told in refused.errors
        assert refused.errors.count("\n") == 1
        assert stage.key() == OLD_KEY.document


class TestPutToken:
    def test_a_first_token_is_put_without_a_question(self, stage: Stage) -> None:
        put = stage.run("put-token", "-", given=f"{NEW_TOKEN}\n")
        assert put.exit_status == 0
        assert put.output.startswith("A token of key NEWKEY0001 is in its place, good for 20 days.")
        assert stage.token() == NEW_TOKEN

    @pytest.mark.parametrize(("answer", "held"), [("y\n", NEW_TOKEN), ("n\n", OLD_TOKEN)])
    def test_a_working_token_is_asked_about(
        self, stage: Stage, tmp_path: Path, answer: str, held: str
    ) -> None:
        file = tmp_path / "developer-token.jwt"
        file.write_text(NEW_TOKEN, encoding="utf-8")
        stage.put(token=OLD_TOKEN)
        put = stage.run("put-token", str(file), given=answer)
        assert "A token of key OLDKEY0001 is there, good for 10 days. Overwrite it?" in put.output
        assert stage.token() == held

    def test_an_expired_token_that_is_there_is_not(self, stage: Stage) -> None:
        stage.put(token=EXPIRED_TOKEN)
        assert stage.run("put-token", "-", given=NEW_TOKEN).exit_status == 0

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ("", "no JWT with an exp"),
            (NEW_KEY.private_key, "no JWT with an exp"),
            (f"Bearer {NEW_TOKEN}", "no JWT with an exp"),
            (EXPIRED_TOKEN, "has expired: sign a new one"),
        ],
    )
    def test_what_is_no_good_token_is_refused(self, stage: Stage, given: str, told: str) -> None:
        refused = stage.run("put-token", "--yes", "-", given=given)
        assert refused.exit_status == 1
        assert told in refused.errors
        assert stage.token() == NO_DEVELOPER_TOKEN


class TestRotate:
    def test_it_waits_until_the_new_token_is_in_use(self, stage: Stage) -> None:
        stage.put(token=OLD_TOKEN)
        function = stage.rotates_to(OLD_TOKEN)
        function.new_value = NEW_TOKEN
        rotated = stage.run("rotate")
        assert rotated.exit_status == 0
        assert "done.\nkey id         NEWKEY0001\n" in rotated.output
        assert stage.token() == NEW_TOKEN

    def test_one_that_fails_says_where_to_look_and_can_be_begun_again(self, stage: Stage) -> None:
        function = stage.rotates_to(OLD_TOKEN)
        function.new_value, function.failing = NEW_TOKEN, "testSecret"
        failed = stage.run("rotate", "--timeout", "1")
        assert failed.exit_status == 1
        assert failed.errors == (
            "error: No new token within 1 s; the old one stays in use. Why stands in what "
            "`make run` prints: put that right, then rotate again.\n"
        )
        assert stage.token() == OLD_TOKEN
        assert "pending        a rotation has begun and not finished" in stage.run("token").output
        function.failing = ""
        assert stage.run("rotate", given="n\n").errors == "error: Nothing was changed.\n"
        assert stage.run("rotate", given="y\n").exit_status == 0
        assert stage.token() == NEW_TOKEN

    def test_without_rotation_it_says_what_to_do(self, stage: Stage) -> None:
        refused = stage.run("rotate")
        assert refused.exit_status == 1
        assert "put a new token with `put-token`" in refused.errors


class TestToken:
    def test_it_shows_the_tokens_state(self, stage: Stage) -> None:
        stage.rotates_to(NEW_TOKEN)
        shown = stage.run("token")
        names = [line[:15].strip() for line in shown.output.splitlines()]
        assert names == ["key id", "expires", "left", "last rotated", "next rotation"]
        assert "left           20 days\n" in shown.output
        assert shown.exit_status == 0

    @pytest.mark.parametrize("held", [None, EXPIRED_TOKEN, "rubbish"])
    def test_no_working_token_is_a_failure(self, stage: Stage, held: str | None) -> None:
        stage.put(token=held)
        shown = stage.run("token")
        assert shown.exit_status == 1
        assert shown.errors.endswith("no working developer token: put one with `put-token`.\n")

    def test_where_tokens_are_signed_a_key_is_asked_for_instead(self, stage: Stage) -> None:
        stage.rotates_to(EXPIRED_TOKEN)
        assert "put the signing key, then run make ops" in stage.run("token").errors


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("token", NEW_TOKEN),
        ("put-token", "-", NEW_TOKEN),
        ("put-signing-key", *IDS, "-", NEW_KEY.private_key),
        ("rotate", "--timeout", NEW_TOKEN),
        (f"--stage={NEW_TOKEN}", "token"),
        (NEW_TOKEN,),
    ],
)
def test_misuse_does_not_show_a_secret_that_was_given_as_an_argument(
    stage: Stage, arguments: tuple[str, ...]
) -> None:
    assert stage.run(*arguments).exit_status == 2


def test_a_secret_in_place_of_a_path_is_not_shown(stage: Stage) -> None:
    refused = stage.run("put-token", NEW_TOKEN)
    assert refused.exit_status == 1
    assert "give the path of one, or - for standard input" in refused.errors


def test_a_service_that_went_without_a_word(stage: Stage, state_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    replace(stage.state, aws_url=f"http://127.0.0.1:{port}").write(state_file)
    gone = stage.run("token")
    assert gone.exit_status == 1
    assert gone.errors == "error: No local service is running: start one with `make run`.\n"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "No AWS region is chosen: set AWS_REGION."),
        ({"AWS_REGION": "eu-west-1"}, "There are no AWS credentials: sign in"),
    ],
)
def test_a_stage_is_looked_for_by_the_aws_settings_of_the_machine(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    told: str,
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert main(["--stage", "dev", "token"], environment) == 1
    assert told in capsys.readouterr().err
