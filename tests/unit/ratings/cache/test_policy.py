import pytest

from functions.ratings.cache.policy import CachedRating, Generation
from functions.ratings.cache.status import BYPASS, CacheStatus
from functions.ratings.models import NOT_RATED
from tests.fakes.ratings_function import POLICY

CACHED = CachedRating(rating=NOT_RATED, requested_at=1000, generation=None)


@pytest.mark.parametrize(
    ("seconds", "is_fresh", "is_stale"),
    [
        (-1.1, False, False),  # clocks differ by less
        (-1, True, False),
        (59.999, True, False),
        (60, False, True),
        (3659.999, False, True),
        (3660, False, False),
        (10**9, False, False),
    ],
)
def test_a_rating_is_fresh_then_stale_then_unusable(
    seconds: float, *, is_fresh: bool, is_stale: bool
) -> None:
    assert POLICY.is_fresh(CACHED, 1000 + seconds) is is_fresh
    assert POLICY.is_stale(CACHED, 1000 + seconds) is is_stale


@pytest.mark.parametrize(("now", "age", "ttl"), [(1018.9, 18, 42), (1090, 90, -30), (999, 0, 60)])
def test_age_and_ttl_are_whole_seconds_that_add_up(now: float, age: int, ttl: int) -> None:
    assert (CACHED.age(now), POLICY.ttl(CACHED, now)) == (age, ttl)


def test_dynamodb_deletes_an_unusable_rating_and_a_generation_after_its_last_one() -> None:
    last_write = 1000.5 + POLICY.deadline_seconds

    assert POLICY.expires_at(1000.5) == 1000 + 3660 + 1
    assert POLICY.generation_expires_at(1000.5) == 1000 + 6 + 3660 + 60
    assert POLICY.generation_expires_at(1000.5) > POLICY.expires_at(last_write)


@pytest.mark.parametrize(
    ("generation", "settled_after"),
    [
        (Generation(), 0),
        (Generation(number=1, writing_until=100), 105),
        (Generation(number=1, settling_until=100), 100),
        (Generation(number=1, unknown_until=100), 100),
        (Generation(number=1, writing_until=100, settling_until=90, unknown_until=150), 150),
    ],
)
def test_a_family_settles_after_its_last_write(
    generation: Generation, settled_after: float
) -> None:
    assert not generation.is_settled(settled_after)
    assert generation.is_settled(settled_after + 0.001)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (CacheStatus(ttl=42), "hit; ttl=42"),
        (CacheStatus(fwd="miss", stored=True), "fwd=miss; stored"),
        (BYPASS, "fwd=bypass"),
        (
            CacheStatus(fwd="stale", ttl=-30, detail="stale-if-error"),
            "fwd=stale; ttl=-30; detail=stale-if-error",
        ),
        (CacheStatus(ttl=-30, detail="stale-if-error"), "hit; ttl=-30; detail=stale-if-error"),
    ],
)
def test_the_cache_status_has_the_form_of_rfc_9211(status: CacheStatus, text: str) -> None:
    assert str(status) == f"apple-music-ratings; {text}"
