import pytest

from functions.ratings.cache.policy import (
    Answer,
    CachedRating,
    CacheSnapshot,
    Family,
    StoredRating,
)
from functions.ratings.cache.status import BYPASS, CacheStatus
from tests.fakes.ratings_function import POLICY

CACHED = CachedRating(-1, requested_at=1000, fresh_until=1060, stale_until=4660)
LATEST = Answer(1, requested_at=1000, closed_at=1001, generation=7)
EARLIER = LATEST._replace(generation=5)
FAMILY = Family(number=7)


@pytest.mark.parametrize(
    ("seconds", "is_fresh", "is_stale"),
    [
        (0, True, False),
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
    cached = POLICY.choose(StoredRating(-1, 1000), None, FAMILY, 1000 + seconds)

    assert cached == CACHED
    assert (cached.is_fresh(1000 + seconds), cached.is_stale(1000 + seconds)) == (
        is_fresh,
        is_stale,
    )


@pytest.mark.parametrize(("now", "age", "ttl"), [(1018.9, 18, 42), (1090, 90, -30), (999, 0, 61)])
def test_age_and_ttl_are_whole_seconds(now: float, age: int, ttl: int) -> None:
    assert (CACHED.age(now), CACHED.ttl(now)) == (age, ttl)


@pytest.mark.parametrize(
    ("stored", "answer", "now", "chosen"),
    [
        (999, LATEST, 1002, CachedRating(1, 1000, 1060, 4660)),
        (1000, LATEST, 1002, CachedRating(1, 1000, 1060, 4660)),
        (1001, LATEST, 1002, CachedRating(-1, 1001, 1061, 4661)),
        (None, LATEST, 9999, CachedRating(1, 1000, 1060, 4660)),
        (999, EARLIER, 1005.9, CachedRating(1, 1000, 1006, 1006)),
        (999, EARLIER, 1006, CachedRating(-1, 999, 1059, 4659)),
        (None, EARLIER, 1006, None),
        (None, None, 1000, None),
    ],
)
def test_the_later_value_is_used_and_the_answer_of_an_earlier_write_only_for_five_seconds(
    stored: float | None, answer: Answer | None, now: float, chosen: CachedRating | None
) -> None:
    in_bucket = None if stored is None else StoredRating(-1, stored)

    assert POLICY.choose(in_bucket, answer, FAMILY, now) == chosen


def test_a_write_is_fresh_until_it_has_settled_even_if_the_fresh_window_is_shorter() -> None:
    brief = type(POLICY)(fresh_seconds=1, stale_if_error_seconds=60, deadline_seconds=6)

    chosen = brief.choose(None, LATEST, FAMILY, 1002)

    assert chosen == CachedRating(1, 1000, fresh_until=1006, stale_until=1061)


def test_dynamodb_deletes_an_unusable_rating_and_later_its_family() -> None:
    last_write = 1000.5 + POLICY.deadline_seconds

    assert POLICY.expires_at(1000.5) == 1000 + 3660 + 1
    assert POLICY.family_expires_at(1000.5) == 1000 + 6 + 3660 + 60
    assert POLICY.family_expires_at(1000.5) > POLICY.expires_at(last_write)


@pytest.mark.parametrize(
    ("family", "settled_after"),
    [
        (Family(), 0),
        (Family(number=1, writing_until=100), 105),
        (Family(number=1, settling_until=100), 100),
        (Family(number=1, unknown_until=100), 100),
        (Family(number=1, writing_until=100, settling_until=90, unknown_until=150), 150),
    ],
)
def test_a_response_is_stored_only_if_the_family_was_settled_before_the_request(
    family: Family, settled_after: float
) -> None:
    snapshot = CacheSnapshot(read_at=settled_after, family=family)

    assert not snapshot.accepts(requested_at=settled_after, now=settled_after)
    assert snapshot.accepts(requested_at=settled_after + 0.001, now=settled_after + 1)


def test_nothing_is_stored_under_an_unread_family_or_long_after_the_read() -> None:
    snapshot = CacheSnapshot(read_at=100, family=Family())

    assert snapshot.accepts(requested_at=100, now=104.5)
    assert not snapshot.accepts(requested_at=100, now=104.6)
    assert not snapshot._replace(family=None).accepts(requested_at=100, now=100)


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
