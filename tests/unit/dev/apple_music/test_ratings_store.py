"""Ratings in memory, which reads see some time after they were written."""

from dev.apple_music.ratings_store import RatingsStore
from dev.apple_music.sample_data import ADA, ITEMS, LIBRARY_ITEMS, LIKED_SONG, RATINGS
from tests.fakes.clock import FakeClock


def test_reads_see_each_write_after_the_lag() -> None:
    clock = FakeClock()
    store = RatingsStore(items=ITEMS, ratings=RATINGS, lag_seconds=2, clock=clock.monotonic)
    seen = []

    store.put(ADA, LIKED_SONG, -1)
    clock.advance(1)
    assert store.delete(ADA, LIKED_SONG)
    assert not store.delete(ADA, LIKED_SONG)
    for _ in range(3):
        seen.append(store.rating(ADA, LIKED_SONG))
        clock.advance(1)

    assert seen == [1, -1, None]


def test_a_reset_undoes_every_write() -> None:
    store = RatingsStore(items=ITEMS, ratings=RATINGS)
    store.delete(ADA, LIKED_SONG)
    store.put(ADA, LIBRARY_ITEMS[0].ids[0], 1)
    store.reset()
    assert store.rating(ADA, LIKED_SONG) == 1
    assert store.rating(ADA, LIBRARY_ITEMS[0].ids[0]) is None
