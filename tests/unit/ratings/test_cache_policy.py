import pytest

from functions.ratings.cache_policy import (
    CachedRating,
    CachePolicy,
    ClosedWrite,
    Freshness,
    Generation,
    OpenWrite,
    age,
    is_last_word,
)
from functions.ratings.cache_status import BYPASS, CacheStatus
from functions.ratings.models import Rating

POLICY = CachePolicy(fresh_seconds=60, stale_if_error_seconds=3600, deadline_seconds=6)


def cached(at: float, generation: int | None = None) -> CachedRating:
    return CachedRating(rating=Rating("{}"), requested_at=at, generation=generation)


@pytest.mark.parametrize(
    ("seconds", "freshness"),
    [
        (0, Freshness.FRESH),
        (59.999, Freshness.FRESH),
        (60, Freshness.STALE),
        (3659.999, Freshness.STALE),
        (3660, Freshness.UNUSABLE),
        (10**9, Freshness.UNUSABLE),
    ],
)
def test_a_rating_is_fresh_then_stale_then_nothing(seconds: float, freshness: Freshness) -> None:
    assert POLICY.freshness(cached(1000), 1000 + seconds) is freshness


def test_a_clock_may_be_a_little_behind_but_not_more() -> None:
    assert POLICY.freshness(cached(1001), 1000) is Freshness.FRESH
    assert POLICY.freshness(cached(1001.1), 1000) is Freshness.UNUSABLE


def test_age_and_ttl_are_whole_seconds_that_add_up() -> None:
    assert (age(cached(1000), 1018.9), POLICY.ttl(cached(1000), 1018.9)) == (18, 42)
    assert (age(cached(1000), 1090), POLICY.ttl(cached(1000), 1090)) == (90, -30)
    assert age(cached(1001), 1000) == 0


def test_dynamodb_deletes_only_what_can_no_longer_be_used() -> None:
    expires_at = POLICY.expires_at(1000.5)

    assert POLICY.freshness(cached(1000.5), expires_at) is Freshness.UNUSABLE
    assert expires_at == 1000 + 3660 + 1


def test_a_generation_is_kept_for_as_long_as_a_write_may_matter() -> None:
    """A rating's whole time after the longest write, and the time of one that was lost."""
    assert POLICY.generation_expires_at(1000.5) == 1000 + 6 + 3660 + 60


@pytest.mark.parametrize("contested", [False, True])
@pytest.mark.parametrize("alone", [False, True])
def test_a_write_is_the_last_word_if_no_other_came_before_nor_since(
    contested: bool, alone: bool
) -> None:
    opened = OpenWrite(generation=7, contested=contested)
    closed = ClosedWrite(generation=8, alone=alone)

    assert is_last_word(opened, closed) is (alone and not contested)
    assert not is_last_word(None, closed)


def test_a_generation_covers_what_was_stored_under_it() -> None:
    assert Generation().covers(cached(0))
    assert Generation(number=7).covers(cached(0, 7))
    assert not Generation(number=7).covers(cached(0, 6))
    assert not Generation(number=7).covers(cached(0))
    assert not Generation().covers(cached(0, 7))


@pytest.mark.parametrize(
    ("generation", "settled_after"),
    [
        (Generation(number=1, writing_until=100), 105),
        (Generation(number=1, settling_until=100), 100),
        (Generation(number=1, unknown_until=100), 100),
        (Generation(number=1, writing_until=100, settling_until=90, unknown_until=150), 150),
    ],
)
def test_a_family_settles_when_its_last_write_is_past(
    generation: Generation, settled_after: float
) -> None:
    assert not generation.is_settled(settled_after)
    assert generation.is_settled(settled_after + 0.001)


def test_a_family_that_was_never_written_is_settled() -> None:
    assert Generation().is_settled(0.001)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (CacheStatus(ttl=42), "hit; ttl=42"),
        (CacheStatus(fwd="miss", stored=True), "fwd=miss; stored"),
        (CacheStatus(fwd="stale", stored=True), "fwd=stale; stored"),
        (BYPASS, "fwd=bypass"),
        (
            CacheStatus(fwd="stale", ttl=-30, detail="stale-if-error"),
            "fwd=stale; ttl=-30; detail=stale-if-error",
        ),
        (CacheStatus(ttl=-30, detail="stale-if-error"), "hit; ttl=-30; detail=stale-if-error"),
    ],
)
def test_the_cache_says_what_it_did_as_rfc_9211_has_it(status: CacheStatus, text: str) -> None:
    assert str(status) == f"apple-music-ratings; {text}"
