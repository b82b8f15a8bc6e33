"""The ways in which a deployment on this machine does not come to its end."""

from __future__ import annotations


class DeploymentError(Exception):
    """A step did not succeed; the message says what to do."""


class StoppedError(Exception):
    """Nobody wants it any more, which is no failure."""
