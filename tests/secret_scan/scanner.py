"""Searches texts for secrets, and records each leak."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from tests.secret_scan.encodings import forms

MARKERS: Final = (
    "sample-user-token-",
    "made-up-token-",
    "eyJhbGciOiJ",  # the start of a JWT's header
    "-BEGIN PRIVATE KEY-",
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg",  # the start of a P-256 key in PKCS #8
)
"""Substrings that the user tokens, developer tokens and signing keys of all tests share."""

_SIGN_IN_RESPONSE: Final = re.compile(
    r'\{"token":"[\w.-]+"(?=,"expiresAt":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"\})', re.ASCII
)
_CONTEXT: Final = 60


def without_sign_in_token(response: object) -> str:
    """The text of a response of the sign-in function, without the token that it may return."""
    return _SIGN_IN_RESPONSE.sub('{"token":""', str(response))


class Scanner:
    """Counts the scanned `characters` by source, and keeps the `leaks`."""

    def __init__(self) -> None:
        self._forms = tuple(sorted({form for marker in MARKERS for form in forms(marker)}))
        self.characters: Counter[str] = Counter()
        self.leaks: list[str] = []

    def merge(self, characters: Mapping[str, int], leaks: Sequence[str]) -> None:
        self.characters.update(characters)
        self.leaks.extend(leaks)

    def record(self, source: str, text: str) -> None:
        self.characters[source] += len(text)
        for form in self._forms:
            at = text.find(form)
            if at >= 0:
                around = text[max(0, at - _CONTEXT) : at + len(form) + _CONTEXT]
                self.leaks.append(f"{source}: {around!r}")


SCANNER: Final = Scanner()
