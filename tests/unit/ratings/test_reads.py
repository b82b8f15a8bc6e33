import json

import pytest

from functions.ratings.cache.lookup import ReadResult
from functions.ratings.cache.status import BYPASS, CacheStatus
from functions.ratings.errors import AppleTimeoutError
from functions.ratings.metrics import Metric
from functions.ratings.models import NOT_RATED, QueryOptions, Rating, RatingKey, rating_of
from tests.fakes.apple_music import rating, response
from tests.fakes.ratings_function import ADA, EXTENDED, SONG, InMemoryFunction

LIKED, DISLIKED = rating_of(SONG, 1), rating_of(SONG, -1)
HUNDRED = [f"i.{number}" for number in range(100)]
MISS, STORED = CacheStatus(fwd="miss"), CacheStatus(fwd="miss", stored=True)


def liked(*ids: str) -> tuple[Rating, ...]:
    return tuple(rating_of(RatingKey(type=SONG.type, id=item_id), 1) for item_id in ids)


@pytest.mark.parametrize(("item_id", "result"), [("i.a", LIKED), ("i.unrated", NOT_RATED)])
def test_a_miss_is_stored_and_then_a_hit(
    function: InMemoryFunction, item_id: str, result: Rating
) -> None:
    assert function.read(item_id) == ReadResult(ratings=(result,), cache_status=STORED)
    assert function.calls == ["read", "GET", "store"]

    function.clock.advance(18)
    hit = ReadResult(ratings=(result,), cache_status=CacheStatus(ttl=42), age=18)
    assert function.read(item_id) == hit
    assert function.calls == ["read", "GET", "store", "read"]


def test_after_the_fresh_window_a_rating_is_revalidated(function: InMemoryFunction) -> None:
    function.read()
    function.apple.rate(ADA.value, SONG.id, -1)
    function.clock.advance(60)

    revalidated = CacheStatus(fwd="stale", stored=True)
    assert function.read() == ReadResult(ratings=(DISLIKED,), cache_status=revalidated)
    assert function.read().cache_status == CacheStatus(ttl=60)


def test_apple_has_less_time_and_no_retry_only_if_stale_copies_cover_all_items(
    function: InMemoryFunction,
) -> None:
    for ids in (["i.a"], ["i.a", "i.b"], ["i.a", "i.b"], ["i.a", "i.c"]):
        function.read(*ids)
        function.clock.advance(90)
    assert function.apple.seconds == pytest.approx([4.0, 4.0, 1.5, 4.0])

    function.apple.respond_with(response(429))
    function.calls.clear()
    function.read("i.a", "i.b")
    assert function.calls == ["read", "GET"]


@pytest.mark.parametrize(("seconds", "apple_seconds"), [(4, 3.4), (1.1, 0.55)])
def test_at_most_half_of_the_time_is_reserved_for_the_store(
    function: InMemoryFunction, seconds: float, apple_seconds: float
) -> None:
    function.read()
    function.calls.clear()
    function.read(*HUNDRED, seconds=seconds)

    assert function.apple.seconds[1:] == pytest.approx([apple_seconds])
    assert function.calls == ["read", "GET", "store"]


@pytest.mark.parametrize(("seconds", "cache_status"), [(4.4, STORED), (4.6, MISS)])
def test_a_response_is_always_served_but_stored_only_if_it_took_less_than_4_5_seconds(
    function: InMemoryFunction, seconds: float, cache_status: CacheStatus
) -> None:
    function.apple.takes = seconds

    assert function.read() == ReadResult(ratings=(LIKED,), cache_status=cache_status)


def test_ratings_stored_by_a_list_are_hits_for_single_reads_and_the_reverse(
    function: InMemoryFunction,
) -> None:
    function.read(*HUNDRED[:50])
    for item_id in HUNDRED[50:]:
        function.read(item_id)

    for item_id in HUNDRED[:50]:
        assert function.read(item_id).cache_status == CacheStatus(ttl=60)
    assert function.read(*HUNDRED[50:]).cache_status == CacheStatus(ttl=60)


