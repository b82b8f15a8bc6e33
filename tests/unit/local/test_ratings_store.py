"""What Apple Music remembers, and when a write of it shows."""

from __future__ import annotations

import pytest

from local.ratings_store import RatingsStore, ResourceId

ADA, GRACE = "sample-user-token-ada", "sample-user-token-grace"
LIBRARY_SONG = ResourceId("library-songs", "i.7PJNN4mfXlD68R")
SONG = ResourceId("songs", "907242702")
ALBUM = ResourceId("albums", "907242702")


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def store(time: Time) -> RatingsStore:
    return RatingsStore(
        items=[(LIBRARY_SONG, SONG)],
        ratings={ADA: {LIBRARY_SONG: 1}, GRACE: {}},
        clock=time,
        lag_seconds=1.0,
    )


def test_only_the_given_users_are_known(store: RatingsStore) -> None:
    assert store.knows(ADA)
    assert not store.knows("sample-user-token-eve")


def test_all_ids_of_an_item_have_one_rating(store: RatingsStore) -> None:
    assert (store.rating(ADA, LIBRARY_SONG), store.rating(ADA, SONG)) == (1, 1)


def test_another_type_with_the_same_id_is_another_item(store: RatingsStore) -> None:
    assert store.rating(ADA, ALBUM) is None


def test_ratings_belong_to_one_user(store: RatingsStore) -> None:
    assert store.rating(GRACE, LIBRARY_SONG) is None


def test_a_write_shows_under_every_id_once_the_lag_has_passed(
    store: RatingsStore, time: Time
) -> None:
    store.put(ADA, SONG, -1)
    time.now = 0.9
    assert (store.rating(ADA, LIBRARY_SONG), store.rating(ADA, SONG)) == (1, 1)
    time.now = 1.0
    assert (store.rating(ADA, LIBRARY_SONG), store.rating(ADA, SONG)) == (-1, -1)


def test_a_delete_shows_once_the_lag_has_passed(store: RatingsStore, time: Time) -> None:
    assert store.delete(ADA, SONG)
    assert store.rating(ADA, LIBRARY_SONG) == 1
    time.now = 1.0
    assert store.rating(ADA, LIBRARY_SONG) is None


def test_a_writer_sees_its_own_delete_at_once(store: RatingsStore) -> None:
    assert [store.delete(ADA, SONG), store.delete(ADA, LIBRARY_SONG)] == [True, False]


def test_an_item_never_rated_has_nothing_to_delete(store: RatingsStore) -> None:
    assert not store.delete(GRACE, SONG)


def test_the_last_write_wins_even_where_a_shorter_lag_shows_it_first(
    store: RatingsStore, time: Time
) -> None:
    store.put(ADA, SONG, -1)
    store.lag_seconds = 0.0
    store.put(ADA, SONG, 1)
    time.now = 2.0
    assert store.rating(ADA, SONG) == 1
