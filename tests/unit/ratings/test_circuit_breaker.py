"""The circuit breaker, with a clock that only the tests advance."""

from math import inf
from random import Random
from statistics import fmean

import pytest

from functions.ratings.metrics import Metric
from functions.ratings.models import RatingKey
from functions.ratings.resilience import Attempt, CircuitBreaker, Outcome
from tests.fakes.clock import FakeClock
from tests.fakes.observer import RecordingObserver

ANSWERED, FAILED, TIMED_OUT = Outcome.ANSWERED, Outcome.FAILED, Outcome.TIMED_OUT


class Breaker:
    """A circuit breaker whose calls take their time on the fake clock."""

    def __init__(self) -> None:
        self.clock, self.observer = FakeClock(), RecordingObserver()
        self.breaker = CircuitBreaker(self.clock, Random(7), self.observer)

    def answers(self, seconds: float = 0.1) -> None:
        self.record(ANSWERED, seconds=seconds)

    def fails(self, *lists: str) -> None:
        """Record one failed call for each list; `ab` is a list of the items `a` and `b`."""
        for items in lists:
            self.record(FAILED, items)

    def times_out(self, *, has_stale: bool = False, is_write: bool = False) -> float:
        """Record a timeout at the breaker's limit; return that limit in seconds."""
        seconds = self.breaker.patience(has_stale=has_stale, is_write=is_write)
        self.record(TIMED_OUT, seconds=min(seconds, 5), has_stale=has_stale)
        return seconds

    def record(
        self, outcome: Outcome, items: str = "a", seconds: float = 0.1, *, has_stale: bool = False
    ) -> None:
        self.clock.advance(seconds)
        keys = frozenset(RatingKey(type="songs", id=item) for item in items)
        self.breaker.record(Attempt(outcome, keys, seconds, has_stale))

    @property
    def waits(self) -> tuple[float, float]:
        """Seconds for which the breaker blocks a request without, and with, a stale copy."""
        seconds = [self.breaker.retry_after(has_stale=each) for each in (False, True)]
        return (round(seconds[0], 3), round(seconds[1], 3))

    @property
    def read_seconds(self) -> float:
        return self.breaker.patience(has_stale=False, is_write=False)


@pytest.fixture
def breaker() -> Breaker:
    return Breaker()


@pytest.fixture
def opened(breaker: Breaker) -> Breaker:
    """A breaker whose first probe is due."""
    breaker.times_out()
    breaker.times_out()
    breaker.clock.advance(10)
    return breaker


def test_five_failures_in_a_row_open_the_breaker_for_ten_seconds(breaker: Breaker) -> None:
    breaker.fails("a", "a", "b", "c")
    assert breaker.waits == (0, 0)

    breaker.fails("c")
    assert breaker.waits == (10, 10)
    assert breaker.observer.counted == {Metric.BREAKER_OPENED: 1}
    breaker.clock.advance(9.75)
    assert breaker.waits == (0.25, 0.25)
    breaker.clock.advance(0.25)
    assert breaker.waits == (0, 0)


@pytest.mark.parametrize(
    ("items", "is_open"),
    [
        (["a"] * 20, False),
        (["ab"] * 20, False),  # either item explains every failure
        (["a", "ab", "ca", "a", "abc"] * 4, False),  # `a` explains every failure
        (["ab", "ab", "bc", "ca", "ab"], True),
        (["", "a", "a", "a", "a"], True),  # the probe of the developer token has no item
    ],
)
def test_failures_that_one_item_explains_do_not_open_the_breaker(
    breaker: Breaker, items: list[str], is_open: bool
) -> None:
    breaker.fails(*items)

    assert bool(breaker.waits[0]) is is_open


def test_a_response_for_any_item_resets_the_count_of_failures(breaker: Breaker) -> None:
    breaker.fails("a", "a", "a", "b")
    breaker.answers()
    breaker.fails("a", "a", "a", "b")

    assert breaker.waits == (0, 0)


def test_a_read_waits_4_seconds_and_after_a_timeout_only_1_5_seconds(breaker: Breaker) -> None:
    for _ in range(2):
        assert breaker.times_out() == 4.0
        assert (breaker.read_seconds, breaker.waits) == (1.5, (0, 0))
        breaker.answers(seconds=1.4)


