"""The encodings in which a secret may appear."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Final

_SHORTEST_PART: Final = 24


def _percent(text: str) -> set[str]:
    return {"".join(f"%{byte:02{case}}" for byte in text.encode()) for case in "xX"}


def _hex(text: str) -> set[str]:
    return {text.encode().hex(), text.encode().hex().upper()}


def _json(text: str) -> set[str]:
    return {"".join(f"\\u{ord(character):04{case}}" for character in text) for case in "xX"}


def _repr(text: str) -> set[str]:
    return {"".join(f"\\x{byte:02x}" for byte in text.encode())}


def _base64(text: str) -> set[str]:
    """Return, for each of the three byte offsets, the characters that depend only on the text."""
    forms = set()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            encoded = encode(b"\0" * offset + text.encode()).decode()
            forms.add(encoded[4 if offset else 0 : len(encoded) // 4 * 4 - 4])
    return forms


ENCODINGS: Final[Mapping[str, Callable[[str], set[str]]]] = {
    "plain": lambda text: {text},
    "percent": _percent,
    "base64": _base64,
    "hex": _hex,
    "JSON": _json,
    "repr": _repr,
}
"""By name. Percent, JSON and repr escape each character; partly escaped text is not found."""


def forms(text: str) -> set[str]:
    return {form for encode in ENCODINGS.values() for form in encode(text)}


def forms_of_parts(secret: str) -> set[str]:
    """Return the secret, its lines and its dot-separated parts in every encoding."""
    parts = {secret, *secret.splitlines(), *secret.split(".")}
    return {
        form
        for part in parts
        if len(part) > _SHORTEST_PART and "PRIVATE KEY" not in part
        for form in forms(part)
    }
