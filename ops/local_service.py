"""The state file of `make run`: its addresses and names, without secrets."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ops.errors import OperatorError

NOT_RUNNING: Final = "The local service is not running: start it with `make run`."
DEFAULT_FILE: Final = Path(__file__).resolve().parent.parent / "build" / "local.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalService:
    """The addresses of one running `make run`: its API and its emulated AWS."""

    api_url: str
    aws_url: str
    region: str
    developer_token_secret: str

    @classmethod
    def read(cls, file: Path) -> LocalService:
        """Read the state file, or raise an `OperatorError` if it is missing or has other fields."""
        try:
            return cls(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            raise OperatorError(NOT_RUNNING) from None

    def write(self, file: Path) -> LocalService | None:
        """Write the state file, unless it describes another service that still runs.

        Returns:
            The other service, or None if the file was written.

        Raises:
            OperatorError: if it cannot be written.
        """
        with suppress(OperatorError):
            other = LocalService.read(file)
            if other.is_running():
                return other
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise OperatorError(
                f"The state file {file} cannot be written ({error.strerror}): name another with "
                "LOCAL_STATE_FILE=…"
            ) from None
        return None

    def is_running(self) -> bool:
        """Whether the service's emulated AWS listens."""
        address = urlsplit(self.aws_url)
        try:
            socket.create_connection((str(address.hostname), address.port or 0), timeout=2).close()
        except OSError:
            return False
        return True

    def remove(self, file: Path) -> None:
        """Remove the state file if this service has written it."""
        try:
            if LocalService.read(file) == self:
                file.unlink()
        except (OperatorError, FileNotFoundError):
            return
