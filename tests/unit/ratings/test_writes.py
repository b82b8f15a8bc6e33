import pytest

from functions.ratings.cache.lookup import ReadResult
from functions.ratings.cache.status import CacheStatus
from functions.ratings.errors import (
    AppleRateLimitedError,
    DeadlineExceededError,
    DeveloperTokenRejectedError,
    DeveloperTokenUnavailableError,
    RatingsError,
    UserTokenRejectedError,
)
from functions.ratings.metrics import Metric
from functions.ratings.models import rating_of
from functions.shared.http.messages import Response
from tests.fakes.apple_music import FAILURES, REJECTIONS, Value, response
from tests.fakes.ratings_function import ADA, CATALOG_SONG, DEVELOPER_JWT, SONG, InMemoryFunction

DISLIKED = rating_of(SONG, -1)
MISS, STORED = CacheStatus(fwd="miss"), CacheStatus(fwd="miss", stored=True)
STEPS = ["open", "PUT", "close"]
SECONDS: dict[type[RatingsError], int] = {
    **dict.fromkeys(FAILURES, 60),
    **dict.fromkeys(REJECTIONS, 5),
    AppleRateLimitedError: 5,
}
"""Seconds for which Apple's responses are not stored after a write failed with the error."""

# After these two errors, the pause in calls to Apple is longer.
del SECONDS[UserTokenRejectedError], SECONDS[DeveloperTokenRejectedError]


def assert_nothing_is_stored_for(function: InMemoryFunction, seconds: float) -> None:
    function.apple.fail_with(None)
    function.clock.advance(seconds)
    assert function.read().cache_status == MISS
    function.clock.advance(0.1)
    assert function.read().cache_status == STORED
    assert function.read().cache_status == CacheStatus(ttl=60)


@pytest.mark.parametrize(("value", "method"), [(-1, "PUT"), (1, "PUT"), (None, "DELETE")])
def test_a_write_is_opened_sent_and_closed_and_then_read_from_the_cache(
    function: InMemoryFunction, value: Value, method: str
) -> None:
    written = rating_of(SONG, value or 0)
    assert function.write(value, language="de") == written

    assert function.calls == ["open", method, "close"]
    assert function.apple.value(ADA.value, SONG.id) == value
    assert function.apple.requests[0].target == "/v1/me/ratings/library-songs/i.a?l=de"
    assert function.apple.seconds == pytest.approx([5])  # of 6: 1 is reserved for the close
    hit = ReadResult(ratings=(written,), cache_status=CacheStatus(ttl=42), age=18)
    function.clock.advance(18)
    assert function.read() == hit


def test_values_written_in_a_row_are_returned_while_apple_still_returns_the_old_ones(
    function: InMemoryFunction,
) -> None:
    function.apple.lag = 4
    keys = [SONG._replace(id=f"i.{number}") for number in range(10)]
    for key in keys:
        function.write(-1, key=key)

    ratings = tuple(rating_of(key, -1) for key in keys)
    assert function.read(*(key.id for key in keys)).ratings == ratings
    for key in keys:
        assert function.read(key.id).cache_status.fwd is None


def test_after_a_write_to_the_catalog_id_the_library_id_is_a_miss_until_the_family_has_settled(
    function: InMemoryFunction,
) -> None:
    function.read()
    function.write(-1, key=CATALOG_SONG)

    assert function.read().ratings == (DISLIKED,)
    assert_nothing_is_stored_for(function, seconds=5)


def test_an_unclear_success_returns_the_requested_rating_and_is_not_read_from_the_cache(
    function: InMemoryFunction,
) -> None:
    function.apple.respond_with(response(200, '{"data":[{"unexpected":1}]}'))

    assert function.write(-1) == DISLIKED
    assert_nothing_is_stored_for(function, seconds=5)


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
def test_after_an_attempt_with_an_unknown_outcome_nothing_is_stored_for_a_minute(
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

    assert function.calls == STEPS
    assert_nothing_is_stored_for(function, seconds=60)


@pytest.mark.parametrize(
    ("seconds", "secret", "error"),
    [
        (1.9, DEVELOPER_JWT, DeadlineExceededError),
        (6, "not a JWT", DeveloperTokenUnavailableError),
    ],
)
def test_a_write_that_cannot_be_sent_is_not_announced(
    function: InMemoryFunction, seconds: float, secret: str, error: type[RatingsError]
) -> None:
    function.secret.text = secret

    with pytest.raises(error):
        function.write(-1, seconds=seconds)

    assert function.calls == []
    assert error.metric is not None
    assert function.observer.counted[error.metric] == 1


@pytest.mark.parametrize("failing", [{"open"}, {"close"}, {"open", "close"}])
def test_a_write_succeeds_if_the_cache_fails(function: InMemoryFunction, failing: set[str]) -> None:
    function.dynamodb.failing = failing

    assert function.write(-1) == DISLIKED
    assert function.calls == STEPS
    assert function.observer.counted == {Metric.CACHE_INVALIDATION_FAILED: len(failing)}
    assert function.observer.reasons == ["Failing"] * len(failing)
