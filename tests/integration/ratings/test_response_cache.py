from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from functions.ratings.cache_policy import Freshness, Generation
from functions.ratings.errors import CacheUnavailableError
from functions.ratings.models import MusicUserToken, Rating
from functions.ratings.response_cache import CacheSnapshot, DynamoDBResponseCache
from tests.contracts.response_cache import (
    ADA,
    CATALOG_SONG,
    GRACE,
    HUNDRED,
    NOW,
    POLICY,
    SONG,
    ResponseCacheContract,
    cached,
)
from tests.fakes.boto3_service import Boto3Service
from tests.integration.conftest import TABLE

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def cache(dynamodb: "DynamoDBClient") -> DynamoDBResponseCache:
    return DynamoDBResponseCache(client=Boto3Service(dynamodb), table_name=TABLE, policy=POLICY)


class TestDynamoDBResponseCache(ResponseCacheContract):
    pass


def stored(dynamodb: "DynamoDBClient") -> dict[str, Any]:
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    return item


def test_an_item_says_whose_and_what_it_is_and_when_it_ends(
    cache: DynamoDBResponseCache, dynamodb: "DynamoDBClient"
) -> None:
    cache.store(ADA, {SONG: cached(Rating('{"id":"i.a"}'))})

    assert stored(dynamodb) == {
        "pk": {"S": ADA},
        "sk": {"S": "library-songs#i.a"},
        "expires_at": {"N": str(int(NOW) + 60 + 3600 + 1)},
        "schema": {"N": "1"},
        "owner": {"S": ADA},
        "type": {"S": "library-songs"},
        "id": {"S": "i.a"},
        "resource": {"S": '{"id":"i.a"}'},
        "requested_at": {"N": "1800000000.123"},
        "generation": {"NULL": True},
    }


def test_an_item_never_holds_the_token(
    cache: DynamoDBResponseCache, dynamodb: "DynamoDBClient"
) -> None:
    token = MusicUserToken("sample-user-token-ada")
    cache.store(token.owner, {SONG: cached()})

    assert token.value not in str(stored(dynamodb))


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("schema", {"N": "2"}),
        ("schema", None),
        ("owner", {"S": GRACE}),
        ("owner", None),
        ("type", {"S": "songs"}),
        ("id", {"S": "i.b"}),
        ("resource", {"N": "1"}),
        ("resource", None),
        ("requested_at", {"S": "yesterday"}),
        ("requested_at", None),
        ("generation", {"S": "1"}),
        ("generation", None),
        ("expires_at", None),
    ],
)
def test_an_item_that_is_not_as_it_was_written_is_a_miss_and_counted(
    cache: DynamoDBResponseCache,
    dynamodb: "DynamoDBClient",
    attribute: str,
    value: dict[str, Any] | None,
) -> None:
    cache.store(ADA, {SONG: cached()})
    item = {**stored(dynamodb), attribute: value}
    dynamodb.put_item(
        TableName=TABLE, Item={name: given for name, given in item.items() if given is not None}
    )

    snapshot = cache.read(ADA, "songs", [SONG])
    assert (snapshot.ratings, snapshot.rejected) == ({}, 1)

    cache.store(ADA, {SONG: cached()})
    snapshot = cache.read(ADA, "songs", [SONG])
    assert (snapshot.ratings, snapshot.rejected) == ({SONG: cached()}, 0)


def test_each_item_that_cannot_be_read_is_counted(
    cache: DynamoDBResponseCache, dynamodb: "DynamoDBClient"
) -> None:
    for key in (SONG, CATALOG_SONG):
        cache.store(ADA, {key: cached()})
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        dynamodb.put_item(TableName=TABLE, Item={**item, "schema": {"N": "99"}})

    assert cache.read(ADA, "songs", [SONG, CATALOG_SONG]).rejected == 2


def test_an_item_of_another_generation_is_a_miss_like_any_other(
    cache: DynamoDBResponseCache,
) -> None:
    cache.store(ADA, {SONG: cached(generation=1)})

    snapshot = cache.read(ADA, "songs", [SONG])

    assert (snapshot.ratings, snapshot.rejected) == ({}, 0)


def put_generation(dynamodb: "DynamoDBClient", **attributes: Any) -> None:
    key = {"pk": {"S": ADA}, "sk": {"S": "family#songs"}}
    dynamodb.put_item(TableName=TABLE, Item={**key, **attributes})


def test_the_generation_comes_with_the_ratings(
    cache: DynamoDBResponseCache, dynamodb: "DynamoDBClient"
) -> None:
    cache.store(ADA, {SONG: cached()})
    put_generation(dynamodb, generation={"N": "7"}, settling_until={"N": "1800000005.5"})

    snapshot = cache.read(ADA, "songs", [SONG])

    assert snapshot.generation == Generation(number=7, settling_until=1800000005.5)
    assert snapshot.ratings == {}
    assert cache.read(ADA, "albums", []).generation == Generation()


