from collections.abc import Mapping
from typing import Any

import pytest

from functions.ratings.cache.policy import Family
from functions.ratings.metrics import Metric
from functions.ratings.models import NOT_RATED
from tests.contracts.cache_ratings import RatingsContract
from tests.contracts.cache_writes import WritesContract
from tests.contracts.checked_cache import ADA, NOW, CheckedCache
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.ratings_function import CATALOG_SONG, POLICY, SONG, TABLE

FAMILY = {"pk": {"S": ADA}, "sk": {"S": "family#songs"}}
BUCKET = {"pk": {"S": ADA}, "sk": {"S": "library-songs#b"}}
TWO = dict.fromkeys((SONG, CATALOG_SONG), NOT_RATED)


@pytest.fixture
def dynamodb() -> FakeDynamoDB:
    return FakeDynamoDB()


@pytest.fixture
def cache(dynamodb: FakeDynamoDB) -> CheckedCache:
    return CheckedCache(dynamodb.call)


class TestFakeDynamoDB(RatingsContract, WritesContract):
    pass


class ScriptedDynamoDB(CheckedCache):
    """Returns its responses in turn, and then the last one; `requests` records the requests."""

    def __init__(self, *responses: Any) -> None:
        super().__init__(self._call)
        self._responses = list(responses)
        self.requests: list[Mapping[str, Any]] = []

    def _call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self.requests.append(request)
        response = self._responses[0] if len(self._responses) == 1 else self._responses.pop(0)
        return dict(response)


def test_an_item_expires_at_the_time_of_the_policy(
    cache: CheckedCache, dynamodb: FakeDynamoDB
) -> None:
    cache.store(SONG)
    cache.open_write()

    assert [int(item["expires_at"]["N"]) for item in dynamodb.items.values()] == [
        POLICY.expires_at(NOW),
        POLICY.family_expires_at(NOW),
    ]


def test_after_dynamodb_has_deleted_a_family_no_generation_is_used_twice(
    cache: CheckedCache, dynamodb: FakeDynamoDB
) -> None:
    cache.write()
    cache.store(SONG, at=10)
    generation = cache.family().number or 0
    del dynamodb.items[ADA, "family#songs"]

    assert cache.values() == {}
    assert cache.open_write().generation > generation


UNPUT = {TABLE: [{"PutRequest": {"Item": BUCKET}}]}
UNREAD = {TABLE: {"Keys": [FAMILY]}}


# DynamoDB may omit an empty member.
@pytest.mark.parametrize("done", [{"UnprocessedItems": {}}, {}])
def test_unprocessed_items_are_put_once_more(done: dict[str, Any]) -> None:
    unput = {"UnprocessedItems": UNPUT}
    dynamodb = ScriptedDynamoDB({"Responses": {}}, unput, done, unput)
    snapshot = dynamodb.read(*TWO)

    assert dynamodb.unchecked.store(ADA, snapshot, TWO, NOW) is True
    assert [request["RequestItems"] for request in dynamodb.requests[2:]] == [UNPUT]

    assert dynamodb.unchecked.store(ADA, snapshot, TWO, NOW) is False
    assert dynamodb.observer.reasons == ["items left unprocessed"]
    assert len(dynamodb.requests) == 5


@pytest.mark.parametrize("done", [{"Responses": {}, "UnprocessedKeys": {}}, {"Responses": {}}])
def test_unprocessed_keys_are_read_once_more(done: dict[str, Any]) -> None:
    unread = {"Responses": {}, "UnprocessedKeys": UNREAD}
    dynamodb = ScriptedDynamoDB(unread, done, unread, unread)

    assert dynamodb.read().family == Family()
    assert dynamodb.requests[1]["RequestItems"][TABLE]["Keys"] == [FAMILY]

    assert dynamodb.read().family is None
    assert len(dynamodb.requests) == 4


def test_a_bucket_that_dynamodb_left_unread_is_not_stored() -> None:
    read = {"Responses": {}, "UnprocessedKeys": {TABLE: {"Keys": [BUCKET]}}}
    dynamodb = ScriptedDynamoDB(read, read, {})
    snapshot = dynamodb.read(*TWO)

    assert dynamodb.unchecked.store(ADA, snapshot, {SONG: NOT_RATED}, NOW) is False
    assert len(dynamodb.requests) == 2
    assert dynamodb.unchecked.store(ADA, snapshot, TWO, NOW) is True
    assert dynamodb.requests[2]["Item"]["sk"] == {"S": "songs#1"}
    assert not dynamodb.observer.counted


WRONG: tuple[Any, ...] = (None, 7, "x", True, [], [7], ["x"], [[]], [{}])
WRONG_KEYS = [{"Keys": wrong} for wrong in WRONG if wrong != []]


@pytest.mark.parametrize(
    "response",
    [
        {},
        *({"Responses": wrong} for wrong in WRONG),
        *({"Responses": {TABLE: wrong}} for wrong in WRONG if wrong != []),
        *(
            {"Responses": {TABLE: [{**BUCKET, "sk": wrong}]}}
            for wrong in (*WRONG, {"S": []}, {"N": "1"})
        ),
        *({"Responses": {}, "UnprocessedKeys": wrong} for wrong in WRONG),
        *(
            {"Responses": {}, "UnprocessedKeys": {TABLE: wrong}}
            for wrong in (7, "x", WRONG_KEYS[0])
        ),
        *({"Responses": {}, "UnprocessedKeys": {TABLE: wrong}} for wrong in WRONG_KEYS),
    ],
    ids=str,
)
def test_a_read_fails_if_the_response_has_wrong_json_types(response: dict[str, Any]) -> None:
    cache = ScriptedDynamoDB(response)

    assert cache.unchecked.read(ADA, [SONG]) is None
    assert cache.observer.counted == {Metric.CACHE_READ_FAILED: 1}


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_store_fails_if_the_response_has_wrong_json_types(wrong: Any) -> None:
    cache = ScriptedDynamoDB({"Responses": {}}, {"UnprocessedItems": wrong})

    assert cache.unchecked.store(ADA, cache.read(*TWO), TWO, NOW) is False
    assert cache.observer.counted == {Metric.CACHE_STORE_FAILED: 1}


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_an_update_fails_if_the_response_has_wrong_json_types(wrong: Any) -> None:
    cache = ScriptedDynamoDB({"Attributes": wrong})

    assert cache.unchecked.open_write(ADA, "songs") is None
    cache.close_write(None)
    assert cache.observer.counted == {Metric.CACHE_INVALIDATION_FAILED: 2}


def test_an_item_that_was_not_requested_is_ignored() -> None:
    response = {"Responses": {TABLE: [{**BUCKET, "sk": {"S": "library-songs#0"}}]}}

    snapshot = ScriptedDynamoDB(response).read()

    assert (snapshot.family, snapshot.ratings) == (Family(), {})
    assert snapshot.buckets == {"library-songs#b": {}}
