"""A signing key for this run alone, so that nobody needs an Apple account to see it work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

LONGEST_LIFE_SECONDS: Final = 15_777_000
"""Apple takes no developer token that lives longer.

Source: https://developer.apple.com/documentation/applemusicapi/generating-developer-tokens
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """What Apple keeps of a developer's key: enough to check a token, not to sign one."""

    key_id: str
    team_id: str
    public_key: ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class DeveloperKey:
    """A developer's private key, held in memory only."""

    key_id: str
    team_id: str
    private_key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def generate(cls, *, key_id: str = "LOCALKEY01", team_id: str = "LOCALTEAM1") -> DeveloperKey:
        """Make a new key; both ids have ten characters, as Apple's have."""
        private_key = ec.generate_private_key(ec.SECP256R1())
        return cls(key_id=key_id, team_id=team_id, private_key=private_key)

    @property
    def trusted(self) -> TrustedKey:
        """The half that Apple holds."""
        return TrustedKey(
            key_id=self.key_id, team_id=self.team_id, public_key=self.private_key.public_key()
        )

    def sign(self, *, now: float, life_seconds: int = LONGEST_LIFE_SECONDS) -> str:
        """Give a developer token that is good from `now` on."""
        issued_at = int(now)
        return jwt.encode(
            {"iss": self.team_id, "iat": issued_at, "exp": issued_at + life_seconds},
            self.private_key,
            algorithm="ES256",
            headers={"kid": self.key_id},
        )
