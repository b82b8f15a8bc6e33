"""With `APPLE_MUSIC_URL` and `DEVELOPER_TOKEN`, the service calls another Apple Music."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from dev.apple_music.launcher import launch
from dev.apple_music.ratings_store import ResourceId
from dev.http.messages import HttpRequest
from tests.e2e.running_service import RunningService

EVE, MALLORY = "made-up-token-eve", "made-up-token-mallory"
SONGS = tuple(ResourceId("library-songs", f"i.song{number}") for number in range(6))


def test_four_requests_are_handled_at_once_and_no_response_goes_to_another_user() -> None:
    ratings = {EVE: dict.fromkeys(SONGS, 1), MALLORY: dict.fromkeys(SONGS, -1)}
    requests = [
        (f"/v1/me/ratings/library-songs/{song.id}", user) for song in SONGS for user in ratings
    ]
    barrier = threading.Barrier(4)

    def wait_for_three_others(_request: HttpRequest) -> None:
        barrier.wait(timeout=5)

    with (
        launch(ratings, intercept=wait_for_three_others) as apple,
        RunningService.over(apple) as service,
        ThreadPoolExecutor(len(requests)) as threads,
    ):
        responses = list(threads.map(lambda one: service.request(*one), requests))

    assert [response.value for response in responses] == [1, -1] * len(SONGS)
    # No sample user exists here, so the printed command has a variable instead of a token.
    assert '"Music-User-Token: $MUSIC_USER_TOKEN"' in service.curl_line
