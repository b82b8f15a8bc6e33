"""Keeps the developer token in memory, and reads its secret again before it expires."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from functions.ratings.aws.json_client import AwsCall, AwsError
from functions.ratings.errors import DeveloperTokenUnavailableError
from functions.ratings.metrics import Metric, Observer
from functions.shared.deadline import Clock, Deadline
from functions.shared.jwt_expiry import JwtError, read_expiry

REFRESH_SECONDS: Final = 300  # a token is read again so long before its expiry
REREAD_SECONDS: Final = 10  # between two reads of the secret, while a valid token is in memory
READ_SECONDS: Final = 1.0  # the limit of one read of the secret


@dataclass(frozen=True, slots=True, kw_only=True)
class DeveloperToken:
    """A JWT that identifies this service to Apple; `expires_at` is in epoch seconds."""

    jwt: str = field(repr=False)
    expires_at: float


def parse_developer_token(text: str, now: float) -> DeveloperToken:
    """Read a token's `exp`; Apple checks the signature."""
    try:
        expires_at = read_expiry(text)
    except JwtError as error:
        raise DeveloperTokenUnavailableError(f"the secret is {error}") from None
    if expires_at <= now:
        raise DeveloperTokenUnavailableError("the JWT in the secret has expired")
    return DeveloperToken(jwt=text, expires_at=expires_at)


@dataclass(eq=False, repr=False)
class DeveloperTokenSource:
    """The developer token of one environment, from one secret.

    Both methods raise `DeveloperTokenUnavailableError` if neither memory nor the secret has a
    valid one.
    """

    call: AwsCall
    secret_id: str
    clock: Clock
    observer: Observer
    _token: DeveloperToken | None = field(default=None, init=False)
    _read_at: float = field(default=float("-inf"), init=False)

    def current(self, deadline: Deadline) -> DeveloperToken:
        """Return the token in memory, which is read again only shortly before its expiry."""
        token, now = self._token, self.clock.time()
        if token is not None and now < token.expires_at - REFRESH_SECONDS:
            return token
        return self.reread(deadline)

    def reread(self, deadline: Deadline) -> DeveloperToken:
        """Read the secret again; if that fails, return the token in memory while it is valid.

        If too little time remains, the secret is not read.
        """
        token, now = self._token, self.clock.time()
        usable = token if token is not None and now < token.expires_at else None
        if usable is not None and self.clock.monotonic() - self._read_at < REREAD_SECONDS:
            return usable
        try:
            self._token = parse_developer_token(self._secret(deadline), now)
        except DeveloperTokenUnavailableError as error:
            self.observer.count(Metric.DEVELOPER_TOKEN_READ_FAILED, reason=str(error))
            if usable is None:
                raise
            return usable
        return self._token

    def _secret(self, deadline: Deadline) -> str:
        if deadline.remaining() < READ_SECONDS:
            raise DeveloperTokenUnavailableError("too little time remains to read the secret")
        self._read_at = self.clock.monotonic()
        try:
            response = self.call("GetSecretValue", {"SecretId": self.secret_id})
        except AwsError as error:
            reason = f"the secret cannot be read: {error.code}"
            raise DeveloperTokenUnavailableError(reason) from None
        text = response.get("SecretString")
        return text.strip() if isinstance(text, str) else ""
