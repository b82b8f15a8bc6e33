"""Key id and expiry of a developer token: not secret."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

import jwt

from functions.shared.jwt_expiry import JwtError, read_expiry

_KEY_ID: Final = re.compile(r"[A-Z0-9]{10}")
_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """The id of the signing key, and the expiry in epoch seconds."""

    key_id: str
    expires_at: float

    def time_left(self, now: float) -> str:
        """Return the time until the token expires, as text."""
        days = math.floor((self.expires_at - now) / _DAY_SECONDS)
        if self.expires_at <= now:
            return "nothing: it has expired"
        return f"{days} day{'' if days == 1 else 's'}" if days else "less than a day"


def read_facts(text: str) -> TokenFacts | None:
    """Read a token as the ratings function does, without checking its signature.

    Returns None if the text is not a JWT with an expiry.
    """
    try:
        expires_at = read_expiry(text)
    except JwtError:
        return None
    key_id = str(jwt.get_unverified_header(text).get("kid"))
    is_key_id = _KEY_ID.fullmatch(key_id)
    return TokenFacts(key_id=key_id if is_key_id else "unknown", expires_at=expires_at)
