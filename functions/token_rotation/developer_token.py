"""Reads how long a developer token lives; its signature is Apple's to check."""

from __future__ import annotations

import math
import re
from typing import Any, Final

import jwt

from functions.token_rotation.errors import DeveloperTokenError, NoDeveloperTokenError
from functions.token_rotation.settings import DAY_SECONDS, NO_DEVELOPER_TOKEN

_COMPACT_JWT: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


def expiry(text: str) -> float:
    """Give a developer token's `exp`, in epoch seconds.

    Raises:
        NoDeveloperTokenError: where the text is the one that stands in for a token.
        DeveloperTokenError: where the text is no JWT with an `exp`.
    """
    if text.startswith(NO_DEVELOPER_TOKEN):
        raise NoDeveloperTokenError(NO_DEVELOPER_TOKEN)
    if not _COMPACT_JWT.fullmatch(text):
        raise DeveloperTokenError("the secret's version holds no JWT")
    try:
        claims: dict[str, Any] = jwt.decode(text, options={"verify_signature": False})
    except (jwt.InvalidTokenError, RecursionError):
        raise DeveloperTokenError("the secret's version holds no JWT") from None
    expires_at: Any = claims.get("exp")
    if type(expires_at) not in (int, float) or not math.isfinite(expires_at):
        raise DeveloperTokenError("the JWT in the secret's version has no `exp`")
    return float(expires_at)


def days_left(expires_at: float, now: float) -> float:
    """Give the days until then, 0 if it has passed."""
    return max(0.0, round((expires_at - now) / DAY_SECONDS, 2))
