"""Reads how long a developer token lives; its signature is Apple's to check."""

from __future__ import annotations

from functions.shared.jwt_expiry import JwtError, read_expiry
from functions.token_rotation.errors import DeveloperTokenError, NoDeveloperTokenError
from functions.token_rotation.settings import DAY_SECONDS, NO_DEVELOPER_TOKEN


def expiry(text: str) -> float:
    """Return a developer token's `exp`, in epoch seconds.

    Raises:
        NoDeveloperTokenError: if the text is the placeholder for a token.
        DeveloperTokenError: if the text is not a JWT with an `exp`.
    """
    if text.startswith(NO_DEVELOPER_TOKEN):
        raise NoDeveloperTokenError(NO_DEVELOPER_TOKEN)
    try:
        return read_expiry(text)
    except JwtError as error:
        raise DeveloperTokenError(f"the secret's version is {error}") from None


def days_left(expires_at: float, now: float) -> float:
    """Return the days until then, 0 if it has passed."""
    return max(0.0, round((expires_at - now) / DAY_SECONDS, 2))
