"""Reads the expiry of a developer token; only Apple checks the signature."""

from __future__ import annotations

from functions.shared.jwt_expiry import JwtError, read_expiry
from functions.shared.placeholders import NO_DEVELOPER_TOKEN
from functions.token_rotation.errors import DeveloperTokenError
from functions.token_rotation.settings import DAY_SECONDS


def is_placeholder(text: str) -> bool:
    """Return whether a secret's text says that no token was set yet."""
    return text.startswith(NO_DEVELOPER_TOKEN)


def expiry(text: str) -> float:
    """Return a token's `exp`, in epoch seconds; raise DeveloperTokenError if there is none."""
    try:
        return read_expiry(text)
    except JwtError as error:
        raise DeveloperTokenError(f"the secret's version is {error}") from None


def days_left(expires_at: float, now: float) -> float:
    """Return the days from `now` to `expires_at` (epoch seconds), 0 if it has passed."""
    return max(0.0, round((expires_at - now) / DAY_SECONDS, 2))
