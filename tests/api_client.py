"""An HTTP client of a running API; it sends each target unchanged."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from tests.patience import SAFETY_NET_SECONDS
from tests.secret_scan.scanner import SCANNER, without_sign_in_token

SIGN_IN_PATH = "/developer-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def cache(self) -> str:
        """The Cache-Status header without the cache's name."""
        return (self.headers["Cache-Status"] or "").removeprefix("apple-music-ratings; ")

    @property
    def value(self) -> int:
        (rating,) = self.document["data"]
        return int(rating["attributes"]["value"])

    @property
    def error(self) -> Mapping[str, Any]:
        (error,) = self.document["errors"]
        assert error["status"] == str(self.status)
        return dict(error)

    @property
    def error_code(self) -> str:
        return str(self.error["code"])


class ApiClient:
    """Sends requests to the API at `url`, with the `api_key` if there is one.

    `authority` is a file with the certificate to trust.
    """

    def __init__(self, url: str, *, authority: str | None = None, api_key: str = "") -> None:
        self.url = url
        self._api_key = api_key
        self._context = ssl.create_default_context(cafile=authority) if authority else None

    def connect(self) -> HTTPConnection:
        host = urlsplit(self.url).netloc
        if self._context is None:
            return HTTPConnection(host, timeout=SAFETY_NET_SECONDS)
        return HTTPSConnection(host, timeout=SAFETY_NET_SECONDS, context=self._context)

    def request(
        self,
        target: str,
        token: str | None = None,
        *headers: tuple[str, str],
        method: str = "GET",
        body: bytes | None = None,
    ) -> Response:
        """Send one request on a new connection."""
        connection = self.connect()
        connection.putrequest(method, urlsplit(self.url).path + target)
        if token is not None:
            connection.putheader("Music-User-Token", token)
        for name, value in headers:
            connection.putheader(name, value)
        if self._api_key:
            connection.putheader("X-Api-Key", self._api_key)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        received = connection.getresponse()
        response = Response(status=received.status, headers=received.headers, body=received.read())
        connection.close()
        text = f"{response.headers}{response.body.decode('latin-1')}"
        text = without_sign_in_token(text) if target == SIGN_IN_PATH else text
        SCANNER.record("responses over HTTP", text)
        return response

    def put(self, target: str, token: str, value: int) -> Response:
        body = json.dumps({"type": "rating", "attributes": {"value": value}}).encode()
        json_type = ("Content-Type", "application/json")
        return self.request(target, token, json_type, method="PUT", body=body)
