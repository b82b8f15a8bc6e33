"""`python -m dev.emulator.ministack_server`, run by MiniStack's own interpreter.

It serves the patched MiniStack on an inherited socket until its standard input ends, so that it
never outlives the process that started it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app
from ministack.core import tls

from dev.emulator import ministack_patches


def main(descriptor: int) -> None:
    """Serve until standard input ends."""
    # The parent blocks stop signals. The functions' processes would inherit that, and MiniStack
    # stops them with a signal.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    threading.Thread(target=_exit_with_input, daemon=True).start()
    ministack_patches.apply()
    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.certfile, config.keyfile = tls.resolve_tls_material()
    config.keep_alive_timeout = 75
    asyncio.run(serve(app, config))


def _exit_with_input() -> None:
    sys.stdin.read()
    os._exit(0)  # also ends the functions' processes, which read their input from this one


if __name__ == "__main__":
    main(int(sys.argv[1]))
