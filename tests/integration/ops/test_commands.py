from __future__ import annotations

import os
import re
import uuid
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from functions.shared.placeholders import NO_DEVELOPER_TOKEN
from ops.local_service import LocalService
from tests.integration.ops.stage import (
    EXPIRED_TOKEN,
    NEW_KEY,
    NEW_PEM,
    NEW_TOKEN,
    OLD_KEY,
    OLD_TOKEN,
    Run,
    Stage,
    create_stack,
)

PUT_KEY = ("put-signing-key", "--key-id", "NEWKEY0001", "--team-id", "LOCALTEAM1")


@pytest.fixture
def p8(tmp_path: Path) -> str:
    file = tmp_path / "AuthKey_NEWKEY0001.p8"
    file.write_text(NEW_PEM, encoding="utf-8")
    return str(file)


def test_a_first_key_is_stored_without_confirmation(stage: Stage, p8: str) -> None:
    status, output = stage.run(*PUT_KEY, p8)
    assert status == 0
    assert output.startswith("Key NEWKEY0001 of team LOCALTEAM1 is stored.\n")
    assert 'make ops ARGS="--stage dev rotate"' in output
    assert stage.value("key") == NEW_KEY
    assert "nothing to do" in stage.run(*PUT_KEY, p8)[1]


@pytest.mark.parametrize(
    ("answer", "status", "stored"), [("y\n", 0, NEW_KEY), ("n\n", 1, OLD_KEY), ("", 1, OLD_KEY)]
)
def test_an_existing_key_requires_confirmation(
    stage: Stage, p8: str, answer: str, status: int, stored: str
) -> None:
    stage.put("key", OLD_KEY)
    result = stage.run(*PUT_KEY, p8, stdin=answer)
    assert "Key OLDKEY0001 exists. Overwrite it with key NEWKEY0001? [y/N]" in result[1]
    assert (result[0], stage.value("key")) == (status, stored)


def test_a_key_from_standard_input_replaces_another_only_with_the_option_yes(stage: Stage) -> None:
    stage.put("key", OLD_KEY)
    status, output = stage.run(*PUT_KEY, "-", stdin=NEW_PEM)
    assert (status, stage.value("key")) == (1, OLD_KEY)
    assert "To confirm, add --yes." in output
    assert stage.run(*PUT_KEY, "--yes", "-", stdin=NEW_PEM)[0] == 0
    assert stage.value("key") == NEW_KEY


@pytest.mark.parametrize(
    ("arguments", "stdin", "expected"),
    [
        (PUT_KEY, "", "The signing key is invalid: .*PEM"),
        (PUT_KEY, NEW_PEM[:-60], "The signing key is invalid: .*PEM"),
        (PUT_KEY, NEW_TOKEN, "The signing key is invalid: .*PEM"),
        ((*PUT_KEY, "--key-id", "short"), NEW_PEM, "The signing key is invalid: .*key_id"),
        ((*PUT_KEY, "--team-id", OLD_TOKEN), NEW_PEM, "The signing key is invalid: .*team_id"),
        (("put-token",), "", "not a JWT with an exp"),
        (("put-token",), NEW_PEM, "not a JWT with an exp"),
        (("put-token",), f"Bearer {NEW_TOKEN}", "not a JWT with an exp"),
        (("put-token",), EXPIRED_TOKEN, "has expired: sign a new one"),
    ],
)
def test_an_invalid_key_or_token_changes_nothing(
    stage: Stage, arguments: tuple[str, ...], stdin: str, expected: str
) -> None:
    stage.put("key", OLD_KEY)
    status, output = stage.run(*arguments, "--yes", "-", stdin=stdin)
    assert (status, stage.value("key"), stage.value("token")) == (1, OLD_KEY, NO_DEVELOPER_TOKEN)
    assert re.fullmatch(f"error: .*{expected}.*\n", output)


@pytest.mark.parametrize(
    ("existing", "answer", "stored"),
    [
        (NO_DEVELOPER_TOKEN, "", NEW_TOKEN),
        (EXPIRED_TOKEN, "", NEW_TOKEN),
        (OLD_TOKEN, "y\n", NEW_TOKEN),
        (OLD_TOKEN, "n\n", OLD_TOKEN),
    ],
)
def test_only_a_working_token_requires_confirmation(
    stage: Stage, tmp_path: Path, existing: str, answer: str, stored: str
) -> None:
    file = tmp_path / "developer-token.jwt"
    file.write_text(f"{NEW_TOKEN}\n", encoding="utf-8")
    stage.put("token", existing)
    status, output = stage.run("put-token", str(file), stdin=answer)
    question = "A token of key OLDKEY0001 is valid for 10 days. Overwrite it?"
    assert (question in output) == bool(answer)
    assert (status, stage.value("token")) == (stored != NEW_TOKEN, stored)
    if stored == NEW_TOKEN:
        assert "A token of key NEWKEY0001 is stored, valid for 20 days." in output


def test_rotate_waits_until_the_new_token_is_current(stage: Stage) -> None:
    stage.enable_rotation(OLD_TOKEN)
    status, output = stage.run("rotate", on_sleep=lambda: stage.finish_rotation(NEW_TOKEN))
    assert (status, stage.value("token")) == (0, NEW_TOKEN)
    assert "key id         NEWKEY0001\n" in output


