"""The commands, their help, and what they print; none of it is ever a secret."""

from __future__ import annotations

import math
import random
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Final

import click

from functions.token_rotation.errors import NoSigningKeyError, SigningKeyError
from functions.token_rotation.signing import parse_signing_key, signing_key_document
from ops.developer_token import NoDeveloperTokenError, TokenFacts, read_facts
from ops.errors import OperatorError
from ops.rotation import RotationEndedError, RotationTimeoutError, rotate_and_wait
from ops.secret import Secret, SecretState
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
_DAY_SECONDS: Final = 86_400
_STANDARD_INPUT: Final = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Whose commands these are: the environment, and what was chosen before the command's name."""

    environment: Mapping[str, str] = field(repr=False)
    local_file: Path
    stage: str | None = None
    is_local: bool = False

    def target(self) -> Target:
        """Find what was chosen.

        Raises:
            click.UsageError: where it was nothing, or both.
            OperatorError: where it is not there.
        """
        if self.is_local == (self.stage is not None):
            raise click.UsageError(
                "Say which service, before the command: --stage NAME or --local."
            )
        if self.stage is None:
            return local_target(self.local_file)
        # As AWS's and CDK's own command lines have it; boto3 alone does not read AWS_REGION.
        return stage_target(self.stage, region=self.environment.get("AWS_REGION") or None)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Secrets come from files or standard input, and are never shown.",
)
@click.option("--stage", metavar="NAME", help="The deployed stage to work on: dev, prod, local.")
@click.option("--local", "is_local", is_flag=True, help="Work on the running `make run`.")
@click.pass_context
def cli(context: click.Context, stage: str | None, *, is_local: bool) -> None:
    """Look after the Apple Music developer token of one stage, and see whether the stage works."""
    context.obj = replace(context.obj, stage=stage, is_local=is_local)


@cli.command()
@click.option("--key-id", required=True, help="The key's id, ten characters; Apple shows it.")
@click.option("--team-id", required=True, help="The developer team's id, ten characters.")
@click.option("--yes", is_flag=True, help="Overwrite a key that is there without asking.")
@click.argument("path", metavar="PATH|-")
@click.pass_obj
def put_signing_key(operator: Operator, path: str, key_id: str, team_id: str, *, yes: bool) -> None:
    """Put the key that signs developer tokens.

    PATH is the .p8 file that Apple gave out, or - for standard input. It is checked before
    anything is put. Nothing changes for the apps until a rotation.
    """
    try:
        document = signing_key_document(_read(path), key_id, team_id)
        key = parse_signing_key(document)
    except SigningKeyError as error:
        raise OperatorError(f"This is no signing key: {error}. Nothing was changed.") from None
    target = operator.target()
    if target.signing_key_secret is None:
        raise OperatorError(
            f"{target.option} signs no tokens of its own: give it a token with `put-token`."
        )
    secret = Secret(target.secrets_manager, target.signing_key_secret)
    there = secret.value()
    if there == document:
        click.echo(f"Key {key.key_id} is there already: nothing to do.")
        return
    try:
        what = f"Key {parse_signing_key(there).key_id}"
    except NoSigningKeyError:
        what = ""
    except SigningKeyError:
        what = "Something that is no key"
    if what:
        _ask(f"{what} is there. Overwrite it with key {key.key_id}?", path, yes=yes)
    secret.put(document)
    click.echo(f"Key {key.key_id} of team {key.team_id} is in its place.")
    click.echo(f"Next, have a token signed by it: {_command(target, 'rotate')}")


@cli.command()
@click.option("--yes", is_flag=True, help="Overwrite a working token without asking.")
@click.argument("path", metavar="PATH|-")
@click.pass_obj
def put_token(operator: Operator, path: str, *, yes: bool) -> None:
    """Put a developer token by hand.

    This is for a stage that signs none itself; where there is a rotation, the next one replaces
    it. PATH is a file that holds the JWT alone, or - for standard input.
    """
    text, now = _read(path).strip(), time.time()
    try:
        facts = read_facts(text)
    except NoDeveloperTokenError:
        raise OperatorError(
            "This is no JWT with an exp: give the signed token itself, not the .p8 key, and "
            "without the word Bearer. Nothing was changed."
        ) from None
    if facts.expires_at <= now:
        raise OperatorError("This token has expired: sign a new one. Nothing was changed.")
    target = operator.target()
    secret = Secret(target.secrets_manager, target.developer_token_secret)
    there = _facts(secret)
    if there is not None and there.expires_at > now:
        question = f"A token of key {there.key_id} is there, good for {_days(there, now)}."
        _ask(f"{question} Overwrite it?", path, yes=yes)
    secret.put(text)
    click.echo(f"A token of key {facts.key_id} is in its place, good for {_days(facts, now)}.")
    click.echo(f"Next, see whether the service works: {_command(target, 'smoke')}")