def test_a_generation_that_cannot_be_read_covers_nothing(
    cache: DynamoDBResponseCache, dynamodb: "DynamoDBClient"
) -> None:
    cache.store(ADA, {SONG: cached()})
    put_generation(dynamodb, generation={"S": "seven"})

    assert cache.read(ADA, "songs", [SONG]) == CacheSnapshot(
        ratings={}, generation=None, rejected=1
    )


def test_a_read_is_consistent_and_one_call(dynamodb: "DynamoDBClient") -> None:
    cache = DynamoDBResponseCache(client=Boto3Service(dynamodb), table_name=TABLE, policy=POLICY)
    calls: list[dict[str, Any]] = []
    dynamodb.meta.events.register(
        "provide-client-params.dynamodb", lambda params, **_: calls.append(params)
    )

    cache.read(ADA, "songs", [SONG, CATALOG_SONG])

    (call,) = calls
    assert call["RequestItems"][TABLE]["ConsistentRead"] is True
    assert len(call["RequestItems"][TABLE]["Keys"]) == 3


def test_a_hundred_ids_are_two_reads_and_four_writes_of_what_dynamodb_takes(
    dynamodb: "DynamoDBClient",
) -> None:
    """DynamoDB gives 100 items in one call, and takes 25; moto would take more."""
    cache = DynamoDBResponseCache(client=Boto3Service(dynamodb), table_name=TABLE, policy=POLICY)
    calls: list[tuple[str, int]] = []

    def note(params: dict[str, Any], event_name: str, **_: object) -> None:
        request = params["RequestItems"][TABLE]
        keys_or_items = request["Keys"] if isinstance(request, dict) else request
        calls.append((event_name.rpartition(".")[2], len(keys_or_items)))

    dynamodb.meta.events.register("provide-client-params.dynamodb", note)

    cache.read(ADA, "songs", HUNDRED)
    cache.store(ADA, dict.fromkeys(HUNDRED, cached()))

    reads, writes = [100, 1], [25] * 4
    assert calls == [
        *(("BatchGetItem", items) for items in reads),
        *(("BatchWriteItem", items) for items in writes),
    ]


# DynamoDB may leave out what is empty.
ALL_ARE_PUT: list[dict[str, Any]] = [{"UnprocessedItems": {}}, {}]
ALL_IS_READ: list[dict[str, Any]] = [
    {"Responses": {TABLE: []}, "UnprocessedKeys": {}},
    {"Responses": {}},
]


def test_items_left_unprocessed_are_put_once_more_and_then_told(
    dynamodb: "DynamoDBClient",
) -> None:
    cache = DynamoDBResponseCache(client=Boto3Service(dynamodb), table_name=TABLE, policy=POLICY)
    left = {TABLE: [{"PutRequest": {"Item": {"pk": {"S": ADA}, "sk": {"S": "songs#1"}}}}]}
    two = {SONG: cached(), CATALOG_SONG: cached()}
    with Stubber(dynamodb) as stub:
        for all_are_put in ALL_ARE_PUT:
            stub.add_response("batch_write_item", {"UnprocessedItems": left})
            stub.add_response("batch_write_item", all_are_put, {"RequestItems": left})
            cache.store(ADA, two)
            stub.assert_no_pending_responses()

        stub.add_response("batch_write_item", {"UnprocessedItems": left})
        stub.add_response("batch_write_item", {"UnprocessedItems": left})
        with pytest.raises(CacheUnavailableError, match=r"^items left unprocessed$"):
            cache.store(ADA, two)
        stub.assert_no_pending_responses()


def test_a_generation_outlives_every_rating_that_was_stored_before_it(
    cache: DynamoDBResponseCache, dynamodb: "DynamoDBClient"
) -> None:
    cache.open_write(ADA, "songs", NOW)

    item = stored(dynamodb)
    last_rating_before = cached(at=NOW + POLICY.deadline_seconds)
    assert int(item["expires_at"]["N"]) > POLICY.expires_at(last_rating_before.requested_at)
    assert POLICY.freshness(last_rating_before, int(item["expires_at"]["N"])) is Freshness.UNUSABLE


def test_after_dynamodb_has_forgotten_a_family_no_number_comes_back(
    cache: DynamoDBResponseCache, dynamodb: "DynamoDBClient"
) -> None:
    opened = cache.open_write(ADA, "songs", NOW)
    closed = cache.close_write(ADA, "songs", opened, NOW, unknown=False)
    cache.store(ADA, {SONG: cached(generation=closed.generation)})
    dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": ADA}, "sk": {"S": "family#songs"}})

    assert cache.read(ADA, "songs", [SONG]).ratings == {}
    assert cache.open_write(ADA, "songs", NOW + 1).generation > closed.generation


def generation_left_unread(times: int) -> list[dict[str, Any]]:
    key = {"pk": {"S": ADA}, "sk": {"S": "family#songs"}}
    left = {"Responses": {}, "UnprocessedKeys": {TABLE: {"Keys": [key]}}}
    return [left] * times


