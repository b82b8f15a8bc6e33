"""Reads and writes a user's Apple Music ratings from a script or a server: see docs/apps.md.

It needs urllib3 2: urllib.request would send the user's token to the target of a redirect.
"""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

import urllib3

Rating = Literal[1, -1]  # a like, a dislike
Action = Literal["sign-in", "try-later", "read-again", "report"]


class RatingsError(Exception):
    """A failed request; `action` says what to do.

    sign-in: the user signs in to Apple Music again, or needs a subscription. try-later: after
    `retry_after` seconds. read-again: after a minute, because a write may still take effect.
    report: to the service, with `request_id`. Without a response, `status` is 0.
    """

    def __init__(self, action: Action, status: int, code: str, request_id: str, wait: int) -> None:
        super().__init__(f"{action}: status {status}, code {code or 'none'}, request {request_id}")
        self.action, self.status, self.code = action, status, code
        self.request_id, self.retry_after = request_id, wait


class RatingsClient:
    """The ratings of one user. Threads may share it. Each method may raise RatingsError."""

    def __init__(self, url: str, user_token: str, api_key: str | None = None) -> None:
        headers = {"Music-User-Token": user_token} | ({"X-Api-Key": api_key} if api_key else {})
        self._http = urllib3.PoolManager(headers=headers, retries=False, timeout=12.0)
        self._url = f"{url}/v1/me/ratings"

    def get(self, kind: str, item: str) -> Rating | None:
        """Return the rating of an item, or None if the item is not rated."""
        return self._send("GET", f"/{kind}/{item}").get(item)

    def get_many(self, kind: str, items: Sequence[str]) -> dict[str, Rating]:
        """Return the ratings by id, without unrated items; 100 items per request."""
        found: dict[str, Rating] = {}
        for first in range(0, len(items), 100):
            found |= self._send("GET", f"/{kind}?ids={','.join(items[first : first + 100])}")
        return found

    def rate(self, kind: str, item: str, rating: Rating | None) -> None:
        """Like (1) or dislike (-1) an item, or delete its rating (None)."""
        body = {"type": "rating", "attributes": {"value": rating}} if rating else None
        try:
            self._send("PUT" if rating else "DELETE", f"/{kind}/{item}", body)
        except RatingsError as error:
            if error.action == "read-again":
                time.sleep(2)  # Apple's reads include a write about a second later
                with suppress(RatingsError):
                    if self.get(kind, item) == rating:
                        return
            raise

    def _send(self, method: str, path: str, body: Any = None, tries: int = 2) -> dict[str, Rating]:
        status, headers, document = 0, urllib3.HTTPHeaderDict(), dict[str, Any]()
        with suppress(urllib3.exceptions.HTTPError, ValueError):
            response = self._http.request(method, self._url + path, json=body)
            status, headers = response.status, response.headers
            document = {"data": []} if status == 204 else response.json()
        code = document.get("errors", [{}])[0].get("code", "")
        if "data" in document or (method, code) == ("GET", "40400"):
            return {each["id"]: each["attributes"]["value"] for each in document.get("data", ())}
        wait, request_id = int(headers.get("Retry-After", 0)), headers.get("X-Request-Id", "")
        if tries == 1 or not 1 <= wait <= 10:
            raise RatingsError(_action(method, status, code), status, code, request_id, wait or 5)
        time.sleep(wait)
        return self._send(method, path, body, tries - 1)


def _action(method: str, status: int, code: str) -> Action:
    if (status == 401 and code != "40192") or code == "40300":
        return "sign-in"
    if status in (429, 503) or (method == "GET" and status in (0, 500, 502, 504)):
        return "try-later"
    return "read-again" if status in (0, 500, 502, 504) else "report"


if __name__ == "__main__":
    client = RatingsClient(sys.argv[1], os.environ["MUSIC_USER_TOKEN"])
    try:
        client.rate("songs", "1500000001", 1)
        print("liked:", client.get("songs", "1500000001"))
        songs = client.get_many("songs", [f"{1500000000 + n}" for n in range(250)])
        print("of 250 songs, rated:", len(songs))
        client.rate("songs", "1500000001", None)
        print("deleted:", client.get("songs", "1500000001"))
    except RatingsError as error:
        sys.exit(f"failed: {error}")
