"""Looks for secrets in whatever a test run writes, and keeps where it found one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from tests.canaries.encodings import forms

CANARIES: Final = (
    "sample-user-token-",
    "made-up-token-",
    "eyJhbGciOiJ",  # how the header of every JWT begins
    "-BEGIN PRIVATE KEY-",
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg",  # how every P-256 key in PKCS #8 begins
)
"""What the user tokens, developer tokens and signing keys of all tests have in common."""

_SHOWN: Final = 60


class Ledger:
    """What was looked through, by where it came from, and the leaks that were found."""

    def __init__(self, canaries: tuple[str, ...] = CANARIES) -> None:
        self._forms = tuple(sorted({form for canary in canaries for form in forms(canary)}))
        self.characters: Counter[str] = Counter()
        self.leaks: list[str] = []

    def add(self, characters: Mapping[str, int], leaks: Sequence[str]) -> None:
        """Add what another process of the same run looked through and found."""
        self.characters.update(characters)
        self.leaks.extend(leaks)

    def record(self, source: str, text: str) -> None:
        """Look through a text that came from `source`."""
        self.characters[source] += len(text)
        for form in self._forms:
            at = text.find(form)
            if at >= 0:
                around = text[max(0, at - _SHOWN) : at + len(form) + _SHOWN]
                self.leaks.append(f"{source}: {around!r}")


LEDGER: Final = Ledger()
"""The one of this run."""
