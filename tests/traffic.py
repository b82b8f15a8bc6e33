"""Sends reads of unrated songs from several threads, and records each failure."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.api_client import ApiClient

EXPECTED = (404, "fwd=miss; stored")
"""Each song is unrated and requested once, so each read is a miss."""


@dataclass(slots=True)
class Traffic:
    """The number of responses so far, and each failure."""

    count: int = 0
    failures: list[object] = field(default_factory=list)


@contextmanager
def traffic(client: ApiClient, token: str, *, threads: int) -> Iterator[Traffic]:
    """Send a user's reads until the block ends."""
    found, end, numbers = Traffic(), threading.Event(), itertools.count(1)

    def read() -> None:
        while not end.is_set():
            try:
                response = client.request(f"/v1/me/ratings/songs/{next(numbers)}", token)
            except Exception as error:  # noqa: BLE001 - any failure fails the test
                found.failures.append(error)
                continue
            found.count += 1
            if (response.status, response.cache) != EXPECTED:
                found.failures.append(response)

    running = [threading.Thread(target=read) for _ in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield found
    finally:
        end.set()
        for thread in running:
            thread.join()
