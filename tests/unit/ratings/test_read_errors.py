"""Reads while Apple fails, rejects the request, or is not called."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from functions.ratings.cache.lookup import ReadResult
from functions.ratings.cache.status import STALE_IF_ERROR, CacheStatus
from functions.ratings.errors import (
    AppleTimeoutError,
    RatingsError,
    UserTokenRejectedError,
)
from functions.ratings.metrics import Metric
from functions.ratings.models import BARE, QueryOptions, RatingKey, rating_of
from tests.fakes.apple_music import FAILURES, REJECTIONS, response
from tests.fakes.ratings_function import (
    EXTENDED,
    GRACE,
    SONG,
    InMemoryFunction,
    developer_jwt,
)

Do = Callable[[InMemoryFunction], Any]

LIKED = rating_of(SONG, 1)
NOT_COMPARED = Counter({Metric.UPSTREAM_RETRIED: 100, Metric.COOL_OFF_STARTED: 100})


@pytest.mark.parametrize("error", FAILURES)
def test_if_apple_fails_a_stale_copy_is_served_and_the_failure_counted(
    function: InMemoryFunction, error: type[RatingsError]
) -> None:
    function.read()
    function.apple.fail_with(error)
    function.clock.advance(90)

    assert function.read() == ReadResult(
        ratings=(LIKED,),
        cache_status=CacheStatus(fwd="stale", ttl=-30, detail=STALE_IF_ERROR),
        age=90,
    )
    assert function.observer.counted - NOT_COMPARED == {error.metric: 1}
    assert len(function.observer.reasons) == 1


@pytest.mark.parametrize(
    ("error", "age", "fwd"),
    [
        *((failure, 3660, "miss") for failure in FAILURES),
        *((rejection, 90, "stale") for rejection in REJECTIONS),
    ],
)
def test_an_error_is_returned_if_the_copy_is_too_old_or_apple_rejected_the_request(
    function: InMemoryFunction, error: type[RatingsError], age: float, fwd: str
) -> None:
    function.read()
    function.apple.fail_with(error)
    function.clock.advance(age)

    result = function.read()

    assert (type(result.error), result.ratings) == (error, ())
    assert result.cache_status == CacheStatus(fwd=fwd)
    assert function.calls.count("store") == 1


@pytest.mark.parametrize("status", [429, 401])
def test_a_stale_copy_is_a_hit_during_a_cool_off_or_after_a_rejected_developer_token(
    function: InMemoryFunction, status: int
) -> None:
    function.read()
    function.apple.respond_with(response(status, retry_after="60"))
    function.clock.advance(90)
    function.read("i.b")
    function.calls.clear()

    assert function.read().cache_status == CacheStatus(ttl=-30, detail=STALE_IF_ERROR)
    error = function.read("i.b").error
    assert error is not None
    assert (error.status, error.code) == ((429, "42991") if status == 429 else (503, "50390"))
    assert function.calls == ["read"] * 2


@pytest.mark.parametrize("seconds", [0.9, 6], ids=["no time", "no developer token"])
def test_a_stale_copy_is_a_hit_if_no_time_or_no_developer_token_is_left(
    function: InMemoryFunction, seconds: float
) -> None:
    function.secret.text = developer_jwt(expires_at=function.clock.time() + 60)
    function.read()
    function.clock.advance(90)
    function.calls.clear()

    result = function.read(seconds=seconds)

    assert result.cache_status == CacheStatus(ttl=-30, detail=STALE_IF_ERROR)
    assert function.calls == ["read"]


def test_a_stale_copy_ages_while_apple_is_called(function: InMemoryFunction) -> None:
    function.read()
    function.clock.advance(90)
    function.apple.fail_with(AppleTimeoutError)
    function.apple.takes = 1.5
    result = function.read()
    assert (result.age, result.cache_status.ttl) == (91, -31)

    function.clock.advance(3659 - 91.5)
    assert isinstance(function.read().error, AppleTimeoutError), "too old after the call"


@pytest.mark.parametrize(("seconds", "fwd"), [(30, "stale"), (90, "partial")])
def test_if_apple_fails_a_list_is_served_whole_or_not_at_all(
    function: InMemoryFunction, seconds: float, fwd: str
) -> None:
    function.read("i.a")
    function.clock.advance(seconds)
    function.read("i.b")
    function.clock.advance(90 - seconds)
    function.apple.fail_with(AppleTimeoutError)

    assert function.read("i.a", "i.b") == ReadResult(
        ratings=(LIKED, rating_of(RatingKey(type=SONG.type, id="i.b"), 1)),
        cache_status=CacheStatus(fwd=fwd, ttl=-30, detail=STALE_IF_ERROR),
        age=90,
    )
    result = function.read("i.a", "i.b", "i.c")
    assert (type(result.error), result.ratings) == (AppleTimeoutError, ())


@pytest.mark.parametrize(
    "request_",
    [lambda function: function.read("i.b"), lambda function: function.write(1)],
    ids=["after a read", "after a write"],
)
def test_for_ten_seconds_a_rejected_user_token_is_rejected_without_a_call(
    function: InMemoryFunction, request_: Do
) -> None:
    function.read()
    function.apple.fail_with(UserTokenRejectedError)
    with pytest.raises(UserTokenRejectedError):
        raise request_(function).error
    function.apple.fail_with(None)
    function.clock.advance(9.9)
    function.calls.clear()

    for call in (function.read, lambda: function.read("i.a", "i.c"), lambda: function.write(1)):
        with pytest.raises(UserTokenRejectedError):
            call()
    assert function.calls == []
    assert function.read(token=GRACE).ratings == (rating_of(SONG, -1),)

    function.clock.advance(0.1)
    assert function.read().ratings == (LIKED,)


@pytest.mark.parametrize(
    ("is_written", "options"), [(False, BARE), *((True, each) for each in (BARE, *EXTENDED))]
)
def test_a_403_invalidates_every_rating_of_the_family(
    function: InMemoryFunction, is_written: bool, options: QueryOptions
) -> None:
    if is_written:
        function.write(1)
        function.clock.advance(6)
    for item_id, seconds in (("i.a", 50), ("i.c", 10)):
        function.read(item_id)
        function.clock.advance(seconds)
    function.apple.fail_with(UserTokenRejectedError)
    function.read("i.a", options=options)
    function.clock.advance(10)

    assert isinstance(function.read("i.c").error, UserTokenRejectedError)


def test_a_403_invalidates_a_future_dated_rating_too(function: InMemoryFunction) -> None:
    function.read()
    function.clock.advance(-2)
    function.apple.fail_with(UserTokenRejectedError)
    function.read()
    function.clock.advance(20)

    assert isinstance(function.read().error, UserTokenRejectedError)


@pytest.mark.parametrize("options", [BARE, *EXTENDED])
def test_a_403_stores_nothing_for_a_user_without_stored_ratings(
    function: InMemoryFunction, options: QueryOptions
) -> None:
    function.apple.fail_with(UserTokenRejectedError)

    function.read(options=options)

    assert function.calls[-1] == "invalidate"
    assert function.dynamodb.items == {}


def test_a_failed_invalidation_is_counted(function: InMemoryFunction) -> None:
    function.apple.fail_with(UserTokenRejectedError)
    function.dynamodb.failing = {"invalidate"}

    assert isinstance(function.read().error, UserTokenRejectedError)
    assert function.observer.counted == {Metric.CACHE_INVALIDATION_FAILED: 1}
    assert function.observer.reasons == ["Failing"]
