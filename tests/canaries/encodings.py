"""The forms in which a secret might show itself."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Final

_SHORTEST_PIECE: Final = 24


def _percent(text: str) -> set[str]:
    return {"".join(f"%{byte:02{case}}" for byte in text.encode()) for case in "xX"}


def _hex(text: str) -> set[str]:
    return {text.encode().hex(), text.encode().hex().upper()}


def _json(text: str) -> set[str]:
    return {"".join(f"\\u{ord(character):04{case}}" for character in text) for case in "xX"}


def _repr(text: str) -> set[str]:
    return {"".join(f"\\x{byte:02x}" for byte in text.encode())}


def _base64(text: str) -> set[str]:
    """What base64 shows of a text, wherever in the encoded bytes it begins."""
    forms = set()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            encoded = encode(b"\0" * before + text.encode()).decode()
            forms.add(encoded[4 if before else 0 : len(encoded) // 4 * 4 - 4])
    return forms


ENCODINGS: Final[Mapping[str, Callable[[str], set[str]]]] = {
    "plain": lambda text: {text},
    "percent": _percent,
    "base64": _base64,
    "hex": _hex,
    "JSON": _json,
    "repr": _repr,
}
"""Each encoding by its name; what needs no escape in it is found as plain text."""


def forms(text: str) -> set[str]:
    """A text in every encoding."""
    return {form for encode in ENCODINGS.values() for form in encode(text)}


def disguises(secret: str) -> set[str]:
    """A secret in every encoding, whole or in the pieces that a line or a dot makes of it."""
    pieces = {secret, *secret.splitlines(), *secret.split(".")}
    return {
        form
        for piece in pieces
        if len(piece) > _SHORTEST_PIECE and "PRIVATE KEY" not in piece
        for form in forms(piece)
    }