def test_after_a_timeout_the_unfinished_rotation_can_be_abandoned(stage: Stage) -> None:
    stage.enable_rotation(OLD_TOKEN)
    status, output = stage.run("rotate", "--timeout", "10")
    assert (status, stage.value("token")) == (1, OLD_TOKEN)
    assert "error: No new token within 10 s; the old one stays in use" in output
    assert "the function a-function says why" in output
    assert "pending        an unfinished rotation" in stage.run("token")[1]
    assert "Nothing was changed" in stage.run("rotate", stdin="n\n")[1]
    assert "To confirm, add --yes." in stage.run("rotate", stdin="")[1]
    finish = lambda: stage.finish_rotation(NEW_TOKEN)  # noqa: E731
    assert stage.run("rotate", stdin="y\n", on_sleep=finish)[0] == 0
    assert stage.value("token") == NEW_TOKEN


def test_rotate_with_rotation_off_or_without_a_key_names_the_command_to_run(stage: Stage) -> None:
    assert "put a new token with `put-token`" in stage.run("rotate")[1]
    stage.enable_rotation(OLD_TOKEN)
    status, output = stage.run("rotate", on_sleep=stage.end_rotation_without_a_token)
    assert status == 1
    assert "Put a key with `put-signing-key`" in output


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("TokenRejectedError: Apple rejected the new token: status 401", "`put-signing-key`, then"),
        ("AppleUnavailableError: Apple is slow: no response in time", "docs/rotation.md"),
    ],
)
def test_rotate_shows_each_step_and_reports_a_failed_step_at_once(
    stage: Stage, reason: str, remedy: str
) -> None:
    stage.enable_rotation(OLD_TOKEN)

    def log() -> None:
        stage.log(step="createSecret", message="signed a new token")
        stage.log(step="testSecret", message="failed", reason=reason)

    status, output = stage.run("rotate", on_sleep=log)

    assert status == 1
    assert output.count("\ncreateSecret   signed a new token\n") == 1
    assert f"error: The rotation failed in testSecret ({reason}); the old token" in output
    assert remedy in output
    assert "No new token within" not in output


def test_a_failure_of_an_earlier_rotation_is_not_reported(stage: Stage) -> None:
    stage.enable_rotation(OLD_TOKEN)
    stage.log(step="testSecret", message="failed", reason="x", version=str(uuid.uuid4()))

    assert stage.run("rotate", on_sleep=lambda: stage.finish_rotation(NEW_TOKEN))[0] == 0


def test_the_tokens_state_is_shown(stage: Stage) -> None:
    stage.enable_rotation(NEW_TOKEN)
    status, output = stage.run("token")
    names = [line[:15].strip() for line in output.splitlines()]
    assert (status, names) == (0, ["key id", "expires", "left", "last rotated", "next rotation"])
    assert "left           20 days\n" in output


@pytest.mark.parametrize("existing", [NO_DEVELOPER_TOKEN, EXPIRED_TOKEN, "rubbish"])
def test_without_a_working_token_the_remedy_is_shown(stage: Stage, existing: str) -> None:
    stage.put("token", existing)
    status, output = stage.run("token")
    assert status == 1
    assert output.endswith("no working developer token: put one with `put-token`.\n")
    stage.enable_rotation(EXPIRED_TOKEN)
    assert "`put-signing-key`, then run make ops" in stage.run("token")[1]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ((), 2),
        (("token", NEW_TOKEN), 2),
        (("put-token", "-", NEW_TOKEN), 2),
        ((*PUT_KEY, "-", NEW_PEM), 2),
        (("rotate", "--timeout", NEW_TOKEN), 2),
        ((NEW_TOKEN,), 2),
        (("put-token", NEW_TOKEN), 1),
    ],
)
def test_a_usage_error_does_not_show_a_secret_from_an_argument(
    stage: Stage, arguments: tuple[str, ...], status: int
) -> None:
    # `run` checks that the output has no secret.
    assert stage.run(*arguments)[0] == status


@pytest.mark.parametrize(
    ("stage", "without_output", "expected"),
    [
        ("prod", "", "does not exist in this account and region: deploy it"),
        ("dev", "ApiUrl", "is incomplete: run `make deploy STAGE=dev` again"),
        ("dev", "SigningKeySecret", "does not sign its own tokens: put a token"),
    ],
)
def test_a_missing_stack_or_a_missing_output_of_it_is_an_error(
    aws: None, run: Run, stage: str, without_output: str, expected: str
) -> None:
    create_stack(without_output=without_output)
    status, output = run("--stage", stage, *PUT_KEY, "-", stdin=NEW_PEM)
    assert status == 1
    assert expected in output


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "The AWS region is missing: set AWS_REGION."),
        ({"AWS_REGION": "eu-west-1"}, "AWS credentials are missing: sign in"),
    ],
)
def test_missing_aws_settings_of_the_machine_are_reported(
    monkeypatch: pytest.MonkeyPatch, run: Run, environment: dict[str, str], expected: str
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    status, output = run("--stage", "dev", "token", **environment)
    assert status == 1
    assert expected in output


def test_a_local_service_shows_its_token_and_rejects_changes(
    served_aws: None, moto_server: str, run: Run, tmp_path: Path
) -> None:
    boto3.client("secretsmanager").create_secret(Name="a-token", SecretString=OLD_TOKEN)
    file = tmp_path / "local.json"
    service = LocalService(
        api_url="http://127.0.0.1:1",
        aws_url=moto_server,
        region=os.environ["AWS_DEFAULT_REGION"],
        developer_token_secret="a-token",
    )
    service.write(file)
    assert run("--local", "token", LOCAL_STATE_FILE=str(file))[1].startswith(
        "key id         OLDKEY0001"
    )
    status, output = run("--local", "rotate", LOCAL_STATE_FILE=str(file))
    assert status == 2
    assert "--local supports only smoke and token" in output
    file.unlink()
    replace(service, aws_url="http://127.0.0.1:1").write(file)
    assert run("--local", "token", LOCAL_STATE_FILE=str(file)) == (
        1,
        "error: The local service is not running: start it with `make run`.\n",
    )
