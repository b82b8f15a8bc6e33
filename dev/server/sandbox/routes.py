"""`/_local/`: describes the running service, and resets it; not part of the API."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from dev.apple_music.sample_data import LIBRARY_ITEMS, SAMPLE_ITEMS, USERS
from dev.http.messages import HttpRequest, HttpResponse


def service_facts(url: str, network_url: str | None, *, has_samples: bool) -> dict[str, Any]:
    """Return the data for an app's tests; `network_url` is for other devices on the network."""
    return {
        "url": url,
        "networkUrl": network_url,
        "pid": os.getpid(),
        "users": [
            {"token": user.token, "case": user.case, "response": user.response}
            for user in USERS
            if has_samples
        ],
        "items": [
            {"title": item.title, "ids": [f"{name.type}/{name.id}" for name in item.ids]}
            for item in (*SAMPLE_ITEMS, *LIBRARY_ITEMS)
            if has_samples
        ],
    }


class LocalRoutes:
    """Responds only to requests for `/_local/`."""

    def __init__(self, facts: dict[str, Any], *, reset: Callable[[], None]) -> None:
        self._facts = json.dumps(facts).encode()
        self._reset = reset

    def respond(self, request: HttpRequest) -> HttpResponse | None:
        """Return the response, or None if the request is for the API."""
        match request.method, request.target:
            case "GET", "/_local/service":
                headers = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
                return HttpResponse(status=200, headers=headers, body=self._facts)
            case "POST", "/_local/reset":
                self._reset()
                return HttpResponse(status=204)
            case _:
                return None
