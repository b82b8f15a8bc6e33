"""Cool-off, cache bypass and retry budget, with a clock that only the tests advance."""

from random import Random

import pytest

from functions.ratings.metrics import Metric
from functions.ratings.resilience import (
    AppleAvailability,
    Attempt,
    Backoff,
    CacheBypass,
    Outcome,
    RetryBudget,
)
from tests.fakes.clock import FakeClock
from tests.fakes.observer import RecordingObserver

ANSWERED, FAILED = Outcome.ANSWERED, Outcome.FAILED


class Availability:
    def __init__(self) -> None:
        self.clock, self.observer = FakeClock(), RecordingObserver()
        self.policy = AppleAvailability(self.clock, Random(7), self.observer)

    def record(self, outcome: Outcome, retry_after: float = 0) -> float:
        """Record a call; return for how many seconds no request is sent."""
        self.policy.record(Attempt(outcome, frozenset(), 0.1, retry_after=retry_after))
        return self.policy.retry_after(has_stale=False)


@pytest.fixture
def availability() -> Availability:
    return Availability()


def test_each_429_in_a_row_doubles_the_cool_off_and_each_answer_halves_it(
    availability: Availability,
) -> None:
    limits = [1, 2, 4, 8, 16, 30, 30]
    for limit in limits:
        seconds = availability.record(Outcome.RATE_LIMITED)
        assert limit / 2 <= seconds <= limit
        assert availability.policy.is_cooling_off
        assert availability.policy.is_first_cool_off is (limit == 1)
        availability.clock.advance(seconds)
        assert not availability.policy.is_cooling_off
    assert availability.observer.counted == {Metric.COOL_OFF_STARTED: len(limits)}

    for _ in range(3):
        assert availability.record(ANSWERED) == 0
    assert 3.75 <= availability.record(Outcome.RATE_LIMITED) <= 7.5
    for _ in range(5):
        availability.record(ANSWERED)
    assert availability.record(Outcome.RATE_LIMITED) <= 1


def test_a_cool_off_lasts_as_long_as_apple_requires(availability: Availability) -> None:
    assert availability.record(Outcome.RATE_LIMITED, retry_after=7) == 7
    assert availability.policy.retry_after(has_stale=True) == 7


def test_a_failure_neither_starts_nor_shortens_a_cool_off(availability: Availability) -> None:
    assert availability.record(FAILED) == 0
    availability.clock.advance(availability.record(Outcome.RATE_LIMITED))
    availability.record(FAILED)

    assert availability.record(Outcome.RATE_LIMITED) > 1


def test_cool_offs_have_jitter() -> None:
    clock, observer, seconds = FakeClock(), RecordingObserver(), set()
    for seed in range(1000):
        policy = AppleAvailability(clock, Random(seed), observer)
        policy.record(Attempt(Outcome.RATE_LIMITED, frozenset(), 0.1))
        seconds.add(round(policy.retry_after(has_stale=False), 2))

    assert seconds == {step / 100 for step in range(50, 101)}


def test_an_answer_with_429_closes_the_breaker(availability: Availability) -> None:
    for _ in range(5):
        availability.record(FAILED)
    availability.clock.advance(10)

    assert availability.record(Outcome.RATE_LIMITED) <= 1
    assert availability.observer.counted[Metric.BREAKER_CLOSED] == 1


class Bypass:
    def __init__(self) -> None:
        self.clock, self.observer = FakeClock(), RecordingObserver()
        self.policy = CacheBypass(self.clock, self.observer)

    def fails(self, times: int = 1) -> bool:
        for _ in range(times):
            self.policy.failed()
        return self.policy.is_active


def test_the_cache_is_bypassed_after_three_failures_in_a_row() -> None:
    bypass = Bypass()
    assert not bypass.fails(2)
    bypass.policy.succeeded()
    assert not bypass.fails(2)

    assert bypass.fails()
    assert bypass.observer.counted == {Metric.CACHE_BYPASS_STARTED: 1}


def test_a_bypass_lasts_a_second_and_doubles_to_ten_while_the_probe_fails() -> None:
    bypass = Bypass()
    bypass.fails(2)
    for seconds in (1, 2, 4, 8, 10, 10):
        assert bypass.fails(), "one failed probe is enough"
        bypass.clock.advance(seconds - 0.1)
        assert bypass.policy.is_active
        bypass.clock.advance(0.1)
        assert not bypass.policy.is_active


def test_failures_during_a_bypass_do_not_prolong_it() -> None:
    bypass = Bypass()
    bypass.fails(10)

    bypass.clock.advance(1)
    assert not bypass.policy.is_active


def test_a_success_ends_a_bypass() -> None:
    bypass = Bypass()
    bypass.fails(3)
    bypass.policy.succeeded()

    assert not bypass.policy.is_active
    assert not bypass.fails(2)


def test_a_pause_without_jitter_is_exact() -> None:
    backoff = Backoff(FakeClock(), first=2.0, limit=2.0)
    assert backoff.remaining() == 0

    for _ in range(3):
        backoff.failed()
        assert backoff.remaining() == 2.0


def test_up_to_ten_retries_are_saved_and_ten_requests_earn_one_retry() -> None:
    budget = RetryBudget()
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]

    for _ in range(9):
        budget.earn()
    assert not budget.spend()
    for _ in range(2):  # in floating point, ten times 0.1 is less than 1
        budget.earn()
    assert budget.spend()
