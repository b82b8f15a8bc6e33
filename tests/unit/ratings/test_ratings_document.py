import json
import tracemalloc
from typing import Any

import pytest

from functions.ratings.errors import AppleAnswerUnusableError
from functions.ratings.models import NOT_RATED, Rating, RatingKey
from functions.ratings.ratings_document import (
    is_clear_answer,
    is_page,
    proves_absence,
    rating_request,
    ratings_document,
    read_error_code,
    read_ratings,
    repeats,
    write_rating,
)
from tests.canaries.encodings import ENCODINGS
from tests.fakes.apple_music import rating

JSON = "application/json;charset=utf-8"
SONG = RatingKey(type="library-songs", id="i.a")


def key(item_id: str) -> RatingKey:
    return RatingKey(type="library-songs", id=item_id)


def read(
    *resources: Any, ids: tuple[str, ...] = ("i.a",), bare: bool = True, **members: Any
) -> dict[str, Rating]:
    body = json.dumps({"data": list(resources), **members}).encode()
    ratings = read_ratings(body, JSON, [key(item_id) for item_id in ids], bare=bare)
    return {key.id: rating for key, rating in ratings.items()}


def test_a_resource_with_included_parts_passes_as_apple_wrote_it() -> None:
    resource = rating("i.a", -1, unknown={"kept": [1, "ß", None]})

    kept = read(resource, bare=False)["i.a"].resource

    assert kept is not None
    assert json.loads(kept) == resource
    assert kept == json.dumps(resource, separators=(",", ":"))


def test_a_bare_resource_is_rebuilt_from_type_id_and_value() -> None:
    resource = {**rating("i.a", -1, unknown="x"), "href": "https://elsewhere.test/"}

    assert read(resource) == {"i.a": write_rating(key("i.a"), -1)}


def test_an_id_that_is_left_out_or_has_no_value_or_0_is_not_rated() -> None:
    without_value = {**rating("i.b"), "attributes": {}}
    without_attributes = {"id": "i.c", "type": "ratings"}

    ratings = read(
        without_value, without_attributes, rating("i.d", 0), ids=("i.a", "i.b", "i.c", "i.d")
    )

    assert ratings == dict.fromkeys(("i.a", "i.b", "i.c", "i.d"), NOT_RATED)


def test_data_of_null_is_an_empty_list() -> None:
    assert read_ratings(b'{"data":null}', JSON, [SONG], bare=True) == {SONG: NOT_RATED}


@pytest.mark.parametrize("member", [{"next": "/v1/me/ratings"}, {"errors": [{"code": "50000"}]}])
def test_a_document_with_errors_or_next_proves_no_id_not_rated(member: dict[str, Any]) -> None:
    ratings = read(rating("i.a"), rating("i.b", 0), ids=("i.a", "i.b", "i.c"), **member)

    assert ratings == {"i.a": write_rating(key("i.a"), 1)}


@pytest.mark.parametrize("bare", [True, False])
def test_an_id_may_come_back_with_the_catalog_prefix(bare: bool) -> None:
    assert read(rating("r.907242702"), ids=("907242702",), bare=bare)["907242702"].is_rated


def test_a_rebuilt_resource_has_the_id_of_the_request() -> None:
    assert read(rating("r.1"), ids=("1",)) == {"1": write_rating(key("1"), 1)}


@pytest.mark.parametrize("other", ["i.b", "r.r.i.a", "R.i.a", "i.a ", 7, None])
def test_an_id_that_was_not_asked_for_spoils_the_answer(other: object) -> None:
    with pytest.raises(AppleAnswerUnusableError):
        read(rating("i.a"), {**rating("i.a"), "id": other})


def test_an_id_twice_spoils_the_answer() -> None:
    with pytest.raises(AppleAnswerUnusableError):
        read(rating("907242702"), rating("r.907242702", -1), ids=("907242702",))


