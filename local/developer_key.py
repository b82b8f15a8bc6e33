"""A signing key for this run alone, so that nobody needs an Apple account to see it work."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from functions.token_rotation.signing import signing_key_document


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """What Apple keeps of a developer's key: enough to check a token, not to sign one."""

    key_id: str
    team_id: str
    public_key: ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class DeveloperKey:
    """A developer's key in both its halves: `private_key` is the text of a `.p8` file."""

    trusted: TrustedKey
    private_key: str = field(repr=False)

    @classmethod
    def generate(cls, *, key_id: str = "LOCALKEY01", team_id: str = "LOCALTEAM1") -> DeveloperKey:
        """Make a new key; both ids have ten characters, as Apple's have."""
        private_key = ec.generate_private_key(ec.SECP256R1())
        return cls(
            trusted=TrustedKey(key_id=key_id, team_id=team_id, public_key=private_key.public_key()),
            private_key=private_key.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ).decode("ascii"),
        )

    @property
    def document(self) -> str:
        """What the signing key's secret holds of it."""
        return signing_key_document(self.private_key, self.trusted.key_id, self.trusted.team_id)
