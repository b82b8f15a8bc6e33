"""`python -m dev.emulator`: the entry point of `make deploy-local`."""

from __future__ import annotations

import os
import sys

from dev.terminal import block_stop_signals


def main() -> int:
    """Run until Ctrl-C or SIGTERM; return the exit status."""
    block_stop_signals()
    # This import takes a second, so stop signals are blocked first.
    from dev.emulator.run import run  # noqa: PLC0415

    return run(os.environ)


if __name__ == "__main__":
    sys.exit(main())
