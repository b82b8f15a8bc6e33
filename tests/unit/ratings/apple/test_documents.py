import json
import tracemalloc
from typing import Any

import pytest

from functions.ratings.apple.documents import (
    confirms,
    contains_any,
    rating_request,
    ratings_document,
    read_ratings,
)
from functions.ratings.errors import InvalidAppleResponseError
from functions.ratings.models import NOT_RATED, Rating, RatingKey, rating_of
from tests.fakes.apple_music import rating

JSON = "application/json;charset=utf-8"
SONG = RatingKey(type="library-songs", id="i.a")
LIKED = json.dumps({"data": [rating("i.a")]}).encode()


def key(item_id: str) -> RatingKey:
    return RatingKey(type="library-songs", id=item_id)


def read(
    *resources: Any, ids: tuple[str, ...] = ("i.a",), bare: bool = True, **members: Any
) -> dict[str, Rating]:
    body = json.dumps({"data": list(resources), **members}).encode()
    ratings = read_ratings(body, JSON, [key(item_id) for item_id in ids], bare=bare)
    return {key.id: rating for key, rating in ratings.items()}


def test_without_include_and_extend_a_resource_is_rebuilt_from_type_id_and_value() -> None:
    resource = {**rating("i.a", -1, unknown="x"), "href": "https://elsewhere.test/"}

    assert read(resource) == {"i.a": rating_of(key("i.a"), -1)}


def test_a_resource_with_included_parts_is_returned_as_apple_sent_it() -> None:
    resource = rating("i.a", -1, unknown={"kept": [1, "ß", None]})

    assert read(resource, bare=False)["i.a"].resource == json.dumps(resource, separators=(",", ":"))


def test_an_omitted_id_and_an_id_without_a_value_or_with_0_are_not_rated() -> None:
    without_value = {**rating("i.b"), "attributes": {}}
    without_attributes = {"id": "i.c", "type": "ratings"}
    ids = ("i.a", "i.b", "i.c", "i.d")

    ratings = read(without_value, without_attributes, rating("i.d", 0), ids=ids)

    assert ratings == dict.fromkeys(ids, NOT_RATED)
    assert read_ratings(b'{"data":null}', JSON, [SONG], bare=True) == {SONG: NOT_RATED}


@pytest.mark.parametrize("member", [{"next": "/v1/me/ratings"}, {"errors": [{"code": "50000"}]}])
def test_with_errors_or_next_only_rated_ids_are_returned(member: dict[str, Any]) -> None:
    ratings = read(rating("i.a"), rating("i.b", 0), ids=("i.a", "i.b", "i.c"), **member)

    assert ratings == {"i.a": rating_of(key("i.a"), 1)}


def test_an_id_may_come_back_with_the_catalog_prefix() -> None:
    assert read(rating("r.1"), ids=("1",)) == {"1": rating_of(key("1"), 1)}
    assert read(rating("r.1"), ids=("1",), bare=False)["1"].is_rated


INVALID_VALUES: list[object] = [5, 2, "1", True, False, None, 1.0, 0.0, [1], {}]


