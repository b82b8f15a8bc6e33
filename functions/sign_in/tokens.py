"""Signs developer tokens, and reuses each until half of its lifetime is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from functions.shared.aws.json_client import AwsCall, AwsError
from functions.shared.deadline import Clock
from functions.shared.signing import (
    NoSigningKeyError,
    SigningKey,
    SigningKeyError,
    parse_signing_key,
    sign_developer_token,
)
from functions.sign_in import errors

MIN_LEFT_SECONDS: Final = 60
"""A token with less time left is not returned: an app must be able to sign a user in with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeveloperToken:
    """A signed token; times are in epoch seconds."""

    jwt: str = field(repr=False)
    issued_at: int
    expires_at: int

    def is_reusable(self, now: float) -> bool:
        """Return whether at least half of its lifetime remains."""
        return now <= (self.issued_at + self.expires_at) / 2


class IssuedToken(NamedTuple):
    """A token for one request; `key_error` says why an old token was not replaced."""

    token: DeveloperToken
    is_new: bool
    key_error: str = ""


@dataclass(eq=False, repr=False)
class DeveloperTokens:
    """The tokens of one environment, one for each origin.

    The key is read again for each signing, because it may have been replaced.
    """

    call: AwsCall
    secret_id: str
    clock: Clock
    life_seconds: int
    _kept: dict[str | None, DeveloperToken] = field(default_factory=dict, init=False)

    def issue(self, origin: str | None) -> IssuedToken:
        """Return a token for web pages of `origin`; without an origin, for apps.

        If the key cannot be used, a token in memory is returned until a minute before its expiry.

        Raises:
            NoSigningKeyError: if no key was set yet.
            SigningKeyUnavailableError: if the key cannot be used, and no kept token is usable.
        """
        now, kept = self.clock.time(), self._kept.get(origin)
        if kept is not None and kept.is_reusable(now):
            return IssuedToken(kept, is_new=False)
        try:
            key = self._read_key()
        except errors.SigningKeyUnavailableError as error:
            if kept is None or now > kept.expires_at - MIN_LEFT_SECONDS:
                raise
            return IssuedToken(kept, is_new=False, key_error=str(error))
        signed = DeveloperToken(
            jwt=sign_developer_token(key, now=now, life_seconds=self.life_seconds, origin=origin),
            issued_at=int(now),
            expires_at=int(now) + self.life_seconds,
        )
        self._kept[origin] = signed
        return IssuedToken(signed, is_new=True)

    def _read_key(self) -> SigningKey:
        try:
            text = self.call("GetSecretValue", {"SecretId": self.secret_id}).get("SecretString")
            return parse_signing_key(text if isinstance(text, str) else "")
        except AwsError as error:
            raise errors.SigningKeyUnavailableError(f"Secrets Manager: {error.code}") from None
        except NoSigningKeyError as error:
            raise errors.NoSigningKeyError(str(error)) from None
        except SigningKeyError as error:
            raise errors.SigningKeyUnavailableError(str(error)) from None