def test_what_is_left_unprocessed_is_asked_for_once_more(dynamodb: "DynamoDBClient") -> None:
    cache = DynamoDBResponseCache(client=Boto3Service(dynamodb), table_name=TABLE, policy=POLICY)
    with Stubber(dynamodb) as stub:
        for all_is_read in ALL_IS_READ:
            for answer in generation_left_unread(1):
                stub.add_response("batch_get_item", answer)
            stub.add_response("batch_get_item", all_is_read)

            assert cache.read(ADA, "songs", [SONG]).generation == Generation()
            stub.assert_no_pending_responses()


def test_a_generation_left_unread_twice_is_unknown(dynamodb: "DynamoDBClient") -> None:
    cache = DynamoDBResponseCache(client=Boto3Service(dynamodb), table_name=TABLE, policy=POLICY)
    with Stubber(dynamodb) as stub:
        for answer in generation_left_unread(2):
            stub.add_response("batch_get_item", answer)

        assert cache.read(ADA, "songs", [SONG]).generation is None
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    "code", ["ProvisionedThroughputExceededException", "AccessDeniedException"]
)
def test_a_failing_dynamodb_is_one_kind_of_error_told_by_its_code(
    dynamodb: "DynamoDBClient", code: str
) -> None:
    cache = DynamoDBResponseCache(client=Boto3Service(dynamodb), table_name=TABLE, policy=POLICY)
    with Stubber(dynamodb) as stub:
        stub.add_client_error("batch_get_item", code)
        for call in ("put_item", "batch_write_item", "update_item", "update_item"):
            stub.add_client_error(call, code)

        with pytest.raises(CacheUnavailableError, match=f"^{code}$"):
            cache.read(ADA, "songs", [SONG])
        with pytest.raises(CacheUnavailableError, match=f"^{code}$"):
            cache.store(ADA, {SONG: cached()})
        with pytest.raises(CacheUnavailableError, match=f"^{code}$"):
            cache.store(ADA, {SONG: cached(), CATALOG_SONG: cached()})
        with pytest.raises(CacheUnavailableError, match=f"^{code}$"):
            cache.open_write(ADA, "songs", NOW)
        with pytest.raises(CacheUnavailableError, match=f"^{code}$"):
            cache.close_write(ADA, "songs", None, NOW, unknown=False)
        stub.assert_no_pending_responses()


class OddDynamoDB:
    """Gives the same answer to every call."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        return self._answer


ITEM = {"pk": {"S": ADA}, "sk": {"S": "library-songs#i.a"}}
ODD: tuple[Any, ...] = (None, 7, "x", True, [], [7], ["x"], [[]], [{}])
ODD_KEYS = [{"Keys": odd} for odd in ODD if odd != []]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        *({"Responses": odd} for odd in ODD),
        *({"Responses": {TABLE: odd}} for odd in ODD if odd != []),
        *({"Responses": {TABLE: [{**ITEM, "sk": odd}]}} for odd in (*ODD, {"S": []}, {"N": "1"})),
        *({"Responses": {}, "UnprocessedKeys": odd} for odd in ODD),
        *({"Responses": {}, "UnprocessedKeys": {TABLE: odd}} for odd in (7, "x", ODD_KEYS[0])),
        *({"Responses": {}, "UnprocessedKeys": {TABLE: odd}} for odd in ODD_KEYS),
    ],
    ids=str,
)
def test_a_read_of_odd_json_types_is_dynamodb_failing(answer: dict[str, Any]) -> None:
    cache = DynamoDBResponseCache(client=OddDynamoDB(answer), table_name=TABLE, policy=POLICY)

    with pytest.raises(CacheUnavailableError):
        cache.read(ADA, "songs", [SONG])


def test_an_item_that_was_not_requested_is_left_aside() -> None:
    answer = {"Responses": {TABLE: [{**ITEM, "sk": {"S": "library-songs#i.other"}}]}}
    cache = DynamoDBResponseCache(client=OddDynamoDB(answer), table_name=TABLE, policy=POLICY)

    assert cache.read(ADA, "songs", [SONG]) == CacheSnapshot(ratings={}, generation=Generation())


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_a_write_answered_by_odd_json_types_is_dynamodb_failing(odd: Any) -> None:
    answer = {"Attributes": odd, "UnprocessedItems": odd}
    cache = DynamoDBResponseCache(client=OddDynamoDB(answer), table_name=TABLE, policy=POLICY)

    with pytest.raises(CacheUnavailableError):
        cache.open_write(ADA, "songs", NOW)
    with pytest.raises(CacheUnavailableError):
        cache.close_write(ADA, "songs", None, NOW, unknown=False)
    with pytest.raises(CacheUnavailableError):
        cache.store(ADA, {SONG: cached(), CATALOG_SONG: cached()})


def test_a_missing_table_is_the_same_kind_of_error(dynamodb: "DynamoDBClient") -> None:
    cache = DynamoDBResponseCache(
        client=Boto3Service(dynamodb), table_name="nowhere", policy=POLICY
    )

    with pytest.raises(CacheUnavailableError):
        cache.read(ADA, "songs", [SONG])
    with pytest.raises(CacheUnavailableError):
        cache.store(ADA, {SONG: cached()})
