"""Turns the signing key that Apple gave the team into developer tokens; without effects."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from functions.token_rotation.errors import NoSigningKeyError, SigningKeyError
from functions.token_rotation.settings import NO_SIGNING_KEY

__all__ = (
    "NoSigningKeyError",
    "SigningKey",
    "SigningKeyError",
    "parse_signing_key",
    "sign_developer_token",
    "signing_key_document",
)

_ALGORITHM: Final = "ES256"
_ID: Final = re.compile(r"[A-Z0-9]{10}")
_KEYS: Final = frozenset({"private_key", "key_id", "team_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key for MusicKit, and the two ids by which Apple knows it and its team."""

    private_key: ec.EllipticCurvePrivateKey = field(repr=False)
    key_id: str
    team_id: str


def parse_signing_key(text: str) -> SigningKey:
    """Read what the signing key's secret holds.

    Raises:
        NoSigningKeyError: where nobody has put a key yet.
        SigningKeyError: where it is not a key that Apple gave out for MusicKit, with its ids.
    """
    if not text.strip() or text.startswith(NO_SIGNING_KEY):
        raise NoSigningKeyError(NO_SIGNING_KEY)
    document = _json(text)
    if not isinstance(document, dict) or document.keys() != _KEYS:
        raise SigningKeyError(
            "the signing key is no JSON object of private_key, key_id and team_id"
        )
    if not all(isinstance(value, str) for value in document.values()):
        raise SigningKeyError("private_key, key_id and team_id have to be texts")
    for name in ("key_id", "team_id"):
        if not _ID.fullmatch(document[name]):
            raise SigningKeyError(f"{name} has to be ten of A to Z and 0 to 9")
    return SigningKey(
        private_key=_private_key(document["private_key"]),
        key_id=document["key_id"],
        team_id=document["team_id"],
    )


def signing_key_document(private_key: str, key_id: str, team_id: str) -> str:
    """Give what the signing key's secret is to hold; `private_key` is the `.p8` file's text.

    Raises:
        SigningKeyError: where `parse_signing_key` would refuse it.
    """
    document = json.dumps({"private_key": private_key, "key_id": key_id, "team_id": team_id})
    parse_signing_key(document)
    return document


def sign_developer_token(key: SigningKey, *, now: float, life_seconds: int) -> str:
    """Give a developer token that is good from `now` on; both are in seconds."""
    issued_at = int(now)
    return jwt.encode(
        {"iss": key.team_id, "iat": issued_at, "exp": issued_at + life_seconds},
        key.private_key,
        algorithm=_ALGORITHM,
        headers={"kid": key.key_id},
    )


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _private_key(pem: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise SigningKeyError("the private key is encrypted: put it as Apple gave it") from None
    except (ValueError, UnsupportedAlgorithm):
        raise SigningKeyError("the private key is no PEM text, or a broken one") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SigningKeyError("the private key is no P-256 elliptic-curve key")
    return key
