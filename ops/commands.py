"""The commands, their help and their output, which never contains a secret."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Final

import click

from functions.shared.deadline import Clock
from functions.shared.signing import (
    NoSigningKeyError,
    SigningKeyError,
    parse_signing_key,
    signing_key_document,
)
from ops.developer_token import read_facts
from ops.errors import OperatorError
from ops.secret import RotationTimeoutError, Secret
from ops.smoke import (
    HttpService,
    checked_api_key,
    checked_item,
    checked_user_token,
    smoke,
    smoke_write,
)
from ops.target import Target, local_target, stage_target

_LONGEST_TEXT: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The environment, the time, and the options before the command's name."""

    environment: Mapping[str, str] = field(repr=False)
    local_file: Path
    clock: Clock
    sleep: Callable[[float], None]
    stage: str | None = None
    is_local: bool = False

    def target(self, *, changes: bool) -> Target:
        """Find the chosen service; `changes` is true if the command changes secrets.

        Raises a `UsageError` for a wrong choice, an `OperatorError` if the service is not found.
        """
        if self.is_local == (self.stage is not None):
            raise click.UsageError("Choose a service before the command: --stage NAME or --local.")
        if self.stage is not None:
            # The command lines of AWS and the CDK read AWS_REGION; boto3 does not.
            return stage_target(self.stage, region=self.environment.get("AWS_REGION") or None)
        if changes:
            raise click.UsageError(
                "--local supports only smoke and token. To try this command on this machine, run "
                "`make deploy-local` and use --stage local."
            )
        return local_target(self.local_file)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Secrets are read from files or standard input, and never shown.",
)
@click.option("--stage", metavar="NAME", help="A deployed stage: dev, prod, local.")
@click.option(
    "--local", "is_local", is_flag=True, help="A running `make run`; only for smoke and token."
)
@click.pass_context
def cli(context: click.Context, stage: str | None, *, is_local: bool) -> None:
    """Manage a service's Apple Music developer token, and test the service."""
    context.obj = replace(context.obj, stage=stage, is_local=is_local)


@cli.command()
@click.option("--key-id", required=True, help="The key's id at Apple, ten characters.")
@click.option("--team-id", required=True, help="The developer team's id, ten characters.")
@click.option("--yes", is_flag=True, help="Overwrite an existing key without confirmation.")
@click.argument("path", metavar="PATH|-")
@click.pass_obj
def put_signing_key(operator: Operator, path: str, key_id: str, team_id: str, *, yes: bool) -> None:
    """Put the key that signs developer tokens.

    PATH is Apple's .p8 file, or - for standard input. The key is checked first. Apps notice no
    change until a rotation.
    """
    try:
        document = signing_key_document(_read(path), key_id, team_id)
        key = parse_signing_key(document)
    except SigningKeyError as error:
        raise OperatorError(f"The signing key is invalid: {error}. Nothing was changed.") from None
    target = operator.target(changes=True)
    if target.signing_key_secret is None:
        raise OperatorError(
            f"{target.option} does not sign its own tokens: put a token with `put-token`."
        )
    secret = Secret(target.secrets_manager, target.signing_key_secret)
    existing = secret.value()
    if existing == document:
        click.echo(f"Key {key.key_id} is already stored: nothing to do.")
        return
    try:
        found = f"Key {parse_signing_key(existing).key_id}"
    except NoSigningKeyError:
        found = ""
    except SigningKeyError:
        found = "An invalid key"
    if found:
        _confirm(f"{found} exists. Overwrite it with key {key.key_id}?", path, yes=yes)
    secret.put(document)
    click.echo(f"Key {key.key_id} of team {key.team_id} is stored.")
    click.echo(f"Next, sign a token with it: {_command(target, 'rotate')}")


@cli.command()
@click.option("--yes", is_flag=True, help="Overwrite a working token without confirmation.")
@click.argument("path", metavar="PATH|-")
@click.pass_obj
def put_token(operator: Operator, path: str, *, yes: bool) -> None:
    """Put a developer token by hand.

    For a stage that does not sign its own; a rotation replaces it. PATH is a file that contains
    only the JWT, or - for standard input.
    """
    text, now = _read(path).strip(), operator.clock.time()
    facts = read_facts(text)
    if facts is None:
        raise OperatorError(
            "The input is not a JWT with an exp claim. Enter the signed token without Bearer, and "
            "not the .p8 key. Nothing was changed."
        )
    if facts.expires_at <= now:
        raise OperatorError("The token has expired: sign a new one. Nothing was changed.")
    target = operator.target(changes=True)
    secret = Secret(target.secrets_manager, target.developer_token_secret)
    existing = read_facts(secret.value())
    if existing is not None and existing.expires_at > now:
        question = f"A token of key {existing.key_id} is valid for {existing.time_left(now)}."
        _confirm(f"{question} Overwrite it?", path, yes=yes)
    secret.put(text)
    click.echo(f"A token of key {facts.key_id} is stored, valid for {facts.time_left(now)}.")
    click.echo(f"Next, test the service: {_command(target, 'smoke')}")


