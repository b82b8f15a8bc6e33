"""A client reads its user's ratings, first from Apple Music and then from the cache."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess

import pytest

from tests.e2e.running_service import RunningService

ADA, GRACE = "sample-user-token-ada", "sample-user-token-grace"
MISS = "fwd=miss; stored"
HIT = re.compile(r"hit; ttl=(60|5[0-9])")


def test_the_printed_curl_line_works_as_pasted(service: RunningService) -> None:
    program, *arguments = shlex.split(service.curl_line)
    if shutil.which(program):
        response = subprocess.run(  # noqa: S603 - the line that the service prints
            [program, *arguments], capture_output=True, check=True, text=True
        )
        assert response.stdout.startswith("HTTP/1.1 200 OK")
        assert '"attributes":{"value":1}' in response.stdout
    else:
        name, _, value = arguments[arguments.index("-H") + 1].partition(": ")
        target = arguments[-1].removeprefix(service.url)
        assert service.request(target, None, (name, value)).value == 1


@pytest.mark.parametrize("id_", ["i.7PJNN4mfXlD68R", "i%2E7PJNN4mfXlD68R"])
def test_a_rating_is_read_in_apples_shape(service: RunningService, id_: str) -> None:
    response = service.request(f"/v1/me/ratings/library-songs/{id_}", ADA)
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Status"].startswith("apple-music-ratings; ")
    assert response.document == {
        "data": [
            {
                "id": "i.7PJNN4mfXlD68R",
                "type": "ratings",
                "href": "/v1/me/ratings/library-songs/i.7PJNN4mfXlD68R",
                "attributes": {"value": 1},
            }
        ]
    }


def test_each_users_second_read_is_a_hit_with_only_that_users_rating(
    service: RunningService,
) -> None:
    path = "/v1/me/ratings/library-songs/i.mmpYYzeu4J0XGD"
    first, second = service.request(path, ADA), service.request(path, ADA)
    assert (first.value, first.cache, first.headers["Age"]) == (-1, MISS, None)
    assert second.body == first.body
    assert HIT.fullmatch(second.cache)
    assert 0 <= int(second.headers["Age"]) <= 10
    others = [service.request(path, GRACE) for _ in range(2)]
    assert [(other.status, other.error_code) for other in others] == [(404, "40400")] * 2
    assert HIT.fullmatch(others[1].cache)


def test_a_list_is_in_the_requested_order_without_unrated_ids(service: RunningService) -> None:
    ids = "i.mmpYYzeu4J0XGD,i.neverRated,i.7PJNN4mfXlD68R"
    response = service.request(f"/v1/me/ratings/library-songs?ids={ids}", ADA)
    assert response.status == 200
    ratings = response.document["data"]
    assert [(rating["id"], rating["attributes"]["value"]) for rating in ratings] == [
        ("i.mmpYYzeu4J0XGD", -1),
        ("i.7PJNN4mfXlD68R", 1),
    ]
