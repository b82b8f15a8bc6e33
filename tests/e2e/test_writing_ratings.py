"""The whole family over HTTP: put, delete and get many, and what is read after a write."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.local_service import LocalService, Reply

ADA, GRACE = "sample-user-token-ada", "sample-user-token-grace"
RATINGS = "/v1/me/ratings"

# Nothing else reads or writes these.
ITEMS = [
    ("albums", "1440000001"),
    ("library-albums", "l.written1"),
    ("library-music-videos", "i.written2"),
    ("library-playlists", "p.written3"),
    ("library-songs", "i.written4"),
    ("music-videos", "1440000005"),
    ("playlists", "pl.u-written6"),
    ("songs", "1440000007"),
    ("stations", "ra.cp-pl.u-written_8"),
]


@pytest.fixture
def unrated(service: LocalService) -> Iterator[LocalService]:
    yield service
    for type_name, item_id in ITEMS:
        service.ask(f"{RATINGS}/{type_name}/{item_id}", ADA, method="DELETE")


def put(service: LocalService, target: str, value: int) -> Reply:
    body = json.dumps({"type": "rating", "attributes": {"value": value}}).encode()
    return service.ask(target, ADA, ("Content-Type", "application/json"), method="PUT", body=body)


@pytest.mark.parametrize(("type_name", "item_id"), ITEMS)
def test_a_client_reads_what_it_last_wrote(
    unrated: LocalService, type_name: str, item_id: str
) -> None:
    target = f"{RATINGS}/{type_name}/{item_id}"
    for value in (1, -1, 1):
        written = put(unrated, target, value)
        assert (written.status, written.value) == (200, value)
        read = unrated.ask(target, ADA)
        assert (read.status, read.value) == (200, value)
        assert read.cache is not None
        assert "hit" in read.cache

    deleted = unrated.ask(target, ADA, method="DELETE")
    assert (deleted.status, deleted.body) == (204, b"")
    assert unrated.ask(target, ADA).error_code == "40400"
    assert unrated.ask(target, ADA, method="DELETE").status == 204
    assert unrated.ask(target, GRACE).error_code == "40400"


def test_a_write_to_the_library_form_shows_on_the_catalog_form(service: LocalService) -> None:
    library, catalog = f"{RATINGS}/library-albums/l.qrRWYhq", f"{RATINGS}/albums/907242701"
    before = service.ask(catalog, ADA).value

    put(service, library, -before)

    assert service.ask(catalog, ADA).value == -before
    put(service, library, before)


def test_many_come_in_the_order_asked_without_the_unrated(service: LocalService) -> None:
    ids = "i.mmpYYzeu4J0XGD,i.neverRated,i.7PJNN4mfXlD68R"

    reply = service.ask(f"{RATINGS}/library-songs?ids={ids}", ADA)

    assert reply.status == 200
    assert [(rating["id"], rating["attributes"]["value"]) for rating in reply.document["data"]] == [
        ("i.mmpYYzeu4J0XGD", -1),
        ("i.7PJNN4mfXlD68R", 1),
    ]


def test_what_apple_left_out_is_not_asked_for_again(service: LocalService) -> None:
    target = f"{RATINGS}/songs?ids={','.join(str(2_000_000_000 + n) for n in range(100))}"

    # Grace writes nothing here, so that no write of hers has yet to settle.
    first, second = service.ask(target, GRACE), service.ask(target, GRACE)

    assert (first.status, first.document) == (200, {"data": []})
    assert first.cache == "apple-music-ratings; fwd=miss; stored"
    assert second.document == {"data": []}
    assert second.cache is not None
    assert second.cache.startswith("apple-music-ratings; hit; ttl=")


@pytest.mark.parametrize(
    ("query", "code"), [("", "40003"), ("?ids=", "40003"), ("?ids=x", "40005")]
)
def test_bad_ids_are_told_as_apple_does(service: LocalService, query: str, code: str) -> None:
    reply = service.ask(f"{RATINGS}/songs{query}", ADA)

    assert (reply.status, reply.error_code) == (400, code)
    assert reply.document["errors"][0]["source"] == {"parameter": "ids"}


@pytest.mark.parametrize("body", [b"", b"like", b'{"type":"rating","attributes":{"value":2}}'])
def test_a_body_that_is_no_rating_request_changes_nothing(
    service: LocalService, body: bytes
) -> None:
    target = f"{RATINGS}/library-songs/i.7PJNN4mfXlD68R"

    reply = service.ask(target, ADA, method="PUT", body=body)

    assert (reply.status, reply.error_code) == (400, "40091")
    assert service.ask(target, ADA).value == 1


def test_a_write_with_an_unknown_token_is_refused(service: LocalService) -> None:
    target = f"{RATINGS}/songs/907242702"

    reply = service.ask(target, "nobodys-token", method="DELETE")

    assert (reply.status, reply.error_code) == (403, "40300")


def test_relationships_come_past_the_cache(service: LocalService) -> None:
    target = f"{RATINGS}/library-songs/i.7PJNN4mfXlD68R?include=content&l=en-GB"

    for _ in range(2):
        reply = service.ask(target, ADA)
        assert reply.cache == "apple-music-ratings; fwd=bypass"
        assert "relationships" in reply.document["data"][0]
    assert "relationships" not in service.ask(target.partition("?")[0], ADA).document["data"][0]
