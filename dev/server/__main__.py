"""`python -m dev.server`: the entry point of `make run`."""

from __future__ import annotations

import os
import sys

from dev.terminal import block_stop_signals


def main() -> int:
    """Run until Ctrl-C or SIGTERM; return the exit status."""
    block_stop_signals()
    # This import takes most of a second, so stop signals are blocked first.
    from dev.server.run import run  # noqa: PLC0415

    return run(os.environ)


if __name__ == "__main__":
    sys.exit(main())
