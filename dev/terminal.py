"""Stop signals and output of the commands that run until Ctrl-C."""

from __future__ import annotations

import signal
import sys
from typing import Final

_STOP_SIGNALS: Final = frozenset({signal.SIGINT, signal.SIGTERM})


def block_stop_signals() -> None:
    """Block SIGINT and SIGTERM, so that they stay pending and do not interrupt the start.

    Call it before slow imports: a stop then never prints a traceback.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)


def stop_requested() -> bool:
    """Whether a stop signal is pending."""
    return bool(signal.sigpending() & _STOP_SIGNALS)


def wait_for_stop() -> None:
    """Return at the first stop signal."""
    signal.sigwait(_STOP_SIGNALS)


def print_line(text: str) -> None:
    """Print a line without buffering."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
