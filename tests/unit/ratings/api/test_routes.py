import json
from dataclasses import replace
from typing import Any

import pytest

from functions.ratings.api.gateway import ApiRequest, Response
from functions.ratings.api.routes import COLLECTION_RESOURCE, ITEM_RESOURCE, Routes
from functions.ratings.cache.lookup import ReadResult
from functions.ratings.cache.status import BYPASS, CacheStatus
from functions.ratings.errors import AppleUnavailableError, RatingsError, UserTokenRejectedError
from functions.ratings.models import (
    NOT_RATED,
    MusicUserToken,
    QueryOptions,
    Rating,
    RatingKey,
    RatingValue,
    ReadRequest,
    WriteRequest,
    rating_of,
)
from functions.shared.deadline import Deadline
from tests.fakes.clock import FakeClock

ADA, KEY = MusicUserToken("ada"), RatingKey(type="library-songs", id="i.a")
LIKED = rating_of(KEY, 1)
DEADLINE = Deadline.after(6, FakeClock())
UNAVAILABLE = AppleUnavailableError("503 from Apple Music", retry_after=7)
GET = ApiRequest(
    method="GET",
    resource=ITEM_RESOURCE,
    request_id="request-1",
    path_parameters={"type": "library-songs", "id": "i.a"},
    headers={"music-user-token": ("ada",)},
    query={},
    body=None,
)
PUT = replace(GET, method="PUT", body=b'{"type":"rating","attributes":{"value":1}}')
DELETE = replace(GET, method="DELETE")
GET_LIST = replace(
    GET,
    resource=COLLECTION_RESOURCE,
    path_parameters={"type": "library-songs"},
    query={"ids": ("i.b,i.c,i.a",)},
)


class FakeRatings:
    """Returns one result for every read and a like for every write, and records the requests."""

    def __init__(self, result: ReadResult | None = None, error: RatingsError | None = None) -> None:
        self._result, self._error = result or ReadResult(cache_status=BYPASS), error
        self.requests: list[ReadRequest | WriteRequest] = []

    def respond(self, request: ApiRequest) -> Response:
        def receive(request: ReadRequest | WriteRequest, deadline: Deadline) -> None:
            assert deadline is DEADLINE
            self.requests.append(request)
            if self._error is not None:
                raise self._error

        def read(request: ReadRequest, deadline: Deadline) -> ReadResult:
            receive(request, deadline)
            return self._result

        def write(request: WriteRequest, deadline: Deadline) -> Rating:
            receive(request, deadline)
            return LIKED

        return Routes(read=read, write=write).respond(request, DEADLINE)


def data(response: Response) -> Any:
    assert response.status == 200
    return json.loads(response.body)["data"]


def code(response: Response) -> tuple[int, str]:
    (error,) = json.loads(response.body)["errors"]
    assert (error["status"], error["id"]) == (str(response.status), "request-1")
    return response.status, error["code"]


def test_a_rating_is_returned_in_apples_form_with_its_age() -> None:
    result = ReadResult(ratings=(LIKED,), cache_status=CacheStatus(ttl=42), age=18)
    ratings = FakeRatings(result)

    response = ratings.respond(replace(GET, query={"l": ("de",), "include": ("content",)}))

    assert data(response) == [json.loads(LIKED.resource)]
    assert (response.cache_status, response.headers) == (CacheStatus(ttl=42), {"Age": "18"})
    options = QueryOptions(language="de", include="content")
    assert ratings.requests == [ReadRequest(token=ADA, keys=(KEY,), options=options)]


@pytest.mark.parametrize("request_", [GET, GET_LIST])
def test_head_is_a_get_whose_body_the_gateway_does_not_send(request_: ApiRequest) -> None:
    ratings = FakeRatings(ReadResult(ratings=(LIKED,), cache_status=CacheStatus(ttl=42), age=18))

    head = ratings.respond(replace(request_, method="HEAD"))

    assert head == ratings.respond(request_)
    assert ratings.requests[0] == ratings.requests[1]


