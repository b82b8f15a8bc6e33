"""`python -m ops`: runs one command and returns its exit status."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from functions.shared.deadline import Clock
from ops.commands import Operator, cli
from ops.errors import OperatorError
from ops.local_service import DEFAULT_FILE

_DONE, _FAILED, _MISUSED = 0, 1, 2
_LONG_WORD: Final = re.compile(r"\S{32,}")
"""A possible secret, or a part of one, that was passed as an argument by mistake."""


def main(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    clock: Clock = time,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Run one command; return 0 for success, 1 for failure, 2 for misuse."""
    operator = Operator(
        environment=environment,
        local_file=Path(environment.get("LOCAL_STATE_FILE") or DEFAULT_FILE),
        clock=clock,
        sleep=sleep,
    )
    try:
        status = cli.main(list(arguments), prog_name="ops", obj=operator, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return _MISUSED
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "ops"
        message = _LONG_WORD.sub("...", error.format_message())
        return _fail(_MISUSED, f"{message} See: {command} --help")
    except OperatorError as error:
        return _fail(_FAILED, str(error))
    except (click.Abort, KeyboardInterrupt):
        return _fail(_FAILED, "Stopped.")
    return status if isinstance(status, int) else _DONE


def _fail(status: int, text: str) -> int:
    click.echo(f"error: {text}", err=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
