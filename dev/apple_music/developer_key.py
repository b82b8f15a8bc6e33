"""A developer key like Apple's, generated for one run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from functions.shared.signing import (
    parse_signing_key,
    sign_developer_token,
    signing_key_document,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeveloperKey:
    """A key pair with its ids; `private_key` is the text of a `.p8` file."""

    key_id: str
    team_id: str
    public_key: ec.EllipticCurvePublicKey
    private_key: str = field(repr=False)

    @classmethod
    def generate(cls, key_id: str = "LOCALKEY01") -> DeveloperKey:
        """Generate a key; its ids have ten characters, like Apple's."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return cls(
            key_id=key_id,
            team_id="LOCALTEAM1",
            public_key=key.public_key(),
            private_key=pem.decode("ascii"),
        )

    @property
    def document(self) -> str:
        """The value of the secret that contains the signing key."""
        return signing_key_document(self.private_key, self.key_id, self.team_id)

    def sign_token(
        self, *, now: float | None = None, life_seconds: int = 86_400, origin: str | None = None
    ) -> str:
        """Return a developer token that is valid from `now`; None means the current time."""
        return sign_developer_token(
            parse_signing_key(self.document),
            now=time.time() if now is None else now,
            life_seconds=life_seconds,
            origin=origin,
        )
