"""What can be told of a developer token without showing it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import jwt

from functions.shared.jwt_expiry import JwtError, read_expiry

_KEY_ID: Final = re.compile(r"[A-Z0-9]{10}")


class NoDeveloperTokenError(ValueError):
    """The text is no JWT that ends at some time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """By which key a token was signed, and when it ends, in epoch seconds."""

    key_id: str
    expires_at: float


def read_facts(text: str) -> TokenFacts:
    """Read a token as the ratings function does; its signature is Apple's to check.

    Raises:
        NoDeveloperTokenError: where that function would take it for none.
    """
    try:
        expires_at = read_expiry(text)
    except JwtError:
        raise NoDeveloperTokenError from None
    key_id = str(jwt.get_unverified_header(text).get("kid"))
    is_key_id = _KEY_ID.fullmatch(key_id)
    return TokenFacts(key_id=key_id if is_key_id else "unknown", expires_at=expires_at)
