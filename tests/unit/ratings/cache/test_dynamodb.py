from collections.abc import Mapping
from typing import Any

import pytest

from functions.ratings.cache.policy import CacheSnapshot, Generation
from functions.ratings.metrics import Metric
from tests.contracts.cache import ADA, NOW, CacheContract, CheckedCache, cached
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.ratings_function import CATALOG_SONG, POLICY, SONG, TABLE

FAMILY = {"pk": {"S": ADA}, "sk": {"S": "family#songs"}}
ITEM = {"pk": {"S": ADA}, "sk": {"S": "library-songs#i.a"}}
TWO = {SONG: cached(), CATALOG_SONG: cached()}


@pytest.fixture
def dynamodb() -> FakeDynamoDB:
    return FakeDynamoDB()


@pytest.fixture
def cache(dynamodb: FakeDynamoDB) -> CheckedCache:
    return CheckedCache(dynamodb.call)


class TestFakeDynamoDB(CacheContract):
    pass


class ScriptedDynamoDB(CheckedCache):
    """Responds in turn, the last one for ever; `requests` is what was sent."""

    def __init__(self, *responses: Any) -> None:
        super().__init__(self._call)
        self._responses = list(responses)
        self.requests: list[Mapping[str, Any]] = []

    def _call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self.requests.append(request)
        response = self._responses[0] if len(self._responses) == 1 else self._responses.pop(0)
        return dict(response)


def test_items_that_the_function_cannot_have_written_are_counted_and_replaced(
    cache: CheckedCache, dynamodb: FakeDynamoDB
) -> None:
    cache.store(*TWO)
    for item in dynamodb.items.values():
        item["schema"] = {"N": "99"}

    assert cache.read(*TWO).ratings == {}
    assert cache.observer.counted == {Metric.CACHE_ITEM_INVALID: 2}

    cache.store(*TWO)
    assert cache.read(*TWO).ratings == TWO


def test_dynamodb_deletes_items_when_the_policy_says_so(
    cache: CheckedCache, dynamodb: FakeDynamoDB
) -> None:
    cache.store(SONG)
    cache.open_write()

    assert [int(item["expires_at"]["N"]) for item in dynamodb.items.values()] == [
        POLICY.expires_at(NOW),
        POLICY.generation_expires_at(NOW),
    ]


def test_after_dynamodb_has_deleted_a_generation_no_number_is_used_twice(
    cache: CheckedCache, dynamodb: FakeDynamoDB
) -> None:
    finished = cache.close_write(cache.open_write())
    cache.store(SONG, number=finished.generation)
    del dynamodb.items[ADA, "family#songs"]

    assert cache.read().ratings == {}
    assert cache.open_write(at=1).generation > finished.generation


UNPUT = {TABLE: [{"PutRequest": {"Item": ITEM}}]}
UNREAD = {TABLE: {"Keys": [FAMILY]}}


# DynamoDB may omit what is empty.
@pytest.mark.parametrize("done", [{"UnprocessedItems": {}}, {}])
def test_unprocessed_items_are_put_once_more(done: dict[str, Any]) -> None:
    dynamodb = ScriptedDynamoDB({"UnprocessedItems": UNPUT}, done, {"UnprocessedItems": UNPUT})

    dynamodb.store(*TWO)
    assert [request["RequestItems"] for request in dynamodb.requests[1:]] == [UNPUT]

    assert dynamodb.unchecked.store(ADA, TWO) is False
    assert dynamodb.observer.reasons == ["items left unprocessed"]
    assert len(dynamodb.requests) == 4


@pytest.mark.parametrize("done", [{"Responses": {}, "UnprocessedKeys": {}}, {"Responses": {}}])
def test_unprocessed_keys_are_read_once_more(done: dict[str, Any]) -> None:
    unread = {"Responses": {}, "UnprocessedKeys": UNREAD}
    dynamodb = ScriptedDynamoDB(unread, done, unread)

    assert dynamodb.read().generation == Generation()
    assert dynamodb.requests[1]["RequestItems"][TABLE]["Keys"] == [FAMILY]

    assert dynamodb.read().generation is None
    assert len(dynamodb.requests) == 4


WRONG: tuple[Any, ...] = (None, 7, "x", True, [], [7], ["x"], [[]], [{}])
WRONG_KEYS = [{"Keys": wrong} for wrong in WRONG if wrong != []]


@pytest.mark.parametrize(
    "response",
    [
        {},
        *({"Responses": wrong} for wrong in WRONG),
        *({"Responses": {TABLE: wrong}} for wrong in WRONG if wrong != []),
        *(
            {"Responses": {TABLE: [{**ITEM, "sk": wrong}]}}
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
def test_a_response_to_a_read_with_wrong_json_types_is_a_failure(response: dict[str, Any]) -> None:
    cache = ScriptedDynamoDB(response)

    assert cache.unchecked.read(ADA, [SONG]) is None
    assert cache.observer.counted == {Metric.CACHE_READ_FAILED: 1}


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_response_to_a_write_with_wrong_json_types_is_a_failure(wrong: Any) -> None:
    cache = ScriptedDynamoDB({"Attributes": wrong, "UnprocessedItems": wrong})

    assert cache.unchecked.open_write(ADA, "songs") is None
    assert cache.unchecked.close_write(ADA, "songs", None, unknown=False) is None
    assert cache.unchecked.store(ADA, TWO) is False
    assert cache.observer.counted == {
        Metric.CACHE_INVALIDATION_FAILED: 2,
        Metric.CACHE_STORE_FAILED: 1,
    }


def test_an_item_that_was_not_requested_is_ignored() -> None:
    response = {"Responses": {TABLE: [{**ITEM, "sk": {"S": "library-songs#i.other"}}]}}

    snapshot = ScriptedDynamoDB(response).read()

    assert snapshot == CacheSnapshot(ratings={}, generation=Generation())
