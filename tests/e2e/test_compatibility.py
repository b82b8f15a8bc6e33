"""Requests as published clients write them: docs/compatibility.md names these tests."""

from __future__ import annotations

import json

import pytest

from tests.e2e.running_service import RunningService

ADA = "sample-user-token-ada"
LIST = "/v1/me/ratings/library-songs"
SONG, DISLIKED = "i.7PJNN4mfXlD68R", "i.mmpYYzeu4J0XGD"
WRITTEN = "/v1/me/ratings/songs/1440000201"  # no other test uses this song
LIKE = {"type": "rating", "attributes": {"value": 1}}


@pytest.mark.parametrize(
    "query",
    [
        f"ids={SONG},{DISLIKED}",
        f"ids={SONG}%2C{DISLIKED}",
        f"ids={SONG},,{DISLIKED},{SONG},",
        f"ids={SONG}&ids={DISLIKED}",
        f"ids[]={SONG}&ids[]={DISLIKED}",
        f"ids%5B%5D={SONG}&ids%5B%5D={DISLIKED}",
    ],
)
def test_a_list_of_ids_may_be_written_in_every_usual_way(
    service: RunningService, query: str
) -> None:
    response = service.request(f"{LIST}?{query}", ADA)

    assert [rating["id"] for rating in response.document["data"]] == [SONG, DISLIKED]


def test_a_list_of_unrated_items_is_empty(service: RunningService) -> None:
    response = service.request(f"{LIST}?ids=i.unrated1,i.unrated2", ADA)

    assert (response.status, response.document) == (200, {"data": []})


@pytest.mark.parametrize(("query", "code"), [("", "40003"), ("?ids=", "40005")])
def test_a_list_without_ids_has_apples_error(
    service: RunningService, query: str, code: str
) -> None:
    error = service.request(LIST + query, ADA).error

    assert (error["code"], error["source"]) == (code, {"parameter": "ids"})


@pytest.mark.parametrize(
    "query",
    [
        "l=en-GB",
        "l=en_US",
        "l=",
        "include=",
        "platform=web&art%5Burl%5D=f&omit%5Bresource%5D=autos&limit=100&offset=0&views=x",
    ],
)
def test_a_parameter_that_changes_no_rating_is_accepted(
    service: RunningService, query: str
) -> None:
    assert service.request(f"{LIST}/{SONG}?{query}", ADA).value == 1


@pytest.mark.parametrize(
    "header",
    [
        ("Authorization", "Bearer a-developer-token"),
        ("Accept-Language", "de-DE,de;q=0.9"),
        ("Accept", "text/html"),
        ("Origin", "https://music.apple.com"),
        ("If-None-Match", "*"),
        ("Range", "bytes=0-1"),
    ],
)
def test_a_header_that_apples_clients_send_changes_nothing(
    service: RunningService, header: tuple[str, str]
) -> None:
    response = service.request(f"{LIST}/{SONG}", ADA, header)

    assert (response.status, response.value) == (200, 1)


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded"],
)
@pytest.mark.parametrize(
    "body",
    [
        {"type": "rating", "attributes": {"value": 1}},
        {"type": "ratings", "attributes": {"value": 1}, "id": "1440000201"},
        {"attributes": {"value": 1.0}},
    ],
)
def test_a_rating_request_is_accepted_under_any_content_type(
    service: RunningService, content_type: str | None, body: object
) -> None:
    headers = [("Content-Type", content_type)] if content_type else []

    response = service.request(WRITTEN, ADA, *headers, method="PUT", body=json.dumps(body).encode())

    assert (response.status, response.value) == (200, 1)


@pytest.mark.parametrize(
    "body",
    [
        {"type": "songs", "attributes": {"value": 1}},
        *({"type": "rating", "attributes": {"value": value}} for value in (0, 100, "1", True)),
        {**LIKE, "x": "x" * 1024},  # too long
    ],
)
def test_a_put_whose_body_is_not_a_rating_request_is_rejected(
    service: RunningService, body: object
) -> None:
    response = service.request(WRITTEN, ADA, method="PUT", body=json.dumps(body).encode())

    assert (response.status, response.error_code) == (400, "40091")


@pytest.mark.parametrize("target", [f"{LIST}/{SONG}", f"{LIST}?ids={SONG}", f"{LIST}/i.unrated1"])
def test_head_has_the_headers_of_get_and_no_body(service: RunningService, target: str) -> None:
    get, head = (service.request(target, ADA, method=method) for method in ("GET", "HEAD"))

    assert (head.status, head.body) == (get.status, b"")
    assert set(head.headers) - {"Age"} == set(get.headers) - {"Age"}
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
