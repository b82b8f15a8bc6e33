"""Developer tokens that a test hands out."""

from __future__ import annotations

from functions.ratings.deadline import Deadline
from functions.ratings.developer_token import DeveloperToken
from functions.ratings.errors import DeveloperTokenMissingError


class FakeDeveloperTokens:
    """Gives `token`; a `reread` changes it to `renewed` where there is one.

    `seconds` is what was left of the deadline each time.
    """

    def __init__(
        self, token: str | None = "developer.token.one", renewed: str | None = None
    ) -> None:
        self.token = token
        self.renewed = renewed
        self.seconds: list[float] = []

    def current(self, deadline: Deadline) -> DeveloperToken:
        self.seconds.append(deadline.remaining())
        if self.token is None:
            raise DeveloperTokenMissingError("told to fail")
        return DeveloperToken(jwt=self.token, expires_at=2_000_000_000)

    def reread(self, deadline: Deadline) -> DeveloperToken:
        self.token = self.renewed or self.token
        return self.current(deadline)
