"""Decides which web pages may read a response.

Source: https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from functions.ratings.settings import EXPOSED_HEADERS
from functions.shared.settings import ANY_ORIGIN

_ANY: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": EXPOSED_HEADERS,
}
_NONE: Final[Mapping[str, str]] = {}


def cors_headers(allowed: tuple[str, ...], origin: Sequence[str]) -> Mapping[str, str]:
    """Return the CORS headers; `origin` has all values of the request's `Origin` header."""
    if allowed == ANY_ORIGIN:
        return _ANY
    if not allowed:
        return _NONE
    # Without `Vary`, a cache could serve a response to a page of another origin.
    vary = {"Vary": "Origin"}
    if len(origin) == 1 and origin[0] in allowed:
        return {**_ANY, "Access-Control-Allow-Origin": origin[0], **vary}
    return vary
