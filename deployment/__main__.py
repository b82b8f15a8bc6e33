"""`python -m deployment`: the entry point of `make deploy-local`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Final

_STOP_SIGNALS: Final = frozenset({signal.SIGINT, signal.SIGTERM})


def main() -> int:
    """Run until Ctrl-C or SIGTERM, and give the exit status."""
    # Looked for where it suits: an exception amid the start of a process would leave that behind.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    # Only now, with both signals blocked: this import takes a second.
    from deployment.run import FOLDER, run  # noqa: PLC0415

    folder = Path(os.environ.get("DEPLOY_LOCAL_FOLDER") or FOLDER)
    return run(os.environ, folder=folder, is_wanted=_is_wanted, wait=_wait)


def _is_wanted() -> bool:
    return not signal.sigpending() & _STOP_SIGNALS


def _wait() -> None:
    signal.sigwait(_STOP_SIGNALS)


if __name__ == "__main__":
    sys.exit(main())