@pytest.mark.parametrize("value", [5, 2, "1", True, False, None, 1.0, 0.0, [1], {}])
def test_a_value_is_one_or_zero_or_minus_one(value: object) -> None:
    with pytest.raises(AppleAnswerUnusableError):
        read(rating("i.a", value))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"{",
        b"[]",
        b"null",
        b'{"data":0}',
        b'{"errors":[]}',
        b'{"data":{}}',
        b'{"data":["i.a"]}',
        b'{"data":[{"id":"i.a","type":"songs"}]}',
        b'{"data":[{"id":"i.a","type":"ratings","attributes":[]}]}',
        b'{"data":[{"id":"i.a","type":"ratings","x":NaN}]}',
        b'{"data":[{"id":"i.a","type":"ratings","attributes":{"value":1},"x":1e999}]}',
        b'{"data":[{"id":"i.a","type":"ratings","x":' + b"9" * 5000 + b"}]}",
        b'{"data":[{"id":"\xff","type":"ratings"}]}',
        b"\xef\xbb\xbf" + b'{"data":[]}',
        b"[" * 200_000,
        b"[" * 50_000,
    ],
)
def test_a_body_that_is_no_ratings_response_is_unusable(body: bytes) -> None:
    with pytest.raises(AppleAnswerUnusableError):
        read_ratings(body, JSON, [SONG], bare=False)


HEAD = b'{"data":[{"id":"i.a","type":"ratings","attributes":{"value":1},"x":['
MOST_BYTES, MOST_MEMORY = 1_572_864, 16 * 2**20


@pytest.mark.parametrize(
    "unit",
    [
        b"[],",
        b"{},",
        b'"ab",',
        '"é😀",'.encode(),
        b"1.5,",
        b"99999,",
        b'{"a":"b"},',
        b'"x\\u0041",',
    ],
)
@pytest.mark.parametrize("size", [MOST_BYTES, 65_000])
def test_reading_a_hostile_body_takes_bounded_memory(unit: bytes, size: int) -> None:
    parts = unit * (size // len(unit))
    wide = '"' + "😀" + "a" * (MOST_BYTES - len(HEAD) - len(parts)) + '"'
    body = HEAD + parts + wide.encode() + b"]}]}"
    tracemalloc.start()
    try:
        read_ratings(body, JSON, [SONG], bare=False)
    except AppleAnswerUnusableError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < MOST_MEMORY


def test_a_hundred_resources_with_included_parts_are_read() -> None:
    parts = {"name": "x" * 40, "genres": ["Pop", "Rock"], "notes": "Lorem ipsum, dolor " * 550}
    keys = [key(f"i.{number}") for number in range(100)]
    resources = [rating(key.id, relationships={"content": parts}) for key in keys]
    body = json.dumps({"data": resources}).encode()

    assert 1_000_000 < len(body) < MOST_BYTES
    assert all(rating.is_rated for rating in read_ratings(body, JSON, keys, bare=False).values())


def test_a_body_of_another_type_is_unusable_whatever_it_holds() -> None:
    with pytest.raises(AppleAnswerUnusableError):
        read_ratings(b'{"data":[]}', "text/html", [SONG], bare=True)
    assert read_ratings(b'{"data":[]}', "", [SONG], bare=True) == {SONG: NOT_RATED}


def test_a_document_holds_what_is_rated_in_order() -> None:
    ratings = [Rating('{"id":"b"}'), NOT_RATED, Rating('{"id":"a"}')]

    assert ratings_document(ratings) == '{"data":[{"id":"b"},{"id":"a"}]}'
    assert ratings_document([NOT_RATED]) == '{"data":[]}'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"errors":[{"code":"40015"},{"code":"40003"}]}', "40015"),
        (b'{"errors":[{"code":"secret"}]}', None),
        (b'{"errors":[{"code":40015}]}', None),
        (b'{"errors":[]}', None),
        (b'{"errors":{}}', None),
        (b'{"message":"API capacity exceeded"}', None),
        (b"", None),
        (b"7", None),
        (b"[" * 200_000, None),
        (None, None),
    ],
)
def test_apples_code_is_read_only_if_it_is_one(body: bytes | None, code: str | None) -> None:
    assert read_error_code(body) == code


