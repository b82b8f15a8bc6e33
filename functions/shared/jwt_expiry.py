"""Reads the expiry of a developer token without checking the signature."""

from __future__ import annotations

import re
from typing import Any, Final

import jwt

_COMPACT_JWT: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_MAX_EXPIRY: Final = 1e12


class JwtError(ValueError):
    """The text is not a JWT with a usable `exp`."""


def read_expiry(text: str) -> float:
    """Return the `exp` of a JWT, in epoch seconds; raise JwtError if there is none."""
    if not _COMPACT_JWT.fullmatch(text):
        raise JwtError("not a JWT")
    try:
        expires_at: Any = jwt.decode(text, options={"verify_signature": False}).get("exp")
    except (jwt.InvalidTokenError, RecursionError):
        raise JwtError("not a JWT") from None
    if type(expires_at) not in (int, float) or not abs(expires_at) < _MAX_EXPIRY:
        raise JwtError("a JWT without a usable `exp`")
    return float(expires_at)
