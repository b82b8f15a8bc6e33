import pytest

from functions.ratings.apple.documents import rating_of
from functions.ratings.cache.status import CacheStatus
from functions.ratings.errors import (
    AppleRateLimitedError,
    DeadlineExceededError,
    DeveloperTokenUnavailableError,
    RatingsError,
    UserTokenRejectedError,
)
from functions.ratings.metrics import Metric
from functions.shared.http.messages import Response
from tests.fakes.apple_music import FAILURES, REJECTIONS, Value, response
from tests.fakes.ratings_function import ADA, CATALOG_SONG, SONG, InMemoryFunction

DISLIKED = rating_of(SONG, -1)
MISS, STORED = CacheStatus(fwd="miss"), CacheStatus(fwd="miss", stored=True)
WITHOUT_STORE = ["open", "PUT", "close"]
SECONDS: dict[type[RatingsError], int] = {
    **dict.fromkeys(FAILURES, 60),
    **dict.fromkeys(REJECTIONS, 5),
    AppleRateLimitedError: 5,
}
"""How long after each error of a write Apple's responses are not stored."""

del SECONDS[UserTokenRejectedError]  # reads are rejected from memory for longer


def assert_nothing_is_stored_for(function: InMemoryFunction, seconds: float) -> None:
    function.apple.fail_with(None)
    function.clock.advance(seconds)
    assert function.read().cache_status == MISS
    function.clock.advance(0.1)
    assert function.read().cache_status == STORED
    assert function.read().cache_status == CacheStatus(ttl=60)


@pytest.mark.parametrize(("value", "method"), [(-1, "PUT"), (1, "PUT"), (None, "DELETE")])
def test_a_write_is_announced_sent_closed_and_stored(
    function: InMemoryFunction, value: Value, method: str
) -> None:
    assert function.write(value, language="de") == rating_of(SONG, value)

    assert function.calls == ["open", method, "close", "store"]
    assert function.apple.value(ADA.value, SONG.id) == value
    assert function.apple.requests[0].target == "/v1/me/ratings/library-songs/i.a?l=de"
    assert function.apple.seconds == pytest.approx([5])
    assert function.read().ratings == (rating_of(SONG, value),)
    assert function.read().cache_status == CacheStatus(ttl=60)


def test_a_write_to_the_catalog_id_invalidates_the_library_id_until_it_has_settled(
    function: InMemoryFunction,
) -> None:
    function.read()
    function.write(-1, key=CATALOG_SONG)

    assert function.read().ratings == (DISLIKED,)
    assert_nothing_is_stored_for(function, seconds=5)


def test_an_unclear_success_returns_the_requested_rating_and_stores_nothing(
    function: InMemoryFunction,
) -> None:
    function.apple.respond_with(response(200, '{"data":[{"unexpected":1}]}'))

    assert function.write(-1) == DISLIKED
    assert function.calls == WITHOUT_STORE


@pytest.mark.parametrize(("error", "seconds"), SECONDS.items())
def test_after_a_failure_nothing_is_stored_until_the_family_has_settled(
    function: InMemoryFunction, error: type[RatingsError], seconds: float
) -> None:
    function.apple.fail_with(error)

    with pytest.raises(error):
        function.write(None)

    assert [function.calls[0], function.calls[-1]] == ["open", "close"]
    assert_nothing_is_stored_for(function, seconds)


@pytest.mark.parametrize("second", [response(204), response(403), response(410)])
def test_after_a_lost_attempt_nothing_is_stored_for_a_minute(
    function: InMemoryFunction, second: Response
) -> None:
    function.apple.respond_with(response(500), second)

    if second.status == 204:
        assert function.write(-1) == DISLIKED
    else:
        with pytest.raises(RatingsError):
            function.write(-1)

    assert function.calls == ["open", "PUT", "PUT", "close"]
    assert_nothing_is_stored_for(function, seconds=60)


def test_after_a_defect_the_write_is_closed_with_an_unknown_outcome() -> None:
    def fail(step: str) -> None:
        if step == "PUT":
            raise LookupError

    function = InMemoryFunction(before=fail)
    with pytest.raises(LookupError):
        function.write(-1)

    assert function.calls == WITHOUT_STORE
    assert_nothing_is_stored_for(function, seconds=60)


def test_a_write_that_would_not_be_sent_is_not_announced(function: InMemoryFunction) -> None:
    with pytest.raises(DeadlineExceededError):
        function.write(-1, seconds=1.4)

    assert function.calls == []
    assert function.observer.counted == {Metric.UPSTREAM_NOT_CALLED: 1}


def test_a_write_without_a_developer_token_has_no_unknown_outcome(
    function: InMemoryFunction,
) -> None:
    usable, function.secret.text = function.secret.text, "not a JWT"
    with pytest.raises(DeveloperTokenUnavailableError):
        function.write(-1)
    function.secret.text = usable

    assert function.calls == ["open", "close"]
    assert_nothing_is_stored_for(function, seconds=5)


@pytest.mark.parametrize(
    ("failing", "steps", "metrics"),
    [
        ({"open"}, WITHOUT_STORE, {Metric.CACHE_INVALIDATION_FAILED: 1}),
        ({"close"}, WITHOUT_STORE, {Metric.CACHE_INVALIDATION_FAILED: 1}),
        ({"open", "close"}, WITHOUT_STORE, {Metric.CACHE_INVALIDATION_FAILED: 2}),
        ({"store"}, [*WITHOUT_STORE, "store"], {Metric.CACHE_STORE_FAILED: 1}),
    ],
)
def test_a_write_succeeds_if_the_cache_fails(
    function: InMemoryFunction, failing: set[str], steps: list[str], metrics: dict[Metric, int]
) -> None:
    function.dynamodb.failing = failing

    assert function.write(-1) == DISLIKED
    assert function.calls == steps
    assert function.observer.counted == metrics
    assert function.observer.reasons == ["Failing"] * sum(metrics.values())
