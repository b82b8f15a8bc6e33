"""Where a running `make run` answers, told in a file, so that `ops` finds it; never a secret."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

DEFAULT_FILE: Final = Path(__file__).resolve().parent.parent / "build" / "local.json"


class StateError(Exception):
    """The file is not there, or no state of a service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalState:
    """The addresses and names of one running service.

    `signing_key_secret` is None where the developer token was given, and is not signed here.
    """

    api_url: str
    aws_url: str
    region: str
    developer_token_secret: str
    signing_key_secret: str | None

    @classmethod
    def read(cls, file: Path) -> LocalState:
        """Read what a service wrote.

        Raises:
            StateError: where no service of this version did.
        """
        try:
            return cls(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise StateError from error

    def write(self, file: Path) -> None:
        """Tell where the service is; the last one started is the one that is found."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    def remove(self, file: Path) -> None:
        """Take the file away, unless a service that was started later has put its own there."""
        try:
            if LocalState.read(file) == self:
                file.unlink()
        except (StateError, FileNotFoundError):
            return
