"""The error of every command, so that a failure is one line and not a traceback."""

from __future__ import annotations


class OperatorError(Exception):
    """A command failed; the message is one line that says what to do next."""
