"""Parses the team's signing key and signs developer tokens with it; pure functions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from functions.shared.documents import parse_object
from functions.shared.placeholders import NO_SIGNING_KEY

_ID: Final = re.compile(r"[A-Z0-9]{10}")
_KEYS: Final = frozenset({"private_key", "key_id", "team_id"})


class SigningKeyError(Exception):
    """The signing key's secret contains no usable key; the message does not quote the secret."""


class NoSigningKeyError(SigningKeyError):
    """No signing key was set yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A MusicKit key, with the key id and the team id that Apple assigned."""

    private_key: ec.EllipticCurvePrivateKey = field(repr=False)
    key_id: str
    team_id: str


def parse_signing_key(text: str) -> SigningKey:
    """Parse the text of the signing key's secret.

    Raises:
        NoSigningKeyError: if no key was set yet.
        SigningKeyError: if the text is not a P-256 key with its ids.
    """
    if not text.strip() or text.startswith(NO_SIGNING_KEY):
        raise NoSigningKeyError(NO_SIGNING_KEY)
    document = parse_object(text.encode(errors="replace")) or {}
    if document.keys() != _KEYS or not all(isinstance(value, str) for value in document.values()):
        raise SigningKeyError(
            "the signing key must be a JSON object of the strings private_key, key_id and team_id"
        )
    for name in ("key_id", "team_id"):
        if not _ID.fullmatch(document[name]):
            raise SigningKeyError(f"{name} must be ten characters of A to Z and 0 to 9")
    return SigningKey(
        private_key=_private_key(document["private_key"]),
        key_id=document["key_id"],
        team_id=document["team_id"],
    )


def signing_key_document(private_key: str, key_id: str, team_id: str) -> str:
    """Return the text for the signing key's secret; raise SigningKeyError if it is invalid.

    `private_key` is the text of Apple's `.p8` file.
    """
    document = json.dumps({"private_key": private_key, "key_id": key_id, "team_id": team_id})
    parse_signing_key(document)
    return document


def sign_developer_token(
    key: SigningKey, *, now: float, life_seconds: int, origin: str | None = None
) -> str:
    """Return a developer token that is valid for `life_seconds` from `now` (epoch seconds).

    With an `origin`, Apple accepts the token only from web pages of that origin.
    """
    issued_at = int(now)
    origins = {} if origin is None else {"origin": [origin]}
    return jwt.encode(
        {"iss": key.team_id, "iat": issued_at, "exp": issued_at + life_seconds, **origins},
        key.private_key,
        algorithm="ES256",
        headers={"kid": key.key_id},
    )


def _private_key(pem: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise SigningKeyError("the private key is encrypted: use Apple's file unchanged") from None
    except (ValueError, UnsupportedAlgorithm):
        raise SigningKeyError("the private key is not valid PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SigningKeyError("the private key is not a P-256 elliptic-curve key")
    return key
