"""`python -m ops`: reads the environment, runs one command, and gives the exit status."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from local.state import DEFAULT_FILE
from ops.commands import Operator, cli
from ops.errors import OperatorError

_DONE, _FAILED, _MISUSED = 0, 1, 2
_LONG_WORD: Final = re.compile(r"\S{32,}")
"""What could be a secret, or a part of one, that was given as an argument all the same."""


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command; 0 is done, 1 is not done, 2 is misuse."""
    operator = Operator(
        environment=environment,
        local_file=Path(environment.get("LOCAL_STATE_FILE") or DEFAULT_FILE),
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