@pytest.mark.parametrize(
    "resources",
    [
        *(
            [rating("i.a"), {**rating("i.a"), "id": other}]
            for other in ("i.b", "r.r.i.a", "R.i.a", "i.a ", 7, None)
        ),
        [rating("i.a"), rating("r.i.a", -1)],
        *([rating("i.a", value)] for value in INVALID_VALUES),
    ],
)
def test_an_unrequested_id_a_repeated_id_and_an_unknown_value_are_invalid(
    resources: list[Any],
) -> None:
    with pytest.raises(InvalidAppleResponseError):
        read(*resources)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html></html>", b"{", b"[]", b"null", b"[" * 200_000, b"[" * 50_000),
        *(b'{"data":0}', b'{"errors":[]}', b'{"data":{}}', b'{"data":["i.a"]}'),
        b'{"data":[{"id":"i.a","type":"songs"}]}',
        b'{"data":[{"id":"i.a","type":"ratings","attributes":[]}]}',
        b'{"data":[{"id":"i.a","type":"ratings","x":NaN}]}',
        b'{"data":[{"id":"i.a","type":"ratings","attributes":{"value":1},"x":1e999}]}',
        b'{"data":[{"id":"i.a","type":"ratings","x":' + b"9" * 5000 + b"}]}",
        b'{"data":[{"id":"\xff","type":"ratings"}]}',
        b"\xef\xbb\xbf" + b'{"data":[]}',
    ],
    ids=lambda body: repr(body[:60]),
)
def test_a_body_that_is_not_a_ratings_response_is_invalid(body: bytes) -> None:
    with pytest.raises(InvalidAppleResponseError):
        read_ratings(body, JSON, [SONG], bare=False)


def test_a_body_of_another_content_type_is_invalid_and_confirms_no_put() -> None:
    with pytest.raises(InvalidAppleResponseError):
        read_ratings(LIKED, "text/html", [SONG], bare=True)
    assert not confirms(LIKED, "text/html", SONG, 1)
    assert not confirms(b"{}", "text/html", SONG, 1)
    assert read_ratings(LIKED, "", [SONG], bare=True)[SONG].is_rated


HEAD = b'{"data":[{"id":"i.a","type":"ratings","attributes":{"value":1},"x":['
MAX_BYTES, MAX_MEMORY_BYTES = 1_572_864, 16 * 2**20
UNITS = ["[],", "{},", '"ab",', '"é😀",', "1.5,", "99999,", '{"a":"b"},', '"x\\u0041",']


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("size", [MAX_BYTES, 65_000])
def test_reading_a_hostile_body_takes_bounded_memory(unit: str, size: int) -> None:
    parts = unit.encode() * (size // len(unit.encode()))
    wide = '"' + "😀" + "a" * (MAX_BYTES - len(HEAD) - len(parts)) + '"'
    body = HEAD + parts + wide.encode() + b"]}]}"
    tracemalloc.start()
    try:
        read_ratings(body, JSON, [SONG], bare=False)
    except InvalidAppleResponseError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < MAX_MEMORY_BYTES


def test_a_hundred_resources_with_included_parts_are_read() -> None:
    parts = {"name": "x" * 40, "genres": ["Pop", "Rock"], "notes": "Lorem ipsum, dolor " * 550}
    keys = [key(f"i.{number}") for number in range(100)]
    resources = [rating(key.id, relationships={"content": parts}) for key in keys]
    body = json.dumps({"data": resources}).encode()

    assert 1_000_000 < len(body) < MAX_BYTES
    assert all(rating.is_rated for rating in read_ratings(body, JSON, keys, bare=False).values())


TOKEN = "a\"b\\c/+d=<1>%2F&'"


@pytest.mark.parametrize(
    "form",
    [
        json.dumps(TOKEN)[1:-1],
        json.dumps(TOKEN)[1:-1].replace("/", "\\/"),
        "".join(f"\\u{ord(character):04x}" for character in TOKEN),
        "".join(f"\\u{ord(character):04X}" for character in TOKEN),
        "a%22b%5Cc%2F%2Bd%3D%3C1%3E%252F%26%27",
    ],
)
def test_a_token_is_found_in_each_encoding(form: str) -> None:
    assert contains_any(f'{{"data":[{{"x":"and {form}, too"}}]}}'.encode(), ("other", TOKEN))


def test_no_token_is_found_in_a_body_without_one() -> None:
    assert not contains_any(b'{"data":[{"x":"\\u0061\\u00e9\xff"}]}', (TOKEN, "b"))


@pytest.mark.parametrize(
    ("is_confirmed", "body"),
    [
        *((True, body) for body in (b"", b"{}", b' { "data" : [] } ', b'{"data":null}', LIKED)),
        (True, json.dumps({"data": [rating("r.i.a")], "next": "x"}).encode()),
        *((False, body) for body in (None, b"[]", b"<html>", b'{"message":"accepted"}')),
        (False, b'{"data":[],"errors":[]}'),
        (False, b'{"data":[{"id":"i.a","type":"ratings"}]}'),
        *(
            (False, json.dumps({"data": [other]}).encode())
            for other in (rating("i.a", -1), rating("i.a", 0), rating("i.b"))
        ),
    ],
)
def test_only_an_empty_response_or_the_written_value_confirms_a_put(
    is_confirmed: bool, body: bytes | None
) -> None:
    assert confirms(body, JSON, SONG, 1) is is_confirmed


def test_documents_are_written_in_apples_form() -> None:
    ratings = [rating_of(SONG, -1), NOT_RATED, Rating(1, '{"id":"b"}')]

    assert json.loads(ratings_document(ratings)) == {"data": [rating("i.a", -1), {"id": "b"}]}
    assert ratings_document([NOT_RATED]) == '{"data":[]}'
    assert json.loads(rating_request(-1)) == {"type": "ratings", "attributes": {"value": -1}}
