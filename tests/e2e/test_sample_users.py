"""Each sample user gets the response in docs/local.md, and a user's faults affect no other user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from dev.apple_music.sample_data import USERS
from tests.e2e.running_service import RunningService
from tests.patience import SAFETY_NET_SECONDS

SONGS = "/v1/me/ratings/library-songs"
FIRST, OTHER = f"{SONGS}/i.7PJNN4mfXlD68R", f"{SONGS}/i.SampleSong001"
STALE = "detail=stale-if-error"


def call_local(service: RunningService, method: str, path: str) -> tuple[int, bytes]:
    """Send a request whose response may contain sample tokens: the secret scan skips it."""
    connection = HTTPConnection(urlsplit(service.url).netloc, timeout=SAFETY_NET_SECONDS)
    connection.request(method, path)
    response = connection.getresponse()
    result = response.status, response.read()
    connection.close()
    return result


def reset(service: RunningService) -> None:
    assert call_local(service, "POST", "/_local/reset") == (204, b"")


@pytest.fixture
def fresh(service: RunningService) -> RunningService:
    """The running service, with the ratings that it had at its start."""
    reset(service)
    return service


@pytest.fixture(autouse=True, scope="module")
def _without_traces(service: RunningService) -> Iterator[None]:
    reset(service)
    yield
    reset(service)


def token(name: str) -> str:
    return f"sample-user-token-{name}"


@pytest.mark.parametrize(
    ("user", "target", "status", "code"),
    [
        ("new", FIRST, 404, "40400"),
        ("expired", FIRST, 403, "40300"),
        ("an-unknown-token", FIRST, 403, "40300"),
        ("no-subscription", FIRST, 401, "40191"),
        ("subscription-ended", FIRST, 400, "40015"),
        ("throttled", FIRST, 429, "42991"),
        ("down", OTHER, 502, "50290"),
        ("slow", OTHER, 504, "50490"),
    ],
)
def test_a_sample_user_gets_its_error_and_other_users_are_not_affected(
    service: RunningService, user: str, target: str, status: int, code: str
) -> None:
    response = service.request(target, token(user))
    assert (response.status, response.error_code) == (status, code)
    assert bool(response.headers["Retry-After"]) == (status == 429)
    for _ in range(4):  # one request for each shared environment; the cache is not used
        assert service.request(f"{FIRST}?include=content", token("grace")).value == -1


@pytest.mark.parametrize("user", ["down", "slow"])
def test_a_stale_copy_is_served_while_apple_fails(service: RunningService, user: str) -> None:
    response = service.request(FIRST, token(user))
    assert (response.value, response.cache.split("; ")[-1]) == (1, STALE)
    assert int(response.headers["Age"]) >= 180


def test_the_breaker_opens_if_apple_is_down_and_a_reset_closes_it(fresh: RunningService) -> None:
    songs = [f"{SONGS}/i.SampleSong00{number}" for number in range(1, 5)]
    codes = [fresh.request(song, token("down")).error_code for song in songs]
    assert codes == ["50290", "50290", "50290", "50391"]
    assert fresh.request(FIRST, token("down")).cache.startswith("hit; ttl=-")
    reset(fresh)
    assert fresh.request(songs[0], token("down")).error_code == "50290"


def test_a_write_of_the_write_unknown_user_gets_504_but_is_applied(fresh: RunningService) -> None:
    user = token("write-unknown")
    assert fresh.request(FIRST, user).value == 1
    assert fresh.put(FIRST, user, -1).error_code == "50490"
    assert fresh.request(FIRST, user).value == -1
    assert fresh.request(FIRST, user, method="DELETE").error_code == "50490"
    assert fresh.request(FIRST, user).status == 404


def test_a_library_of_300_songs_is_read_in_lists_of_100_and_by_catalog_id(
    fresh: RunningService,
) -> None:
    values = {1: 0, -1: 0}
    for first in range(1, 301, 100):
        numbers = range(first, first + 100)
        ids = ",".join(f"i.SampleSong{number:03}" for number in numbers)
        data = fresh.request(f"{SONGS}?ids={ids}", token("library")).document["data"]
        for rating in data:
            values[rating["attributes"]["value"]] += 1
    assert values == {1: 160, -1: 40}
    assert fresh.request("/v1/me/ratings/songs/1700000005", token("library")).value == -1


def test_a_reset_restores_ratings_and_stale_copies(fresh: RunningService) -> None:
    assert fresh.put(FIRST, token("grace"), 1).status == 200
    assert fresh.put(FIRST, token("down"), -1).status == 502
    assert fresh.request(FIRST, token("down")).status == 502
    reset(fresh)
    response = fresh.request(FIRST, token("grace"))
    assert (response.value, response.cache) == (-1, "fwd=miss; stored")
    assert fresh.request(FIRST, token("down")).value == 1


def test_the_services_facts_list_the_users_and_the_items(service: RunningService) -> None:
    status, body = call_local(service, "GET", "/_local/service")
    facts = json.loads(body)
    assert (status, facts["url"], facts["pid"]) == (200, service.url, service.pid)
    assert [user["token"] for user in facts["users"]] == [user.token for user in USERS]
    assert {"title": "Song 001", "ids": ["library-songs/i.SampleSong001", "songs/1700000001"]} in (
        facts["items"]
    )


@pytest.mark.parametrize(("method", "path"), [("GET", "/_local/reset"), ("GET", "/_local/")])
def test_an_unknown_method_or_path_under_local_is_a_404(
    service: RunningService, method: str, path: str
) -> None:
    assert call_local(service, method, path)[0] == 404
