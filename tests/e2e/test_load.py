"""Fifty clients at once, while Apple Music fails one time in ten."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psutil
import pytest

from functions.token_rotation.signing import parse_signing_key, sign_developer_token
from local.apple_music import AppleMusic
from local.developer_key import DeveloperKey
from local.http_server import HttpAnswer, HttpRequest, HttpServer
from local.ratings_store import RatingsStore, ResourceId
from tests.canaries.ledger import LEDGER
from tests.e2e.local_service import LocalService
from tests.patience import SAFETY_NET_SECONDS

CLIENTS = 50
REQUESTS = 30
SONGS = tuple(ResourceId("library-songs", f"i.song{number}") for number in range(4))
USERS = tuple(f"made-up-token-{number}" for number in range(CLIENTS))
MEGABYTE = 1_000_000

FAULTS = (
    HttpAnswer(status=500),
    HttpAnswer(status=503, headers=(("Retry-After", "1"),)),
    HttpAnswer(status=429),
    HttpAnswer(status=200, headers=(("Content-Type", "text/html"),), body=b"<html>"),
    HttpAnswer(status=302, headers=(("Location", "https://elsewhere.test/"),)),
)


class FaultyApple:
    """Apple Music whose every tenth answer, once it is `failing`, is a fault of some kind."""

    def __init__(self, apple: AppleMusic) -> None:
        self._apple = apple
        self._faults = itertools.cycle(FAULTS)
        self._lock = threading.Lock()
        self.failing = False
        self.calls = 0
        self.faults = 0

    def answer(self, request: HttpRequest) -> HttpAnswer:
        with self._lock:
            self.calls += 1
            if self.failing and self.calls % 10 == 0:
                self.faults += 1
                return next(self._faults)
        return self._apple.answer(request)

    def refusal(self, status: int) -> HttpAnswer:
        return self._apple.refusal(status)


@dataclass
class Outcomes:
    """What a crowd of clients was told."""

    statuses: Counter[int] = field(default_factory=Counter)
    caches: Counter[str] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Held:
    """What the processes of the ratings function hold."""

    processes: int
    descriptors: int
    megabytes: float


def value_of(user: int, song: int) -> int:
    return 1 if (user + song) % 2 else -1


class Crowd:
    def __init__(self, service: LocalService) -> None:
        self._service = service
        self.outcomes = Outcomes()
        self._lock = threading.Lock()

    def ask(self, requests: int) -> Outcomes:
        with ThreadPoolExecutor(CLIENTS) as threads:
            for told in threads.map(lambda user: self._client(user, requests), range(CLIENTS)):
                self.outcomes.statuses += told.statuses
                self.outcomes.caches += told.caches
                self.outcomes.strange += told.strange
                self.outcomes.seconds += told.seconds
        return self.outcomes

    def _client(self, user: int, requests: int) -> Outcomes:
        """One client, on one connection that it keeps."""
        told = Outcomes()
        connection = self._service.connect()
        for number in range(requests):
            song = number % len(SONGS)
            started = time.monotonic()
            connection.request(
                "GET",
                f"/v1/me/ratings/library-songs/{SONGS[song].id}",
                headers={"Music-User-Token": USERS[user]},
            )
            answer = connection.getresponse()
            body = answer.read().decode()
            told.seconds.append(time.monotonic() - started)
            LEDGER.record("answers over HTTP", f"{answer.headers}{body}")
            cache = answer.headers["Cache-Status"].removeprefix("apple-music-ratings; ")
            told.statuses[answer.status] += 1
            told.caches["stale-if-error" if "stale-if-error" in cache else cache.split(";")[0]] += 1
            if answer.status == 200 and f'"value":{value_of(user, song)}' not in body:
                told.strange.append(body)
        connection.close()
        return told


@dataclass
class Stage:
    service: LocalService
    apple: FaultyApple

    def held(self) -> Held:
        environments = [
            child
            for child in psutil.Process(self.service.pid).children(recursive=True)
            if "local.runtime" in child.cmdline()
        ]
        return Held(
            processes=len(environments),
            descriptors=sum(each.num_fds() for each in environments),
            megabytes=sum(each.memory_info().rss for each in environments) / MEGABYTE,
        )


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    key = DeveloperKey.generate()
    ratings = {
        name: {song: value_of(user, number) for number, song in enumerate(SONGS)}
        for user, name in enumerate(USERS)
    }
    store = RatingsStore(items=(), ratings=ratings, clock=time.monotonic)
    apple = FaultyApple(AppleMusic(store=store, trusted_key=key.trusted, clock=time.time))
    with HttpServer() as server:
        server.start(apple)
        token = sign_developer_token(
            parse_signing_key(key.document), now=time.time(), life_seconds=3_600
        )
        service = LocalService(APPLE_MUSIC_URL=server.url, DEVELOPER_TOKEN=token, FRESH_SECONDS="1")
        yield Stage(service=service, apple=apple)
        service.end(signal.SIGTERM)


@pytest.mark.long
def test_where_there_is_a_copy_nobody_notices_that_apple_fails_and_nothing_grows(
    stage: Stage,
) -> None:
    warm = Crowd(stage.service).ask(len(SONGS))
    assert set(warm.statuses) == {200}
    # Twice: Python itself takes a while to have all the memory that it will use.
    stage.apple.failing = True
    Crowd(stage.service).ask(REQUESTS)
    before = stage.held()

    told = Crowd(stage.service).ask(REQUESTS)

    after = stage.held()
    assert told.statuses == {200: CLIENTS * REQUESTS}
    assert told.strange == []
    assert told.caches["stale-if-error"] > 0
    assert stage.apple.faults > 0
    assert max(told.seconds) < SAFETY_NET_SECONDS
    assert (after.processes, before.processes) == (4, 4)
    assert after.descriptors <= before.descriptors
    assert after.megabytes < before.megabytes + 4 * 4
    print(  # noqa: T201 - figures for whoever runs it with -s
        f"\n{len(told.seconds)} requests, {sorted(told.seconds)[len(told.seconds) // 2]:.3f} s "
        f"in the middle, {max(told.seconds):.3f} s at most; {dict(told.caches)}; "
        f"{stage.apple.faults} faults in {stage.apple.calls} calls; {before} then {after}"
    )
