"""`python -m deployment.emulator`, run by MiniStack's own interpreter: MiniStack, its gaps filled.

It serves on a socket that it was handed, and ends when its standard input does: whatever becomes
of the process that started it, it does not outlive that.
"""

from __future__ import annotations

import asyncio
import signal
import sys

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
    gaps.fill()
    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.certfile, config.keyfile = tls.resolve_tls_material()
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1

    async def end_of_input() -> None:
        await asyncio.to_thread(sys.stdin.read)

    asyncio.run(serve(app, config, shutdown_trigger=end_of_input))


if __name__ == "__main__":
    main(int(sys.argv[1]))
