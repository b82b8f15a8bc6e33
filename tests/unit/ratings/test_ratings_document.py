import json
from typing import Any

import pytest

from functions.ratings.errors import AppleAnswerUnusableError
from functions.ratings.models import NOT_RATED, Rating, RatingKey
from functions.ratings.ratings_document import (
    rating_request,
    ratings_document,
    read_error_code,
    read_ratings,
    read_written_rating,
    write_rating,
)
from tests.fakes.apple_music import rating

JSON = "application/json;charset=utf-8"


def read(*resources: Any, asked: tuple[str, ...] = ("i.a",)) -> dict[str, Rating]:
    return dict(read_ratings(json.dumps({"data": list(resources)}).encode(), JSON, asked))


def test_a_resource_is_kept_as_apple_wrote_it() -> None:
    resource = rating("i.a", -1, unknown={"kept": [1, "ß", None]})

    kept = read(resource)["i.a"].resource

    assert kept is not None
    assert json.loads(kept) == resource
    assert kept == json.dumps(resource, separators=(",", ":"))


def test_what_is_left_out_or_has_no_value_is_not_rated() -> None:
    without_value = {**rating("i.b"), "attributes": {}}
    without_attributes = {"id": "i.c", "type": "ratings"}

    ratings = read(without_value, without_attributes, asked=("i.a", "i.b", "i.c"))

    assert ratings == {"i.a": NOT_RATED, "i.b": NOT_RATED, "i.c": NOT_RATED}


def test_an_id_may_come_back_with_the_catalog_prefix() -> None:
    assert read(rating("r.907242702"), asked=("907242702",))["907242702"].is_rated


@pytest.mark.parametrize("other", ["i.b", "r.r.i.a", "R.i.a", "i.a ", 7, None])
def test_an_id_that_was_not_asked_for_spoils_the_answer(other: object) -> None:
    with pytest.raises(AppleAnswerUnusableError):
        read(rating("i.a"), {**rating("i.a"), "id": other})


def test_an_id_twice_spoils_the_answer() -> None:
    with pytest.raises(AppleAnswerUnusableError):
        read(rating("907242702"), rating("r.907242702", -1), asked=("907242702",))


@pytest.mark.parametrize("value", [0, 5, 2, "1", True, False, None, 1.0, [1], {}])
def test_a_value_is_one_or_minus_one(value: object) -> None:
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
        b'{"data":null}',
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
    ],
)
def test_a_body_that_is_no_ratings_response_is_unusable(body: bytes) -> None:
    with pytest.raises(AppleAnswerUnusableError):
        read_ratings(body, JSON, ("i.a",))


def test_a_body_of_another_type_is_unusable_whatever_it_holds() -> None:
    with pytest.raises(AppleAnswerUnusableError):
        read_ratings(b'{"data":[]}', "text/html", ("i.a",))
    assert read_ratings(b'{"data":[]}', "", ("i.a",)) == {"i.a": NOT_RATED}


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
    ],
)
def test_apples_code_is_read_only_if_it_is_one(body: bytes, code: str | None) -> None:
    assert read_error_code(body) == code


SONG = RatingKey(type="library-songs", id="i.a")


def test_apples_answer_to_a_write_is_clear_if_it_tells_what_was_written() -> None:
    body = json.dumps({"data": [rating("i.a", -1)]}).encode()

    written = read_written_rating(body, JSON, SONG, -1)

    assert written is not None
    assert written.resource is not None
    assert json.loads(written.resource) == rating("i.a", -1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"data":[]}',
        b"<html>",
        json.dumps({"data": [rating("i.a", -1)]}).encode(),
        json.dumps({"data": [rating("i.b", 1)]}).encode(),
        b'{"data":[{"id":"i.a","type":"ratings"}]}',
    ],
)
def test_any_other_answer_to_a_write_is_not_clear(body: bytes) -> None:
    assert read_written_rating(body, JSON, SONG, 1) is None


def test_an_answer_to_a_write_that_calls_itself_a_page_is_not_clear_either() -> None:
    body = json.dumps({"data": [rating("i.a", 1)]}).encode()

    assert read_written_rating(body, "text/html", SONG, 1) is None


def test_where_apple_says_nothing_the_rating_is_written_as_apple_would() -> None:
    document = json.loads(ratings_document([write_rating(SONG, 1)]))

    assert document == {"data": [rating("i.a")]}


def test_a_request_has_the_type_of_apples_schema() -> None:
    assert json.loads(rating_request(-1)) == {"type": "ratings", "attributes": {"value": -1}}
