"""Fifty concurrent clients, while one in ten responses of Apple Music is a fault."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psutil
import pytest

from dev.apple_music.launcher import launch
from dev.apple_music.ratings_store import ResourceId
from dev.http.messages import HttpRequest, HttpResponse
from tests.e2e.running_service import RunningService
from tests.secret_scan.scanner import SCANNER

CLIENTS = 50
REQUESTS = 30
SONGS = tuple(ResourceId("library-songs", f"i.song{number}") for number in range(4))
USERS = tuple(f"made-up-token-{number}" for number in range(CLIENTS))
MEGABYTE = 1_000_000

FAULTS = (
    HttpResponse(status=500),
    HttpResponse(status=503, headers=(("Retry-After", "1"),)),
    HttpResponse(status=429),
    HttpResponse(status=200, headers=(("Content-Type", "text/html"),), body=b"<html>"),
    HttpResponse(status=302, headers=(("Location", "https://elsewhere.test/"),)),
)


class FaultInjector:
    """While `active`, it replaces every tenth response with a fault."""

    def __init__(self) -> None:
        self.active = False
        self.faults = 0
        self._calls = itertools.count(1)
        self._lock = threading.Lock()

    def intercept(self, _request: HttpRequest) -> HttpResponse | None:
        with self._lock:
            if next(self._calls) % 10 or not self.active:
                return None
            self.faults += 1
            return FAULTS[self.faults % len(FAULTS)]


def value_of(user: int, song: int) -> int:
    return 1 if (user + song) % 2 else -1


def send_crowd(service: RunningService, requests: int) -> Counter[str]:
    """Send the requests of all clients; return how often each outcome occurred."""
    with ThreadPoolExecutor(CLIENTS) as threads:
        outcomes = threads.map(partial(send_client, service, requests), range(CLIENTS))
        return sum(outcomes, Counter[str]())


def send_client(service: RunningService, requests: int, user: int) -> Counter[str]:
    """Send one client's requests on one connection."""
    outcomes = Counter[str]()
    connection = service.connect()
    for number in range(requests):
        song = number % len(SONGS)
        path = f"/v1/me/ratings/library-songs/{SONGS[song].id}"
        connection.request("GET", path, headers={"Music-User-Token": USERS[user]})
        response = connection.getresponse()
        body = response.read().decode()
        SCANNER.record("responses over HTTP", f"{response.headers}{body}")
        if response.status != 200 or f'"value":{value_of(user, song)}' not in body:
            outcomes[f"{response.status} {body}"] += 1
        elif "stale-if-error" in response.headers["Cache-Status"]:
            outcomes["stale"] += 1
        else:
            outcomes["fresh"] += 1
    connection.close()
    return outcomes


def resources(service: RunningService) -> tuple[int, int, float]:
    """Return number, file descriptors and megabytes of the processes of both functions."""
    pool = [
        child
        for child in psutil.Process(service.pid).children(recursive=True)
        if "dev.server.lambda_runtime" in child.cmdline()
    ]
    descriptors = sum(each.num_fds() for each in pool)
    return len(pool), descriptors, sum(each.memory_info().rss for each in pool) / MEGABYTE


@pytest.mark.long
def test_stale_copies_hide_apples_faults_and_resources_do_not_grow() -> None:
    faults = FaultInjector()
    ratings = {
        name: {song: value_of(user, number) for number, song in enumerate(SONGS)}
        for user, name in enumerate(USERS)
    }
    with (
        launch(ratings, intercept=faults.intercept) as apple,
        RunningService.over(apple, FRESH_SECONDS="1") as service,
    ):
        assert send_crowd(service, len(SONGS)).keys() == {"fresh"}
        # Twice, because Python's memory grows during the first run.
        faults.active = True
        send_crowd(service, REQUESTS)
        before = resources(service)
        outcomes = send_crowd(service, REQUESTS)
        after = resources(service)

    assert outcomes.keys() == {"fresh", "stale"}
    assert outcomes.total() == CLIENTS * REQUESTS
    assert faults.faults > 0
    assert (before[0], after[0]) == (5, 5)
    assert after[1] <= before[1]
    assert after[2] < before[2] + 4 * 4  # 4 MB for each process of the ratings function
