"""A client gets its user's ratings, first from Apple Music and then from the cache."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess

import pytest

from tests.e2e.local_service import LocalService

ADA, GRACE = "sample-user-token-ada", "sample-user-token-grace"
MISS = "apple-music-ratings; fwd=miss; stored"
HIT = re.compile(r"apple-music-ratings; hit; ttl=(60|5[0-9])")


def test_the_printed_curl_line_works_as_pasted(service: LocalService) -> None:
    program, *arguments = shlex.split(service.curl_line)
    if shutil.which(program):
        answer = subprocess.run(  # noqa: S603 - the very line that people are told to paste
            [program, *arguments], capture_output=True, check=True, text=True
        )
        assert answer.stdout.startswith("HTTP/1.1 200 OK")
        assert '"attributes":{"value":1}' in answer.stdout
    else:
        name, _, value = arguments[arguments.index("-H") + 1].partition(": ")
        target = arguments[-1].removeprefix(service.url)
        assert service.ask(target, None, (name, value)).value == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("library-songs/i.7PJNN4mfXlD68R", 1),
        ("library-albums/l.qrRWYhq", 1),
        ("library-music-videos/i.NJv00rkTEaLK51", -1),
        ("library-playlists/p.MoGJYM3CYXW09B", 1),
        ("songs/907242702", 1),
        ("albums/310730204", -1),
        ("music-videos/639322181", 1),
        ("playlists/pl.5b0194eaa170401e8986335d7e77aa4e", 1),
        ("stations/ra.978194965", 1),
        ("library-songs/i%2E7PJNN4mfXlD68R", 1),
    ],
)
def test_each_type_is_read_in_apples_shape(service: LocalService, path: str, value: int) -> None:
    reply = service.ask(f"/v1/me/ratings/{path}", ADA)
    path = path.replace("%2E", ".")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.document == {
        "data": [
            {
                "id": path.partition("/")[2],
                "type": "ratings",
                "href": f"/v1/me/ratings/{path}",
                "attributes": {"value": value},
            }
        ]
    }


def test_the_second_read_is_a_hit_and_another_user_never_sees_it(service: LocalService) -> None:
    path = "/v1/me/ratings/library-songs/i.mmpYYzeu4J0XGD"
    first, second = service.ask(path, ADA), service.ask(path, ADA)
    assert (first.value, first.cache, first.headers["Age"]) == (-1, MISS, None)
    assert second.body == first.body
    assert HIT.fullmatch(second.cache or "")
    assert 0 <= int(second.headers["Age"]) <= 10
    other = service.ask(path, GRACE)
    assert (other.status, other.error_code, other.cache) == (404, "40400", MISS)


def test_that_an_item_is_not_rated_is_remembered_too(service: LocalService) -> None:
    path = "/v1/me/ratings/songs/1440857781"
    replies = [service.ask(path, ADA) for _ in range(2)]
    assert [(reply.status, reply.error_code) for reply in replies] == [(404, "40400")] * 2
    assert replies[0].cache == MISS
    assert HIT.fullmatch(replies[1].cache or "")


def test_no_answer_may_be_kept_by_anyone_else_and_each_has_an_id(service: LocalService) -> None:
    replies = [
        service.ask("/v1/me/ratings/stations/ra.978194965", ADA),
        service.ask("/v1/me/ratings/stations/ra.1", ADA),
        service.ask("/v1/me/ratings/stations/ra.1"),
        service.ask("/nowhere", ADA),
    ]
    assert {reply.headers["Cache-Control"] for reply in replies} == {"private, no-store"}
    assert len({reply.headers["X-Request-Id"] for reply in replies}) == len(replies)


def test_a_token_that_apple_does_not_know_is_refused_as_apple_does(service: LocalService) -> None:
    reply = service.ask("/v1/me/ratings/songs/907242702", "sample-user-token-eve")
    assert (reply.status, reply.error_code) == (403, "40300")


def test_a_connection_is_kept_for_the_next_request(service: LocalService) -> None:
    connection = service.connect()
    sockets = set()
    for _ in range(3):
        headers = {"Music-User-Token": ADA}
        connection.request("GET", "/v1/me/ratings/songs/907242702", headers=headers)
        connection.getresponse().read()
        sockets.add(connection.sock)
    connection.close()
    assert len(sockets) == 1
