"""Signing keys made for the moment, as Apple hands them out."""

from __future__ import annotations

import base64
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

KEY_ID = "ABC1234567"
TEAM_ID = "DEF1234567"

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def pem(key: PrivateKey, *, password: bytes | None = None) -> str:
    """The text of a `.p8` file."""
    encryption: KeySerializationEncryption = NoEncryption()
    if password is not None:
        encryption = BestAvailableEncryption(password)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def p256_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def disguises(secret: str) -> set[str]:
    """A secret's forms that a log might show it in, whole or in pieces."""
    pieces = {secret, *secret.splitlines(), *secret.split(".")}
    long_enough = {piece for piece in pieces if len(piece) > 24 and "PRIVATE KEY" not in piece}
    return {
        form
        for piece in long_enough
        for form in (
            piece,
            quote(piece, safe=""),
            "".join(f"%{byte:02X}" for byte in piece.encode()),
            piece.encode().hex(),
            piece.encode().hex().upper(),
            *_base64_anywhere(piece.encode()),
        )
    }


def _base64_anywhere(text: bytes) -> set[str]:
    """What base64 shows of a text, wherever in the encoded bytes it begins."""
    forms = set()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            encoded = encode(b"\0" * before + text).decode()
            forms.add(encoded[4 if before else 0 : len(encoded) // 4 * 4 - 4])
    return forms