@pytest.mark.parametrize(
    ("body", "proof"),
    [
        (b"", True),
        (b'{"errors":[{"code":"40400"}]}', True),
        (b'{"errors":[{"code":"40403"}]}', True),
        (b'{"errors":[{"code":"a new one"}]}', True),
        (b'{"errors":[{"code":"40401"}]}', False),
        (b'{"errors":[{"code":"40400"},{"code":"40401"}]}', False),
        (b'{"errors":[{"code":40400}]}', False),
        (b'{"errors":[{}]}', False),
        (b'{"errors":[]}', False),
        (b"{}", False),
        (b'{"data":[]}', False),
        (b"<html></html>", False),
        (b"Not Found", False),
        (b"\xff", False),
        (b"[" * 50_000, False),
        (None, False),
    ],
)
def test_only_an_empty_404_or_one_with_apples_codes_proves_not_rated(
    body: bytes | None, proof: bool
) -> None:
    assert proves_absence(body) is proof


@pytest.mark.parametrize(
    ("body", "content_type", "page"),
    [
        (b"<html></html>", "text/html", True),
        (b" \r\n<!DOCTYPE html>", "", True),
        (b"Access denied", "Text/HTML; charset=utf-8", True),
        (b"Access denied", "text/plain", False),
        (b'{"errors":[{"code":"40300"}]}', "text/html", False),
        (b'{"message":"no"}', JSON, False),
        (b"", "text/html", False),
        (None, "text/html", False),
    ],
)
def test_an_error_is_an_edges_page_only_if_it_is_html(
    body: bytes | None, content_type: str, page: bool
) -> None:
    assert is_page(body, content_type) is page


TOKEN = "a\"b\\c/+d=<1>%2F&'"


@pytest.mark.parametrize("encoding", ["plain", "JSON", "percent"])
def test_a_token_is_found_in_each_encoding(encoding: str) -> None:
    forms = {json.dumps(TOKEN)[1:-1], json.dumps(TOKEN)[1:-1].replace("/", "\\/")}
    if encoding == "JSON":
        forms = {form.replace("\\U", "\\u") for form in ENCODINGS["JSON"](TOKEN)}
    if encoding == "percent":
        forms = {"a%22b%5Cc%2F%2Bd%3D%3C1%3E%252F%26%27"}
    for form in forms:
        body = f'{{"data":[{{"x":"and {form}, too"}}]}}'.encode()
        assert repeats(body, ("other", TOKEN)), form


def test_a_body_without_a_token_repeats_none() -> None:
    assert not repeats(b'{"data":[{"x":"\\u0061\\u00e9\xff"}]}', (TOKEN, "b"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b' { "data" : [] } ',
        b'{"data":null}',
        json.dumps({"data": [rating("i.a", -1)]}).encode(),
        json.dumps({"data": [rating("r.i.a", -1)], "next": "x"}).encode(),
    ],
)
def test_a_response_to_a_put_is_clear_if_it_is_empty_or_confirms_the_value(body: bytes) -> None:
    assert is_clear_answer(body, JSON, SONG, -1)


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"[]",
        b"<html>",
        b'{"data":[],"errors":[]}',
        b'{"message":"accepted"}',
        json.dumps({"data": [rating("i.a", -1)]}).encode(),
        json.dumps({"data": [rating("i.a", 0)]}).encode(),
        json.dumps({"data": [rating("i.b", 1)]}).encode(),
        b'{"data":[{"id":"i.a","type":"ratings"}]}',
    ],
)
def test_any_other_response_to_a_put_is_not_clear(body: bytes | None) -> None:
    assert not is_clear_answer(body, JSON, SONG, 1)


@pytest.mark.parametrize("body", [json.dumps({"data": [rating("i.a", 1)]}).encode(), b"{}"])
def test_a_response_to_a_put_that_calls_itself_a_page_is_not_clear_either(body: bytes) -> None:
    assert not is_clear_answer(body, "text/html", SONG, 1)


def test_where_apple_says_nothing_the_rating_is_written_as_apple_would() -> None:
    document = json.loads(ratings_document([write_rating(SONG, 1)]))

    assert document == {"data": [rating("i.a")]}


def test_a_request_has_the_type_of_apples_schema() -> None:
    assert json.loads(rating_request(-1)) == {"type": "ratings", "attributes": {"value": -1}}
