"""`APPLE_MUSIC_URL` and `DEVELOPER_TOKEN` put another Apple Music behind the same service."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from functions.token_rotation.signing import parse_signing_key, sign_developer_token
from local.apple_music import AppleMusic, Call
from local.developer_key import DeveloperKey
from local.http_server import HttpAnswer, HttpRequest, HttpServer
from local.ratings_store import RatingsStore, ResourceId
from tests.e2e.local_service import LocalService

EVE, MALLORY = "made-up-token-eve", "made-up-token-mallory"
SONGS = tuple(ResourceId("library-songs", f"i.song{number}") for number in range(8))


class Rendezvous:
    """Apple Music with a door: while it is `together`, requests are let in by fours."""

    def __init__(self, apple: AppleMusic) -> None:
        self.apple = apple
        self.together = False
        self._door = threading.Barrier(4)

    def answer(self, request: HttpRequest) -> HttpAnswer:
        if self.together:
            self._door.wait(timeout=5)
        return self.apple.answer(request)

    def refusal(self, status: int) -> HttpAnswer:
        return self.apple.refusal(status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    service: LocalService
    upstream: Rendezvous


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    key = DeveloperKey.generate()
    store = RatingsStore(
        items=(),
        ratings={EVE: dict.fromkeys(SONGS, 1), MALLORY: dict.fromkeys(SONGS, -1)},
        clock=time.monotonic,
    )
    upstream = Rendezvous(AppleMusic(store=store, trusted_key=key.trusted, clock=time.time))
    with HttpServer() as server:
        server.start(upstream)
        token = sign_developer_token(
            parse_signing_key(key.document), now=time.time(), life_seconds=600
        )
        service = LocalService(APPLE_MUSIC_URL=server.url, DEVELOPER_TOKEN=token)
        yield Pair(service=service, upstream=upstream)
        service.end(signal.SIGTERM)


def test_it_is_asked_instead_of_the_stand_in(pair: Pair) -> None:
    pair.upstream.apple.forget_calls()
    path = "/v1/me/ratings/library-songs/i.song0"
    assert [pair.service.ask(path, EVE).value for _ in range(2)] == [1, 1]
    assert list(pair.upstream.apple.calls) == [Call(method="GET", path=path, query="")]
    assert pair.service.ask(path, "sample-user-token-ada").status == 403


def test_bad_input_asks_it_nothing(pair: Pair) -> None:
    pair.upstream.apple.forget_calls()
    for path in ("songs/i.song0", "podcasts/1", "library-songs/.."):
        assert pair.service.ask(f"/v1/me/ratings/{path}", EVE).status == 400
    assert pair.service.ask("/v1/me/ratings/songs/1").status == 401
    assert not pair.upstream.apple.calls


def test_a_token_that_was_given_cannot_be_rotated_here(pair: Pair) -> None:
    rotated = pair.service.ops("rotate")
    assert rotated.exit_status == 1
    assert rotated.errors.startswith("error: --local has no rotation: put a new token")


def test_the_curl_line_leaves_the_token_to_the_person(pair: Pair) -> None:
    assert '"Music-User-Token: $MUSIC_USER_TOKEN"' in pair.service.curl_line


def test_four_requests_are_handled_at_the_same_time_and_none_is_mixed_up(pair: Pair) -> None:
    asked = [
        (f"/v1/me/ratings/library-songs/{song.id}", user)
        for song in SONGS[1:7]
        for user in (EVE, MALLORY)
    ]
    pair.upstream.together = True
    try:
        with ThreadPoolExecutor(len(asked)) as threads:
            replies = list(threads.map(lambda one: pair.service.ask(*one), asked))
    finally:
        pair.upstream.together = False
    assert [reply.value for reply in replies] == [1, -1] * 6
