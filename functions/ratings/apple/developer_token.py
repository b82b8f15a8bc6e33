"""Keeps the developer token in memory; reads its secret again before the token expires."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from functions.ratings.errors import DeveloperTokenUnavailableError
from functions.ratings.metrics import Metric, Observer
from functions.shared.aws.json_client import AwsCall, AwsError
from functions.shared.deadline import Clock, Deadline
from functions.shared.jwt_expiry import JwtError, read_expiry

REFRESH_SECONDS: Final = 300  # the secret is read again this long before the token expires
REREAD_SECONDS: Final = 10  # minimum between reads of the secret, if memory has an unexpired token
REJECTED_SECONDS: Final = 300  # how long a rejected token is not used; Apple may be wrong
RETRY_SECONDS: Final = 2  # minimum between reads of the secret, if memory has no unexpired token
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
    """The developer token of one Lambda environment, read from one secret.

    `current` and `reread` raise `DeveloperTokenUnavailableError` if the token in memory is missing,
    expired or rejected, and no usable one can be read.
    """

    call: AwsCall
    secret_id: str
    clock: Clock
    observer: Observer
    _token: DeveloperToken | None = field(default=None, init=False)
    _rejected: DeveloperToken | None = field(default=None, init=False)
    _rejected_at: float = field(default=0.0, init=False)
    _read_at: float = field(default=float("-inf"), init=False)
    _failure: str = field(default="", init=False)

    def current(self, deadline: Deadline) -> DeveloperToken:
        """Return the token in memory; if it was rejected or expires soon, reread the secret."""
        token = self._usable(self.clock.time() + REFRESH_SECONDS)
        return self.reread(deadline) if token is None else token

    def reread(self, deadline: Deadline) -> DeveloperToken:
        """Read the secret again; if that fails, return the token in memory while it is valid.

        The secret is not read while `retry_after` is above 0, or if too little time remains.
        """
        if self.retry_after() == 0:
            try:
                self._token = parse_developer_token(self._secret(deadline), self.clock.time())
            except DeveloperTokenUnavailableError as error:
                self._failure = str(error)
                self.observer.count(Metric.DEVELOPER_TOKEN_READ_FAILED, reason=self._failure)
        token = self._usable(self.clock.time())
        if token is None:
            raise DeveloperTokenUnavailableError(self._failure, retry_after=self.retry_after())
        return token

    def reject(self, token: DeveloperToken) -> None:
        """Record that Apple rejected a token; it is not used for `REJECTED_SECONDS`."""
        self._rejected, self._failure = token, "Apple rejected the developer token"
        self._rejected_at = self.clock.monotonic()
        self.observer.count(Metric.DEVELOPER_TOKEN_REJECTED)

    def retry_after(self) -> float:
        """Seconds until the secret may be read again.

        The pause after a read is `REREAD_SECONDS` if the token in memory is unexpired, even if it
        was rejected; otherwise it is `RETRY_SECONDS`.
        """
        is_in_memory = self._token is not None and self.clock.time() < self._token.expires_at
        pause = REREAD_SECONDS if is_in_memory else RETRY_SECONDS
        return max(0.0, self._read_at + pause - self.clock.monotonic())

    def _usable(self, at: float) -> DeveloperToken | None:
        token = self._token
        if token is None or at >= token.expires_at:
            return None
        is_recent = self.clock.monotonic() - self._rejected_at < REJECTED_SECONDS
        return None if token == self._rejected and is_recent else token

    def _secret(self, deadline: Deadline) -> str:
        if deadline.remaining() < READ_SECONDS:
            raise DeveloperTokenUnavailableError("too little time remains to read the secret")
        try:
            response = self.call("GetSecretValue", {"SecretId": self.secret_id})
        except AwsError as error:
            reason = f"the secret cannot be read: {error.code}"
            raise DeveloperTokenUnavailableError(reason) from None
        finally:
            self._read_at = self.clock.monotonic()
        text = response.get("SecretString")
        return text.strip() if isinstance(text, str) else ""
