import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest

from functions.ratings.api_gateway import ApiRequest
from functions.ratings.cache_status import CacheStatus
from functions.ratings.deadline import Deadline
from functions.ratings.errors import (
    HTTP_ERRORS,
    AppleUnavailableError,
    DependencyError,
    IdentityError,
    MethodNotAllowedError,
    RatingsError,
    RequestError,
    RequestRefusedError,
)
from functions.ratings.models import (
    NOT_RATED,
    RATING_TYPES,
    MusicUserToken,
    QueryOptions,
    Rating,
    RatingKey,
    RatingValue,
)
from functions.ratings.read_plan import Reading
from functions.ratings.routes import Routes
from tests.fakes.clock import FakeClock

CLOCK = FakeClock()
DEADLINE = Deadline.after(6, CLOCK)
ITEM = "/v1/me/ratings/{type}/{id}"
RATING = '{"id":"i.a","type":"ratings","attributes":{"value":1}}'


class FakeRatings:
    """Gives one reading, or raises, and keeps what it was asked."""

    def __init__(self, reading: Reading | RatingsError | None = None) -> None:
        self.reading = reading or Reading(
            ratings=(Rating(RATING),), cache_status=CacheStatus(ttl=42), age=18
        )
        self.asked: list[tuple[MusicUserToken, RatingKey, QueryOptions]] = []
        self.written: list[RatingValue | None] = []

    def get_one(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> Reading:
        assert deadline is DEADLINE
        self.asked.append((token, key, options))
        if isinstance(self.reading, RatingsError):
            raise self.reading
        return self.reading

    def get_many(
        self,
        token: MusicUserToken,
        keys: Sequence[RatingKey],
        options: QueryOptions,
        deadline: Deadline,
    ) -> Reading:
        assert deadline is DEADLINE
        self.asked += [(token, key, options) for key in keys]
        if isinstance(self.reading, RatingsError):
            raise self.reading
        return self.reading

    def put(
        self,
        token: MusicUserToken,
        key: RatingKey,
        value: RatingValue,
        options: QueryOptions,
        deadline: Deadline,
    ) -> Rating:
        assert deadline is DEADLINE
        self.asked.append((token, key, options))
        self.written.append(value)
        return Rating(RATING)

    def delete(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> None:
        assert deadline is DEADLINE
        self.asked.append((token, key, options))
        self.written.append(None)


def event(**changes: Any) -> dict[str, Any]:
    return {
        "resource": ITEM,
        "httpMethod": "GET",
        "pathParameters": {"type": "library-songs", "id": "i.a"},
        "headers": {"Music-User-Token": "ada"},
        "multiValueHeaders": {"Music-User-Token": ["ada"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"requestId": "request-1"},
        **changes,
    }


def call(ratings: FakeRatings, **changes: Any) -> tuple[int, dict[str, str], Any]:
    request = ApiRequest.from_event(event(**changes), fallback_request_id="lambda-1")
    proxy = Routes(ratings).answer(request, DEADLINE).to_proxy(request.request_id)
    assert proxy["headers"]["Cache-Control"] == "private, no-store"
    assert proxy["headers"]["X-Request-Id"] == request.request_id
    assert proxy["isBase64Encoded"] is False
    return proxy["statusCode"], proxy["headers"], json.loads(proxy["body"])


def error_of(ratings: FakeRatings, **changes: Any) -> tuple[int, str]:
    status, headers, body = call(ratings, **changes)
    (error,) = body["errors"]
    assert error["status"] == str(status)
    assert error["id"] == headers["X-Request-Id"]
    assert error["title"]
    assert error["detail"].endswith(".")
    assert headers["Content-Type"] == "application/json"
    return status, error["code"]


def test_a_rating_is_answered_as_apple_does() -> None:
    ratings = FakeRatings()

    status, headers, body = call(ratings)

    assert (status, body) == (200, {"data": [json.loads(RATING)]})
    assert headers["Cache-Status"] == "apple-music-ratings; hit; ttl=42"
    assert headers["Age"] == "18"
    assert ratings.asked == [
        (MusicUserToken("ada"), RatingKey(type="library-songs", id="i.a"), QueryOptions())
    ]


def test_what_did_not_come_from_the_cache_has_no_age() -> None:
    reading = Reading(ratings=(Rating(RATING),), cache_status=CacheStatus(fwd="miss", stored=True))

    _, headers, _ = call(FakeRatings(reading))

    assert headers["Cache-Status"] == "apple-music-ratings; fwd=miss; stored"
    assert "Age" not in headers


def test_an_unrated_item_is_a_404_that_tells_of_the_cache_too() -> None:
    reading = Reading(ratings=(NOT_RATED,), cache_status=CacheStatus(ttl=7), age=53)
    ratings = FakeRatings(reading)

    assert error_of(ratings) == (404, "40400")
    _, headers, _ = call(ratings)
    assert headers["Cache-Status"] == "apple-music-ratings; hit; ttl=7"
    assert headers["Age"] == "53"


@pytest.mark.parametrize(
    ("name", "item_id"),
    [
        ("albums", "1440935467"),
        ("library-albums", "l.qrRWYhq"),
        ("library-music-videos", "i.NJv00rkTEaLK51"),
        ("library-playlists", "p.MoGJYM3CYXW09B"),
        ("library-songs", "i.7PJNN4mfXlD68R"),
        ("music-videos", "639322181"),
        ("playlists", "pl.5b0194eaa170401e8986335d7e77aa4e"),
        ("songs", "907242702"),
        ("stations", "ra.978194965"),
    ],
)
def test_every_type_is_served(name: str, item_id: str) -> None:
    ratings = FakeRatings()

    status, _, _ = call(ratings, pathParameters={"type": name, "id": item_id})

    assert status == 200
    assert ratings.asked[0][1] == RatingKey(type=name, id=item_id)
    assert name in RATING_TYPES


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pathParameters": {"type": "artists", "id": "1"}}, (400, "40008")),
        ({"pathParameters": {"type": "songs", "id": "i.a"}}, (400, "40090")),
        ({"pathParameters": {"type": "library-songs", "id": "%2e%2e"}}, (400, "40090")),
        ({"pathParameters": {"type": "library-songs"}}, (400, "40090")),
        ({"pathParameters": None}, (400, "40008")),
        ({"multiValueQueryStringParameters": {"l": ["e n"]}}, (400, "40005")),
        ({"headers": None, "multiValueHeaders": None}, (401, "40190")),
        ({"multiValueHeaders": {}}, (401, "40190")),
        ({"multiValueHeaders": {"Music-User-Token": ["a", "b"]}}, (401, "40190")),
        (
            {"multiValueHeaders": {"Music-User-Token": ["a"], "music-user-token": ["a"]}},
            (401, "40190"),
        ),
        ({"multiValueHeaders": {"Music_User_Token": ["a"]}}, (401, "40190")),
        ({"multiValueHeaders": {"Music-User-Token": "ada"}}, (401, "40190")),
        ({"multiValueHeaders": {"Music-User-Token": [7]}}, (401, "40190")),
        ({"multiValueHeaders": {"Music-User-Token": ["a\r\nb: c"]}}, (401, "40190")),
        ({"multiValueHeaders": None, "headers": {"music-user-token": ""}}, (401, "40190")),
        ({"resource": "/v1/me/ratings/{type}/{id}/x"}, (404, "40401")),
        ({"resource": None}, (404, "40401")),
        *(
            ({"httpMethod": method}, (405, "40590"))
            for method in ("POST", "PATCH", "HEAD", "OPTIONS", "get", "", None)
        ),
    ],
)
def test_bad_input_is_told_and_asks_nobody(
    changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    ratings = FakeRatings()

    assert error_of(ratings, **changes) == expected
    assert ratings.asked == []


def test_a_wrong_method_is_told_the_right_ones() -> None:
    _, headers, _ = call(FakeRatings(), httpMethod="PATCH")

    assert headers["Allow"] == "GET, PUT, DELETE"


def test_the_single_header_map_serves_where_the_other_is_absent() -> None:
    ratings = FakeRatings()

    status, _, _ = call(ratings, multiValueHeaders=None, headers={"MUSIC-USER-TOKEN": "grace"})

    assert status == 200
    assert ratings.asked[0][0] == MusicUserToken("grace")


def test_the_single_query_map_serves_where_the_other_is_absent() -> None:
    ratings = FakeRatings()

    call(ratings, multiValueQueryStringParameters=None, queryStringParameters={"l": "de"})

    assert ratings.asked[0][2] == QueryOptions(language="de")


def test_a_bad_parameter_is_named_as_apple_does() -> None:
    _, _, body = call(FakeRatings(), multiValueQueryStringParameters={"include": ["a", "b"]})

    assert body["errors"][0]["source"] == {"parameter": "include"}


def test_apples_own_code_is_kept() -> None:
    assert error_of(FakeRatings(RequestRefusedError("40015"))) == (400, "40015")
    assert error_of(FakeRatings(RequestRefusedError(None))) == (400, "40000")


def test_what_apple_says_of_waiting_reaches_the_caller() -> None:
    error = AppleUnavailableError("x", retry_after=7)
    error.cache_status = CacheStatus(fwd="miss")

    _, headers, _ = call(FakeRatings(error))

    assert headers["Retry-After"] == "7"
    assert headers["Cache-Status"] == "apple-music-ratings; fwd=miss"


def test_before_the_cache_was_asked_an_error_tells_nothing_of_it() -> None:
    _, headers, _ = call(FakeRatings(), multiValueHeaders={})

    assert headers.keys() == {"Content-Type", "Cache-Control", "X-Request-Id"}


def test_an_answer_keeps_the_error_that_it_tells_for_whoever_logs_it() -> None:
    error = AppleUnavailableError("503 from Apple Music")
    request = ApiRequest.from_event(event(), fallback_request_id="lambda-1")

    assert Routes(FakeRatings(error)).answer(request, DEADLINE).error is error
    assert Routes(FakeRatings()).answer(request, DEADLINE).error is None


def test_an_error_is_written_without_blanks() -> None:
    request = ApiRequest.from_event(event(), fallback_request_id="lambda-1")

    body = Routes(FakeRatings(AppleUnavailableError("x"))).answer(request, DEADLINE).body

    assert body == json.dumps(json.loads(body), separators=(",", ":"))


def test_the_request_id_is_the_one_that_a_client_cannot_choose() -> None:
    context = {"requestId": "chosen-by-the-client", "extendedRequestId": "the-gateways-own"}

    _, headers, _ = call(FakeRatings(), requestContext=context)

    assert headers["X-Request-Id"] == "the-gateways-own"


def test_where_the_gateway_gives_one_request_id_it_is_that() -> None:
    _, headers, _ = call(FakeRatings(), requestContext={"requestId": "the-only-one"})

    assert headers["X-Request-Id"] == "the-only-one"


def test_without_the_gateways_request_id_lambdas_is_given() -> None:
    _, headers, _ = call(FakeRatings(), requestContext=None)

    assert headers["X-Request-Id"] == "lambda-1"


def leaves(error: type[RatingsError]) -> list[type[RatingsError]]:
    return [leaf for child in error.__subclasses__() for leaf in leaves(child)] or [error]


def test_every_error_that_reaches_a_caller_has_one_answer() -> None:
    told = {
        leaf for root in (RequestError, IdentityError, DependencyError) for leaf in leaves(root)
    }

    assert told < HTTP_ERRORS.keys()
    for error in HTTP_ERRORS.values():
        assert error.code.isdigit()
        assert len(error.code) == 5
        assert error.code.startswith(str(error.status))


def test_an_error_of_several_methods_lists_them() -> None:
    assert MethodNotAllowedError(("GET", "PUT")).headers() == {"Allow": "GET, PUT"}


COLLECTION = "/v1/me/ratings/{type}"
LIKE = '{"type":"rating","attributes":{"value":1}}'


def many(ids: str | None, **changes: Any) -> dict[str, Any]:
    query = None if ids is None else {"ids": [ids]}
    return {
        "resource": COLLECTION,
        "pathParameters": {"type": "library-songs"},
        "multiValueQueryStringParameters": query,
        **changes,
    }


def test_many_are_answered_in_order_and_the_unrated_left_out() -> None:
    ratings = FakeRatings(
        Reading(
            ratings=(Rating('{"id":"i.b"}'), NOT_RATED, Rating('{"id":"i.a"}')),
            cache_status=CacheStatus(fwd="partial", stored=True),
            age=9,
        )
    )

    status, headers, body = call(ratings, **many("i.b,i.c,i.a"))

    assert (status, body) == (200, {"data": [{"id": "i.b"}, {"id": "i.a"}]})
    assert headers["Cache-Status"] == "apple-music-ratings; fwd=partial; stored"
    assert headers["Age"] == "9"
    assert [key.id for _, key, _ in ratings.asked] == ["i.b", "i.c", "i.a"]


def test_where_none_of_many_is_rated_the_list_is_empty() -> None:
    reading = Reading(ratings=(NOT_RATED,), cache_status=CacheStatus(ttl=60), age=0)

    status, _, body = call(FakeRatings(reading), **many("i.a"))

    assert (status, body) == (200, {"data": []})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (many(None), (400, "40003")),
        (many("i.a,x"), (400, "40005")),
        (many("i.a", pathParameters={"type": "artists"}), (400, "40008")),
        (many("i.a", multiValueHeaders={}), (401, "40190")),
        (many("i.a", httpMethod="PUT"), (405, "40590")),
    ],
)
def test_a_bad_request_for_many_asks_nobody(
    changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    ratings = FakeRatings()

    assert error_of(ratings, **changes) == expected
    assert ratings.asked == []


@pytest.mark.parametrize(
    "body",
    [
        {"body": LIKE},
        {"body": base64.b64encode(LIKE.encode()).decode(), "isBase64Encoded": True},
    ],
)
def test_a_rating_is_put(body: dict[str, Any]) -> None:
    ratings = FakeRatings()

    status, headers, document = call(ratings, httpMethod="PUT", **body)

    assert (status, document) == (200, {"data": [json.loads(RATING)]})
    assert ratings.written == [1]
    assert "Cache-Status" not in headers


@pytest.mark.parametrize(
    "body",
    [
        {"body": None},
        {"body": LIKE + "x"},
        {"body": LIKE, "isBase64Encoded": True},
        {"body": base64.b64encode(LIKE.encode()).decode() + "=", "isBase64Encoded": True},
        {"body": "\ud800"},
        {"body": 7},
    ],
)
def test_a_body_that_is_no_rating_request_changes_nothing(body: dict[str, Any]) -> None:
    ratings = FakeRatings()

    assert error_of(ratings, httpMethod="PUT", **body) == (400, "40091")
    assert ratings.asked == []


def test_a_rating_is_deleted() -> None:
    ratings = FakeRatings()
    request = ApiRequest.from_event(event(httpMethod="DELETE"), fallback_request_id="lambda-1")

    proxy = Routes(ratings).answer(request, DEADLINE).to_proxy("request-1")

    assert (proxy["statusCode"], proxy["body"]) == (204, "")
    assert proxy["headers"] == {"Cache-Control": "private, no-store", "X-Request-Id": "request-1"}
    assert ratings.written == [None]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_write_takes_the_language_and_no_other_option(method: str) -> None:
    ratings = FakeRatings()
    query = {"l": ["de"], "include": ["content"], "extend": ["artistUrl"]}
    request = ApiRequest.from_event(
        event(httpMethod=method, body=LIKE, multiValueQueryStringParameters=query),
        fallback_request_id="lambda-1",
    )

    Routes(ratings).answer(request, DEADLINE)

    assert ratings.asked[0][2] == QueryOptions(language="de")