def test_an_unrated_item_is_a_404_with_its_cache_status() -> None:
    result = ReadResult(ratings=(NOT_RATED,), cache_status=CacheStatus(ttl=7), age=53)
    response = FakeRatings(result).respond(GET)

    assert code(response) == (404, "40400")
    assert (response.cache_status, response.headers) == (CacheStatus(ttl=7), {"Age": "53"})


def test_a_list_keeps_its_order_and_omits_unrated_items() -> None:
    partial = CacheStatus(fwd="partial", stored=True)
    listed = (Rating(-1, '{"id":"b"}'), NOT_RATED, LIKED)
    ratings = FakeRatings(ReadResult(ratings=listed, cache_status=partial, age=9))

    response = ratings.respond(GET_LIST)

    assert [resource["id"] for resource in data(response)] == ["b", "i.a"]
    assert (response.cache_status, response.headers) == (partial, {"Age": "9"})
    keys = tuple(RatingKey(type="library-songs", id=item_id) for item_id in ("i.b", "i.c", "i.a"))
    assert ratings.requests == [ReadRequest(token=ADA, keys=keys, is_list=True)]


@pytest.mark.parametrize("request_", [GET, GET_LIST])
def test_a_failed_read_returns_its_error_and_its_cache_status(request_: ApiRequest) -> None:
    missed = CacheStatus(fwd="miss")
    result = ReadResult(error=UNAVAILABLE, cache_status=missed)

    response = FakeRatings(result).respond(request_)

    assert code(response) == (503, "50391")
    assert (response.error, response.cache_status) == (UNAVAILABLE, missed)
    assert response.headers == {"Retry-After": "7"}


@pytest.mark.parametrize("request_", [GET, GET_LIST, PUT, DELETE])
def test_an_error_that_is_raised_has_no_cache_status(request_: ApiRequest) -> None:
    response = FakeRatings(error=UserTokenRejectedError("403")).respond(request_)

    assert code(response) == (403, "40300")
    assert (response.cache_status, response.headers) == (None, {})


@pytest.mark.parametrize(
    ("request_", "value", "status", "resources"),
    [(PUT, 1, 200, [json.loads(LIKED.resource)]), (DELETE, None, 204, None)],
)
def test_a_rating_is_written_or_deleted_with_a_language_and_no_other_option(
    request_: ApiRequest, value: RatingValue | None, status: int, resources: object
) -> None:
    ratings = FakeRatings()

    response = ratings.respond(
        replace(request_, query={"l": ("de",), "include": ("content",), "extend": ("artistUrl",)})
    )

    assert (response.status, response.headers, response.cache_status) == (status, {}, None)
    assert (json.loads(response.body)["data"] if response.body else None) == resources
    assert ratings.requests == [WriteRequest(token=ADA, key=KEY, value=value, language="de")]


@pytest.mark.parametrize(
    ("request_", "changes", "expected"),
    [
        (GET, {"path_parameters": {}}, (400, "40008")),
        (GET, {"path_parameters": {"type": "library-songs"}}, (400, "40008")),
        (GET_LIST, {"query": {}}, (400, "40003")),
        (GET_LIST, {"query": {"ids": ("i.a,x",)}}, (400, "40005")),
        (PUT, {"body": None}, (400, "40091")),
        (GET, {"resource": "/v1/me/ratings/{type}/{id}/x"}, (404, "40401")),
        (GET_LIST, {"method": "PUT"}, (405, "40590")),
        *((each, {"query": {"l": ("e n",)}}, (400, "40005")) for each in (GET, PUT, DELETE)),
        *((each, {"headers": {}}, (401, "40190")) for each in (GET, GET_LIST, PUT, DELETE)),
        *((GET, {"method": method}, (405, "40590")) for method in ("POST", "OPTIONS", "get", "")),
    ],
)
def test_an_invalid_request_is_an_error_and_reaches_no_service(
    request_: ApiRequest, changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    ratings = FakeRatings()
    allowed = "GET, HEAD" if request_ is GET_LIST else "GET, PUT, DELETE, HEAD"

    response = ratings.respond(replace(request_, **changes))

    assert code(response) == expected
    assert response.cache_status is None
    assert response.headers == ({"Allow": allowed} if response.status == 405 else {})
    assert ratings.requests == []