@cli.command()
@click.option("--yes", is_flag=True, help="Give an unfinished rotation up without asking.")
@click.option(
    "--timeout",
    "timeout_seconds",
    metavar="SECONDS",
    type=click.IntRange(min=1),
    default=120,
    show_default=True,
    help="How long to wait for the new token.",
)
@click.pass_obj
def rotate(operator: Operator, timeout_seconds: int, *, yes: bool) -> None:
    """Replace the developer token, and wait for it.

    If it fails, the old token stays in use.
    """
    target = operator.target()
    secret = Secret(target.secrets_manager, target.developer_token_secret)
    before = secret.state()
    if not before.rotates:
        raise OperatorError(
            f"{target.option} has no rotation: put a new token with `put-token`, or turn rotation "
            "on in its settings and deploy it."
        )
    if before.pending_version is not None:
        _ask("An earlier rotation has not finished. Give it up, and begin another?", yes=yes)
        secret.give_up(before.pending_version)
    click.echo("Rotating ", nl=False)
    try:
        rotate_and_wait(
            secret,
            timeout_seconds=timeout_seconds,
            clock=time,
            sleep=time.sleep,
            on_wait=lambda: click.echo(".", nl=False),
        )
    except RotationEndedError:
        click.echo(" not done.")
        raise OperatorError(
            "There is no signing key yet: put one with `put-signing-key`, then rotate again."
        ) from None
    except RotationTimeoutError:
        click.echo(" not done.")
        raise OperatorError(
            f"No new token within {timeout_seconds} s; the old one stays in use. Why stands in "
            f"{target.log_hint}: put that right, then rotate again."
        ) from None
    click.echo(" done.")
    _show(_facts(secret), secret.state())


@cli.command()
@click.pass_obj
def token(operator: Operator) -> None:
    """Show how the developer token stands.

    That is its key, its end and its rotation, and never the token.
    """
    target = operator.target()
    secret = Secret(target.secrets_manager, target.developer_token_secret)
    facts, state = _facts(secret), secret.state()
    _show(facts, state)
    if facts is None or facts.expires_at <= time.time():
        raise OperatorError(
            "There is no working developer token: put the signing key, then run "
            f"{_command(target, 'rotate')}"
            if state.rotates
            else "There is no working developer token: put one with `put-token`."
        )


@cli.command(name="smoke")
@click.option(
    "--write",
    "item",
    metavar="TYPE/ID",
    help="Rate that item too, and put back the rating of before.",
)
@click.argument("url", required=False)
@click.pass_obj
def smoke_test(operator: Operator, url: str | None, item: str | None) -> None:
    """Try a running service, as an app would.

    Nothing is written without --write. URL is what goes before /v1/me/ratings; without it, that
    of --stage or --local is taken. The user token comes from MUSIC_USER_TOKEN or standard input.
    With a second user's in MUSIC_USER_TOKEN_2, it is seen that users are kept apart. A stage that
    wants an API key gets the one in API_KEY.
    """
    written = checked_item(item) if item else None
    name, environment = "MUSIC_USER_TOKEN", operator.environment
    key = environment.get("API_KEY")
    service = HttpService(url or operator.target().api_url, checked_api_key(key) if key else None)
    given = environment.get(name) or _read_token(name)
    other = environment.get(f"{name}_2")
    user_token = checked_user_token(given, name)
    checks = smoke(
        service,
        user_token=user_token,
        other_token=checked_user_token(other, f"{name}_2") if other else None,
        chance=random.SystemRandom(),
    )
    if written is not None:
        checks = chain(checks, smoke_write(service, user_token=user_token, item=written))
    count, failed = 0, 0
    for check in checks:
        count += 1
        failed += bool(check.fault)
        line = f"FAILED  {check.name}: {check.fault}" if check.fault else f"ok      {check.name}"
        click.echo(line)
    service.close()
    if not other:
        click.echo("--      another user gets nothing of it: not asked without MUSIC_USER_TOKEN_2")
    if written is None:
        click.echo("--      a rating is written: not done without --write")
    click.echo(f"{count - failed} of {count} checks passed.")
    if failed:
        raise OperatorError(f"{failed} of {count} checks failed: the lines above say how.")


def _read(path: str) -> str:
    try:
        with click.open_file(path, encoding="utf-8") as file:
            return str(file.read(_LONGEST_TEXT))
    except UnicodeDecodeError:
        raise OperatorError("What was given is no text. Nothing was changed.") from None
    except OSError as error:
        # Without the path: it might be the secret itself, given in the wrong place.
        raise OperatorError(
            f"That file cannot be read ({error.strerror}): give the path of one, or - for "
            "standard input."
        ) from None


def _read_token(name: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(name, hide_input=True))
    return sys.stdin.read(_LONGEST_TEXT)


def _ask(question: str, path: str | None = None, *, yes: bool) -> None:
    if yes:
        return
    if path == _STANDARD_INPUT:
        raise OperatorError(f"{question} Say so by --yes, since standard input is taken.")
    if not click.confirm(question):
        raise OperatorError("Nothing was changed.")


def _command(target: Target, command: str) -> str:
    return f'make ops ARGS="{target.option} {command}"'


def _facts(secret: Secret) -> TokenFacts | None:
    try:
        return read_facts(secret.value())
    except NoDeveloperTokenError:
        return None


def _show(facts: TokenFacts | None, state: SecretState) -> None:
    if facts is None:
        click.echo("key id         no developer token yet")
    else:
        end = datetime.fromtimestamp(facts.expires_at, UTC)
        click.echo(f"key id         {facts.key_id}")
        click.echo(f"expires        {_moment(end)}")
        click.echo(f"left           {_days(facts, time.time())}")
    click.echo(f"last rotated   {_moment(state.last_rotated)}")
    if not state.rotates:
        click.echo("next rotation  none: rotation is off")
    elif state.next_rotation is None:
        click.echo("next rotation  when asked for")
    else:
        click.echo(f"next rotation  {_moment(state.next_rotation)} at the latest")
    if state.pending_version is not None:
        click.echo("pending        a rotation has begun and not finished")


def _moment(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _days(facts: TokenFacts, now: float) -> str:
    days = math.floor((facts.expires_at - now) / _DAY_SECONDS)
    if facts.expires_at <= now:
        return "nothing: it has expired"
    return f"{days} day{'' if days == 1 else 's'}" if days else "less than a day"