def test_two_timeouts_open_the_breaker_even_for_the_same_item(breaker: Breaker) -> None:
    assert [breaker.times_out(), breaker.times_out()] == [4.0, 1.5]

    assert breaker.waits == (10, 10)


def test_a_timeout_of_less_than_a_second_is_ignored(breaker: Breaker) -> None:
    for _ in range(6):
        breaker.record(TIMED_OUT, seconds=0.9)

    assert (breaker.read_seconds, breaker.waits) == (4.0, (0, 0))


def test_probes_wait_1_5_and_4_seconds_in_turn(opened: Breaker) -> None:
    for seconds in (1.5, 4.0, 1.5, 4.0):
        assert opened.times_out() == seconds
        assert 5 <= opened.waits[0] <= 15, "one failed probe is enough"
        opened.clock.advance(opened.waits[0])
    assert opened.observer.counted == {Metric.BREAKER_OPENED: 5}

    opened.answers()
    opened.fails("a", "b", "a", "b")
    assert (opened.waits, opened.read_seconds) == ((0, 0), 4.0)
    assert opened.observer.counted[Metric.BREAKER_CLOSED] == 1


def test_a_probe_that_fails_at_once_opens_the_breaker_again(opened: Breaker) -> None:
    opened.fails("a")

    assert 5 <= opened.waits[0] <= 15


def test_pauses_after_failed_probes_have_jitter(opened: Breaker) -> None:
    seconds = []
    for _ in range(1000):
        opened.fails("a")
        seconds.append(opened.waits[0])
        opened.clock.advance(seconds[-1] + 1e-3)

    assert (round(min(seconds)), round(max(seconds))) == (5, 15)
    assert abs(fmean(seconds) - 10) < 0.5


def test_only_a_request_without_a_stale_copy_makes_the_long_probe(opened: Breaker) -> None:
    opened.times_out()
    any_seconds, stale_seconds = opened.waits
    assert stale_seconds == any_seconds + 10

    opened.clock.advance(stale_seconds)
    assert opened.times_out(has_stale=True) == 1.5, "10 s later, a short probe with a stale copy"
    any_seconds, stale_seconds = opened.waits
    assert stale_seconds == any_seconds + 10
    opened.clock.advance(any_seconds)
    assert opened.read_seconds == 4.0
    opened.answers(seconds=1.8)
    assert opened.waits == (0, 8.2), "Apple is slow: a stale copy would be served anyway"


def test_the_breaker_never_limits_a_write_to_less_than_4_seconds(breaker: Breaker) -> None:
    assert breaker.breaker.patience(has_stale=False, is_write=True) == inf
    breaker.times_out()
    assert breaker.times_out(is_write=True) == 4.0

    for _ in range(3):
        breaker.clock.advance(breaker.waits[0])
        assert breaker.times_out(is_write=True) == 4.0
        assert breaker.waits[0] >= 5


def test_three_timeouts_of_requests_with_a_stale_copy_block_only_such_requests(
    breaker: Breaker,
) -> None:
    for _ in range(2):
        assert breaker.times_out(has_stale=True) == 1.5
        assert breaker.waits == (0, 0)
    breaker.times_out(has_stale=True)
    assert (breaker.waits, breaker.read_seconds) == ((0, 10), 4.0)
    assert breaker.observer.counted == {Metric.STALE_ONLY_STARTED: 1}

    breaker.clock.advance(10)
    assert breaker.waits == (0, 0)
    breaker.times_out(has_stale=True)
    assert breaker.waits == (0, 10), "one call is enough to see that Apple is still slow"


@pytest.mark.parametrize(("seconds", "is_slow"), [(1.4, False), (1.5, True)])
def test_only_a_response_under_1_5_seconds_resets_the_count_of_timeouts_with_a_stale_copy(
    breaker: Breaker, seconds: float, is_slow: bool
) -> None:
    for _ in range(3):
        breaker.answers(seconds)
        breaker.times_out(has_stale=True)
    assert bool(breaker.waits[1]) is is_slow

    breaker.answers()
    assert breaker.waits == (0, 0)


def test_timeouts_of_requests_with_a_stale_copy_are_not_failures(breaker: Breaker) -> None:
    breaker.fails("a", "a", "b", "b")
    for _ in range(4):
        breaker.times_out(has_stale=True)
    assert (breaker.waits[0], breaker.read_seconds) == (0, 4.0)

    breaker.fails("a")
    assert breaker.waits[0] == 10, "no response arrived: the count is not reset"
