"""Starts the stand-in for Apple Music on loopback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from dev.apple_music import sample_data
from dev.apple_music.developer_key import DeveloperKey
from dev.apple_music.faults import Fault, FaultyAppleMusic
from dev.apple_music.ratings_api import AppleMusic
from dev.apple_music.ratings_store import RatingsStore, ResourceId
from dev.http.messages import HttpRequest, HttpResponse
from dev.http.server import listen, serve, url_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningAppleMusic:
    """The stand-in at `url`; it accepts tokens signed with `key`."""

    url: str
    key: DeveloperKey
    apple_music: AppleMusic
    store: RatingsStore


@contextmanager
def launch(
    ratings: Mapping[str, Mapping[ResourceId, int]] = sample_data.RATINGS,
    *,
    items: Iterable[Iterable[ResourceId]] = sample_data.ITEMS,
    faults: Mapping[str, Fault] | None = None,
    intercept: Callable[[HttpRequest], HttpResponse | None] = lambda _request: None,
    lag_seconds: float = 0.0,
) -> Iterator[RunningAppleMusic]:
    """Run the stand-in on a free port for as long as the block lasts.

    If `intercept` returns a response to a request, the stand-in does not receive the request.
    `faults` maps user tokens to faults. A written value appears in reads `lag_seconds` later.
    """
    key = DeveloperKey.generate()
    store = RatingsStore(items=items, ratings=ratings, lag_seconds=lag_seconds)
    apple_music = AppleMusic(store=store, trusted_keys=[key], clock=time.time)
    faulty = FaultyAppleMusic(apple_music.respond, faults or {})

    def respond(request: HttpRequest) -> HttpResponse:
        return intercept(request) or faulty.respond(request)

    with listen() as listener, serve(listener, respond):
        try:
            yield RunningAppleMusic(
                url=url_of(listener), key=key, apple_music=apple_music, store=store
            )
        finally:
            faulty.stop()
