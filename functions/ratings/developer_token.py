"""Keeps the developer token, which no app may have, and reads it again when it is about to end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from functions.ratings.aws_json import AwsError, AwsService
from functions.ratings.deadline import Clock, Deadline
from functions.ratings.errors import DeveloperTokenMissingError
from functions.ratings.metrics import Metric, Observer
from functions.shared.jwt_expiry import JwtError, read_expiry

REFRESH_SECONDS: Final = 300
"""How long before its end a token is looked for anew."""

REREAD_SECONDS: Final = 10
"""How often at most the secret is read while there is a token to go on with."""

READ_SECONDS: Final = 1.0
"""The longest that reading the secret takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeveloperToken:
    """A JWT by which Apple knows this service, and when it ends, in epoch seconds."""

    jwt: str = field(repr=False)
    expires_at: float


def parse_developer_token(text: str, now: float) -> DeveloperToken:
    """Read a token's `exp`; its signature is Apple's to check.

    Raises:
        DeveloperTokenMissingError: where the text is no JWT with an `exp`, or has expired.
    """
    try:
        expires_at = read_expiry(text)
    except JwtError as error:
        raise DeveloperTokenMissingError(f"the secret is {error}") from None
    if expires_at <= now:
        raise DeveloperTokenMissingError("the JWT in the secret has expired")
    return DeveloperToken(jwt=text, expires_at=expires_at)


class DeveloperTokenSource:
    """The developer token of one environment, out of one secret, kept in memory."""

    def __init__(
        self, *, client: AwsService, secret_id: str, clock: Clock, observer: Observer
    ) -> None:
        """Read `secret_id` by `client` when a token is first asked for."""
        self._client = client
        self._secret_id = secret_id
        self._clock = clock
        self._observer = observer
        self._token: DeveloperToken | None = None
        self._read_at = float("-inf")

    def current(self, deadline: Deadline) -> DeveloperToken:
        """Give the token in use, which is read anew only shortly before its end.

        Raises:
            DeveloperTokenMissingError: where neither memory nor the secret has a usable one.
        """
        token, now = self._token, self._clock.time()
        if token is not None and now < token.expires_at - REFRESH_SECONDS:
            return token
        return self.reread(deadline)

    def reread(self, deadline: Deadline) -> DeveloperToken:
        """Read the secret again, but go on with the token in memory while that is good.

        Without the time that this may take, the secret is not read.

        Raises:
            DeveloperTokenMissingError: where neither memory nor the secret has a usable one.
        """
        token, now = self._token, self._clock.time()
        usable = token if token is not None and now < token.expires_at else None
        if usable is not None and self._clock.monotonic() - self._read_at < REREAD_SECONDS:
            return usable
        try:
            self._token = parse_developer_token(self._secret(deadline), now)
        except DeveloperTokenMissingError as error:
            self._observer.count(Metric.DEVELOPER_TOKEN_NOT_READ, reason=str(error))
            if usable is None:
                raise
            return usable
        return self._token

    def _secret(self, deadline: Deadline) -> str:
        if deadline.remaining() < READ_SECONDS:
            raise DeveloperTokenMissingError("no time left to read the secret")
        self._read_at = self._clock.monotonic()
        try:
            answer = self._client.call("GetSecretValue", {"SecretId": self._secret_id})
        except AwsError as error:
            raise DeveloperTokenMissingError(f"the secret cannot be read: {error.code}") from None
        text = answer.get("SecretString")
        return text.strip() if isinstance(text, str) else ""
