"""Errors of a token rotation, for operators; no message quotes a token, a key or upstream text."""

from __future__ import annotations


class TokenRotationError(Exception):
    """A step failed. The token in use stays in use."""


class EventError(TokenRotationError):
    """The event is neither a rotation step nor a scheduled event."""


class NotRotatingError(TokenRotationError):
    """The event is about another secret, rotation is off, or the version is not pending."""


class DeveloperTokenError(TokenRotationError):
    """A version of the token's secret contains no usable token."""


class SecretsManagerError(TokenRotationError):
    """A call to Secrets Manager failed; `code` is AWS's error code or the exception's class."""

    def __init__(self, operation: str, code: str) -> None:
        super().__init__(f"Secrets Manager, {operation}: {code}")
        self.code = code


class TokenRejectedError(TokenRotationError):
    """Apple rejects the new token: the key or an id is wrong, or the key was revoked."""


class AppleUnavailableError(TokenRotationError):
    """Apple did not respond in time, or its response does not say whether it accepts the token."""
