"""`python -m local`: the entry point, kept small so that a stop is never met by a traceback."""

from __future__ import annotations

import os
import signal
import sys


def main() -> int:
    """Run until Ctrl-C or SIGTERM, and give the exit status."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    # Only now, with both signals blocked: this import takes most of a second.
    from local.run import run  # noqa: PLC0415

    return run(os.environ)


if __name__ == "__main__":
    sys.exit(main())
