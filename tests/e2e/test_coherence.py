"""Many users at four processes of the function, while Apple Music shows writes late."""

from __future__ import annotations

import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from dev.apple_music.launcher import RunningAppleMusic, launch
from dev.apple_music.ratings_store import ResourceId
from dev.apple_music.sample_data import ITEMS
from tests.e2e.running_service import RunningService

LAG_SECONDS: Final = 1.5
TRAFFIC_SECONDS: Final = 4.0
LEAST_ROUNDS: Final = 2
SETTLING_SECONDS: Final = 5.0
RATINGS: Final = "/v1/me/ratings"

USERS: Final = tuple(f"made-up-token-{number}" for number in range(8))
OVERLAPPING: Final = USERS[:3]
"""Each of these users writes with two devices at once."""

LIBRARY, CATALOG = ITEMS[0]
SONGS: Final = (LIBRARY, *(ResourceId(LIBRARY.type, f"i.song{number}") for number in range(9)))
"""Ten, because the function promises to return the last ten written."""


def rate(service: RunningService, user: str, song: ResourceId, value: int | None) -> None:
    target = f"{RATINGS}/{song.type}/{song.id}"
    if value is None:
        assert service.request(target, user, method="DELETE").status == 204
    else:
        assert service.put(target, user, value).status == 200


def read(
    service: RunningService, user: str, *songs: ResourceId
) -> tuple[dict[ResourceId, int | None], str]:
    """Read one song, or several as a list; return the values and Cache-Status."""
    ids, target = [song.id for song in songs], f"{RATINGS}/{songs[0].type}"
    target += f"?ids={','.join(ids)}" if len(ids) > 1 else f"/{ids[0]}"
    response = service.request(target, user)
    rated = response.document.get("data", [])
    assert response.status == 200 or response.error_code == "40400"
    values = {each["id"]: each["attributes"]["value"] for each in rated}
    return {song: values.get(song.id) for song in songs}, response.cache


def use_device(service: RunningService, user: str, seed: int) -> list[object]:
    """Write songs and then read them; return each read that did not return what was written."""
    chance, written, wrong = random.Random(seed), dict[ResourceId, int | None](), list[object]()
    end, rounds = time.monotonic() + TRAFFIC_SECONDS, 0
    while time.monotonic() < end or rounds < LEAST_ROUNDS:
        rounds += 1
        for song in chance.sample(SONGS, 3):
            written[song] = chance.choice((1, -1, None))
            rate(service, user, song, written[song])
        for songs in (tuple(written), (chance.choice(tuple(written)),)):
            values, cache = read(service, user, *songs)
            # While DynamoDB does not respond, the promises do not apply.
            if cache != "fwd=bypass" and values != {song: written[song] for song in songs}:
                wrong.append((user, written.copy(), values, cache))
    return wrong


def stale_reads(service: RunningService, apple: RunningAppleMusic, user: str) -> list[object]:
    """Read every song, first from Apple and then from the cache; return reads of old values."""
    return [
        (user, values, cache)
        for songs in (SONGS, (CATALOG,), SONGS, (LIBRARY,), (CATALOG,))
        for values, cache in [read(service, user, *songs)]
        if values != {song: apple.store.rating(user, song) for song in songs}
    ]


@pytest.mark.long
def test_users_read_their_own_writes_and_nothing_old_from_four_processes() -> None:
    with launch({user: {} for user in USERS}, lag_seconds=LAG_SECONDS) as apple:
        service = RunningService.over(apple, LOG="json")
        try:
            with ThreadPoolExecutor(len(USERS) + len(OVERLAPPING)) as threads:
                devices = [
                    (user, threads.submit(use_device, service, user, seed))
                    for seed, user in enumerate((*USERS, *OVERLAPPING))
                ]
            wrong_reads = [
                each
                for user, device in devices
                for each in device.result()
                if user not in OVERLAPPING
            ]
            time.sleep(SETTLING_SECONDS)
            with ThreadPoolExecutor(len(USERS)) as threads:
                reads = threads.map(lambda user: stale_reads(service, apple, user), USERS)
                stale = [each for user_reads in reads for each in user_reads]
        finally:
            ended = service.end(signal.SIGTERM)

    if "CacheInvalidationFailed" in ended.stderr:
        pytest.skip("DynamoDB was too slow on this machine: the promises do not apply")
    assert wrong_reads == []
    assert stale == []