@cli.command()
@click.option("--yes", is_flag=True, help="Abandon an unfinished rotation without confirmation.")
@click.option(
    "--timeout",
    "timeout_seconds",
    metavar="SECONDS",
    type=click.IntRange(min=1),
    default=120,
    show_default=True,
    help="The time to wait for the new token.",
)
@click.pass_obj
def rotate(operator: Operator, timeout_seconds: int, *, yes: bool) -> None:
    """Replace the developer token. If that fails, the old token stays in use."""
    target = operator.target(changes=True)
    secret = Secret(target.secrets_manager, target.developer_token_secret)
    before = secret.state()
    if not before.rotates:
        raise OperatorError(
            f"{target.option} has no rotation: put a new token with `put-token`, or enable "
            "rotation in its settings and deploy it."
        )
    if before.pending_version is not None:
        _confirm("An earlier rotation is unfinished. Abandon it, and start another?", yes=yes)
        secret.abandon(before.pending_version)
    click.echo(f"Rotating, which takes a few seconds (at most {timeout_seconds}) …")
    try:
        secret.rotate(
            timeout_seconds=timeout_seconds,
            follow=target.follow_rotation,
            clock=operator.clock,
            sleep=operator.sleep,
        )
    except RotationTimeoutError:
        raise OperatorError(
            f"No new token within {timeout_seconds} s; the old one stays in use. The log of the "
            f"function {target.rotation_function} says why: fix that, then rotate again."
        ) from None
    _show(secret, operator.clock.time())


@cli.command()
@click.pass_obj
def token(operator: Operator) -> None:
    """Show the developer token's key, expiry and rotation, but not the token."""
    target = operator.target(changes=False)
    secret = Secret(target.secrets_manager, target.developer_token_secret)
    if not _show(secret, operator.clock.time()):
        signing = f"run `put-signing-key`, then run {_command(target, 'rotate')}"
        remedy = signing if secret.state().rotates else "put one with `put-token`."
        raise OperatorError(f"The service has no working developer token: {remedy}")


@cli.command(name="smoke")
@click.option(
    "--write", "item", metavar="TYPE/ID", help="Also rate that item, and restore its rating."
)
@click.argument("url", required=False)
@click.pass_obj
def smoke_test(operator: Operator, url: str | None, item: str | None) -> None:
    """Test a running service as an app would.

    Nothing is written without --write. URL is the part before /v1/me/ratings; by default that of
    --stage or --local. The user token comes from MUSIC_USER_TOKEN or standard input. With a second
    user's token in MUSIC_USER_TOKEN_2, the test checks that users are isolated. If a stage
    requires an API key, set API_KEY.
    """
    written = checked_item(item) if item else None
    name, environment = "MUSIC_USER_TOKEN", operator.environment
    key = environment.get("API_KEY")
    url = url or operator.target(changes=False).api_url
    service = HttpService(url, checked_api_key(key) if key else None)
    user_token = checked_user_token(environment.get(name) or _read_token(name), name)
    other = environment.get(f"{name}_2")
    checks = smoke(
        service.send,
        user_token=user_token,
        other_token=checked_user_token(other, f"{name}_2") if other else None,
        chance=random.SystemRandom(),
    )
    if written is not None:
        checks = chain(checks, smoke_write(service.send, user_token=user_token, item=written))
    count, failed = 0, 0
    for check, fault in checks:
        count += 1
        failed += bool(fault)
        click.echo(f"FAILED  {check}: {fault}" if fault else f"ok      {check}")
    service.close()
    if not other:
        click.echo("--      isolation of users: skipped without MUSIC_USER_TOKEN_2")
    if written is None:
        click.echo("--      writing a rating: skipped without --write")
    click.echo(f"{count - failed} of {count} checks passed.")
    if failed:
        raise OperatorError(f"{failed} of {count} checks failed: see the lines above.")


def _read(path: str) -> str:
    try:
        with click.open_file(path, encoding="utf-8") as file:
            return str(file.read(_LONGEST_TEXT))
    except UnicodeDecodeError:
        raise OperatorError("The input is not text. Nothing was changed.") from None
    except OSError as error:
        # Without the path: it might be the secret itself.
        raise OperatorError(
            f"The file cannot be read ({error.strerror}): pass a file's path, or - for standard "
            "input."
        ) from None


def _read_token(name: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(name, hide_input=True))
    return sys.stdin.read(_LONGEST_TEXT)


def _confirm(question: str, path: str | None = None, *, yes: bool) -> None:
    if yes:
        return
    with suppress(click.Abort):
        if path != "-" and click.confirm(question):
            return
    raise OperatorError(f"Nothing was changed. {question} To confirm, add --yes.")


def _command(target: Target, command: str) -> str:
    return f'make ops ARGS="{target.option} {command}"'


def _show(secret: Secret, now: float) -> bool:
    """Print the state of the developer token; return whether it is valid."""
    facts, state = read_facts(secret.value()), secret.state()
    if facts is None:
        click.echo("key id         no developer token yet")
    else:
        click.echo(f"key id         {facts.key_id}")
        click.echo(f"expires        {_format(datetime.fromtimestamp(facts.expires_at, UTC))}")
        click.echo(f"left           {facts.time_left(now)}")
    click.echo(f"last rotated   {_format(state.last_rotated)}")
    if not state.rotates:
        click.echo("next rotation  none: rotation is off")
    elif state.next_rotation is None:
        click.echo("next rotation  on request")
    else:
        click.echo(f"next rotation  {_format(state.next_rotation)} at the latest")
    if state.pending_version is not None:
        click.echo("pending        an unfinished rotation")
    return facts is not None and facts.expires_at > now


def _format(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
