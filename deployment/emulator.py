"""`python -m deployment.emulator`, run by MiniStack's own interpreter: MiniStack, its gaps filled.

It serves on a socket that it was handed, and ends when its standard input does: whatever becomes
of the process that started it, it does not outlive that.
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

from deployment import gaps


def main(descriptor: int) -> None:
    """Serve until standard input ends."""
    # What started this had blocked some, and so handed them down blocked; the functions, which
    # MiniStack stops by a signal, would have them from here.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    threading.Thread(target=_end_with_input, daemon=True).start()
    gaps.fill()
    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.certfile, config.keyfile = tls.resolve_tls_material()
    config.keep_alive_timeout = 75
    asyncio.run(serve(app, config))


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)  # the functions' processes end with their own input, which is from here


if __name__ == "__main__":
    main(int(sys.argv[1]))