@pytest.mark.parametrize(
    ("failing", "cache_status", "calls", "metric"),
    [
        ("read", BYPASS, ["read", "GET"], Metric.CACHE_READ_FAILED),
        ("store", MISS, ["read", "GET", "store"], Metric.CACHE_STORE_FAILED),
    ],
)
def test_if_the_cache_fails_apple_is_called(
    function: InMemoryFunction,
    failing: str,
    cache_status: CacheStatus,
    calls: list[str],
    metric: Metric,
) -> None:
    function.dynamodb.failing.add(failing)

    assert function.read() == ReadResult(ratings=(LIKED,), cache_status=cache_status)
    assert function.calls == calls
    assert function.apple.seconds == pytest.approx([4.0])
    assert function.observer.counted == {metric: 1}
    assert function.observer.reasons == ["Failing"]

    function.apple.fail_with(AppleTimeoutError)
    result = function.read()
    assert (type(result.error), result.cache_status) == (AppleTimeoutError, cache_status)


def test_nothing_is_stored_while_the_family_is_unreadable(function: InMemoryFunction) -> None:
    function.write(1)
    function.dynamodb.items[ADA.hash, "family#songs"]["generation"] = {"S": "x"}
    function.clock.advance(10)
    function.calls.clear()

    assert function.read().cache_status == MISS
    assert function.calls == ["read", "GET"]
    assert function.observer.counted == {Metric.CACHE_ITEM_INVALID: 1}


def test_ratings_from_the_future_are_misses_and_counted(function: InMemoryFunction) -> None:
    function.read("i.a", "i.b")
    function.clock.advance(-2)

    assert function.read("i.a", "i.b").cache_status == STORED
    assert function.observer.counted == {Metric.CACHE_ITEM_INVALID: 2}


def test_a_read_of_more_than_a_bare_rating_bypasses_the_cache(function: InMemoryFunction) -> None:
    function.read(options=QueryOptions(language="de"))
    function.calls.clear()

    for options in EXTENDED:
        for ids in (("i.a",), ("i.b", "i.a")):
            result = function.read(*ids, options=options)
            assert (len(result.ratings), result.cache_status) == (len(ids), BYPASS)

    assert function.calls == ["GET"] * 4
    assert [request.target.partition("?")[2] for request in function.apple.requests] == [
        "l=de",
        "include=content",
        "ids=i.b,i.a&include=content",
        "l=de&extend=artistUrl",
        "ids=i.b,i.a&l=de&extend=artistUrl",
    ]


def test_only_the_missing_items_of_a_list_are_read_from_apple(function: InMemoryFunction) -> None:
    function.read("i.b", "i.d")
    function.clock.advance(18)
    ids = ("i.a", "i.b", "i.c", "i.d")

    partial = CacheStatus(fwd="partial", stored=True)
    assert function.read(*ids) == ReadResult(ratings=liked(*ids), cache_status=partial, age=18)
    assert function.apple.requests[-1].target.endswith("?ids=i.a,i.c")

    hit = CacheStatus(ttl=42)
    assert function.read(*ids) == ReadResult(ratings=liked(*ids), cache_status=hit, age=18)


@pytest.mark.parametrize("proven", [["i.b"], []])
def test_an_item_that_an_incomplete_list_omits_is_not_stored(
    function: InMemoryFunction, proven: list[str]
) -> None:
    document = {"data": [rating(item_id) for item_id in proven], "next": "/v1/more"}
    function.apple.respond_with(response(200, json.dumps(document)))

    assert function.read("i.a", "i.b") == ReadResult(
        ratings=(NOT_RATED, *(liked("i.b") if proven else (NOT_RATED,))),
        cache_status=CacheStatus(fwd="miss", stored=bool(proven)),
    )
    assert function.calls == ["read", "GET", *(["store"] if proven else [])]
    assert function.read("i.a").cache_status.fwd == "miss"


def test_no_stored_item_contains_the_user_token(function: InMemoryFunction) -> None:
    function.read()
    function.write(1)

    assert len(function.dynamodb.items) == 2
    assert ADA.value not in str(function.dynamodb.items)
