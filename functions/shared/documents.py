"""Reads JSON objects from other services; parses them with limits on memory and depth."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, Final

MAX_MEMORY_BYTES: Final = 11_000_000
_PART_BYTES: Final = 130
"""The memory of one element of a list or an object; its text may be only 2 bytes."""


def parse_object(body: bytes) -> dict[str, Any] | None:
    """Return the object; None if the body is too large, nested too deeply or not an object."""
    try:
        text = body.decode()
        parts = sum(map(text.count, ",[{"))
        # Twice the text's size, because one value may be a copy of almost the whole text.
        if 2 * sys.getsizeof(text) + _PART_BYTES * parts > MAX_MEMORY_BYTES:
            return None
        # `int` raises a ValueError for NaN and Infinity, which are not JSON.
        document = json.loads(text, parse_constant=int)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return `value` if it is an object, else an empty object."""
    return value if isinstance(value, Mapping) else {}
