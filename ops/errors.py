"""The one way in which a command fails, so that a failure is one line and not a traceback."""

from __future__ import annotations


class OperatorError(Exception):
    """Something could not be done; the message is one line that says what to do next."""
