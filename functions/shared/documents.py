"""Parses a JSON object from another service, within a bound on memory and depth."""

from __future__ import annotations

import json
import sys
from typing import Any, Final, NoReturn

MAX_MEMORY_BYTES: Final = 11_000_000
_PART_BYTES: Final = 130
"""The memory of a part of a list or an object, which may be as short as 2 bytes of text."""


def parse_object(body: bytes) -> dict[str, Any] | None:
    """Return the object; None if the body is not one, or takes too much memory or depth."""
    try:
        text = body.decode()
        parts = sum(map(text.count, ",[{"))
        # Twice, because one value may be almost the whole text, at up to 4 bytes a character.
        if 2 * sys.getsizeof(text) + _PART_BYTES * parts > MAX_MEMORY_BYTES:
            return None
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
