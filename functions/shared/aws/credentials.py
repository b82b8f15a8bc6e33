"""Reads AWS credentials when a call needs them, and refreshes them before they expire.

Lambda sets them in environment variables. If a function is restored from a snapshot, a server on
the loopback interface returns them instead.
Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from functions.shared.deadline import Clock, Deadline
from functions.shared.documents import parse_object
from functions.shared.http.connection import TrustStore
from functions.shared.http.messages import Request, TransportError
from functions.shared.http.transport import Transport

REFRESH_SECONDS: Final = 300.0  # before the credentials expire
RETRY_SECONDS: Final = 10.0  # after a failed refresh, while the old credentials are valid
FETCH_SECONDS: Final = 0.1

_MAX_BODY_BYTES: Final = 16_384
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """The attributes that botocore's signer reads, and the expiry in epoch seconds."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)
    expires_at: float = math.inf


class CredentialSource:
    """Reads credentials from environment variables at each call, or from a URL."""

    def __init__(self, environment: Mapping[str, str], clock: Clock) -> None:
        self._environment = environment
        self._clock = clock
        self._fetched: Credentials | None = None
        self._retry_at = 0.0

    def read(self, deadline: Deadline) -> Credentials | None:
        """Return credentials that have not expired, or None."""
        environment, now = self._environment, self._clock.time()
        access_key = environment.get("AWS_ACCESS_KEY_ID")
        secret_key = environment.get("AWS_SECRET_ACCESS_KEY")
        if access_key and secret_key:
            return Credentials(access_key, secret_key, environment.get("AWS_SESSION_TOKEN"))
        kept = self._fetched
        if kept is None or now >= kept.expires_at:
            self._fetched = self._fetch(deadline)
        elif now >= max(kept.expires_at - REFRESH_SECONDS, self._retry_at):
            self._retry_at = now + RETRY_SECONDS
            self._fetched = self._fetch(deadline) or kept
        return self._fetched

    def _fetch(self, deadline: Deadline) -> Credentials | None:
        try:
            url = urlsplit(self._environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", ""))
            if url.scheme != "http" or url.hostname not in _LOOPBACK:
                return None  # any other host would receive the authorization token
            token = self._environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
            request = Request(
                method="GET",
                target=urlunsplit(("", "", url.path or "/", url.query, "")),
                headers={"Authorization": token},
                max_body_bytes=_MAX_BODY_BYTES,
                max_idle_seconds=0,
            )
            origin = f"http://{url.netloc}"
            with closing(Transport(origin, trust=TrustStore(), clock=self._clock)) as server:
                response = server.send(request, deadline.cap(FETCH_SECONDS))
            document = parse_object(response.body or b"") or {}
            expires_at = datetime.fromisoformat(document["Expiration"]).timestamp()
            access_key, secret_key, session_token = (
                str(document[name]) for name in ("AccessKeyId", "SecretAccessKey", "Token")
            )
            fetched = Credentials(access_key, secret_key, session_token, expires_at)
        except (TransportError, ValueError, KeyError, TypeError):
            return None
        return fetched if self._clock.time() < expires_at else None
