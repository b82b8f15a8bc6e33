from dataclasses import replace

import pytest

from functions.ratings.apple_music import AppleRequest, AppleResponse
from functions.ratings.deadline import Deadline
from functions.ratings.errors import (
    AppleAnswerUnusableError,
    AppleNotAskedError,
    AppleTooSlowError,
    AppleUnreachableError,
    AppleUntrustedError,
    DependencyError,
)
from functions.ratings.metrics import Metric
from functions.ratings.retrying import (
    Breaker,
    Exchanged,
    Outcome,
    RetryBudget,
    RetryingExchange,
    is_failure,
    outcome_unknown,
    retry_delay,
)
from tests.fakes.apple_music import FakeExchange, answer
from tests.fakes.clock import FakeClock
from tests.fakes.observer import RecordingObserver

GET = AppleRequest(method="GET", path="/v1/me/ratings/library-songs/i.a")
HEADERS = {"Music-User-Token": "ada"}
OK = answer(200)
LOST = AppleUnreachableError("ProtocolError")


@pytest.mark.parametrize(
    ("outcome", "delay"),
    [
        (LOST, 0.1),
        (answer(500), 0.1),
        (answer(502), 0.1),
        (answer(504), 0.1),
        (answer(503), 0.1),
        (answer(503, retry_after="1"), None),
        (answer(429), 0.75),
        (answer(429, retry_after="1"), 0.75),
        (answer(501), None),
        (answer(520), None),
        (answer(400), None),
        (answer(401), None),
        (answer(403), None),
        (answer(404), None),
        (answer(302), None),
        (OK, None),
        (AppleTooSlowError("late"), None),
        (AppleUntrustedError("SSLError"), None),
        (AppleAnswerUnusableError("odd"), None),
    ],
)
def test_only_what_passes_quickly_is_tried_again(outcome: Outcome, delay: float | None) -> None:
    assert retry_delay(outcome, stand_in=False, chance=lambda: 0.5) == delay


@pytest.mark.parametrize(("outcome", "least", "most"), [(LOST, 0, 0.2), (answer(429), 0.5, 1)])
def test_the_delay_is_spread_over_all_of_its_range(
    outcome: Outcome, least: float, most: float
) -> None:
    assert retry_delay(outcome, stand_in=False, chance=lambda: 0) == least
    assert retry_delay(outcome, stand_in=False, chance=lambda: 1) == most


def test_with_a_copy_at_hand_throttling_is_not_waited_for() -> None:
    assert retry_delay(answer(429), stand_in=True, chance=lambda: 0.5) is None
    assert retry_delay(answer(500), stand_in=True, chance=lambda: 0.5) == 0.1


@pytest.mark.parametrize(
    ("outcome", "failure"),
    [
        (LOST, True),
        (AppleUntrustedError("x"), True),
        (AppleTooSlowError("x"), True),
        (answer(500), True),
        (answer(503), True),
        (AppleAnswerUnusableError("x"), False),
        (answer(404), False),
        (answer(429), False),
        (OK, False),
    ],
)
def test_a_failure_is_what_speaks_for_apple_being_down(outcome: Outcome, failure: bool) -> None:
    assert is_failure(outcome) is failure


def test_a_budget_is_spent_and_earned_back_slowly() -> None:
    budget = RetryBudget()
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]

    for _ in range(9):
        budget.earn()
    assert not budget.spend()
    budget.earn()
    budget.earn()
    assert budget.spend()
    assert not budget.spend()


def test_no_more_is_saved_than_a_burst_needs() -> None:
    budget = RetryBudget()
    for _ in range(1000):
        budget.earn()

    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]


def test_five_failures_in_a_row_open_the_breaker_for_ten_seconds() -> None:
    clock = FakeClock()
    breaker = Breaker(clock)
    for outcome in (LOST, LOST, LOST, LOST, OK, LOST, LOST, LOST, LOST):
        breaker.saw(outcome)
        assert breaker.wait() == 0

    breaker.saw(LOST)
    assert breaker.wait() == 10
    clock.advance(9)
    assert breaker.wait() == 1
    clock.advance(1)
    assert breaker.wait() == 0


def test_one_request_tries_whether_apple_is_back() -> None:
    clock = FakeClock()
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.saw(LOST)
    clock.advance(10)

    breaker.saw(LOST)
    assert breaker.wait() == 10
    clock.advance(10)
    breaker.saw(OK)
    breaker.saw(LOST)
    assert breaker.wait() == 0


class Sending:
    """A retrying exchange, and the clock that it sleeps by."""

    def __init__(self, *answers: AppleResponse | DependencyError, takes: float = 0.0) -> None:
        self.clock = FakeClock()
        self.exchange = FakeExchange(*answers, clock=self.clock, takes=takes)
        self.observer = RecordingObserver()
        self.retrying = RetryingExchange(
            self.exchange,
            clock=self.clock,
            sleep=self.clock.advance,
            chance=lambda: 0.5,
            observer=self.observer,
        )

    def send(self, seconds: float = 6, *, stand_in: bool = False) -> Exchanged:
        deadline = Deadline.after(seconds, self.clock)
        return self.retrying.send(GET, deadline, headers=HEADERS, stand_in=stand_in)


@pytest.mark.parametrize(
    ("outcome", "unknown"),
    [
        (LOST, True),
        (AppleTooSlowError("x"), True),
        (AppleAnswerUnusableError("x"), True),
        *((answer(status), True) for status in (500, 502, 503, 504, 520)),
        (answer(503, retry_after="1"), True),
        *((answer(status), False) for status in (200, 204, 301, 400, 401, 403, 404, 418, 429)),
    ],
)
def test_an_outcome_is_unknown_unless_apple_gave_a_definite_result(
    outcome: Outcome, unknown: bool
) -> None:
    assert outcome_unknown(outcome) is unknown


@pytest.mark.parametrize(
    ("first", "lost"),
    [
        (LOST, True),
        (answer(500), True),
        (answer(502), True),
        (answer(503), True),
        (answer(504), True),
        (answer(429), False),
    ],
)
def test_a_second_try_may_succeed(first: AppleResponse | DependencyError, lost: bool) -> None:
    sending = Sending(first, OK)

    assert sending.send() == Exchanged(response=OK, lost=lost)
    assert sending.exchange.requests == [GET, replace(GET, on_new_connection=True)]
    assert sending.exchange.headers == [HEADERS, HEADERS]


def test_with_a_copy_at_hand_a_throttled_request_is_not_sent_again() -> None:
    sending = Sending(answer(429), OK)

    assert sending.send(stand_in=True).response.status == 429
    assert sending.exchange.requests == [GET]


def test_each_call_is_measured_and_the_second_counted() -> None:
    sending = Sending(answer(500), OK, takes=0.25)

    sending.send()

    assert sending.observer.measured == {Metric.UPSTREAM_LATENCY: [pytest.approx(250)] * 2}
    assert sending.observer.counted == {Metric.UPSTREAM_RETRIED: 1}


def test_a_call_that_failed_is_measured_too() -> None:
    sending = Sending(AppleTooSlowError("late"), takes=2.0)

    with pytest.raises(AppleTooSlowError):
        sending.send()

    assert sending.observer.measured == {Metric.UPSTREAM_LATENCY: [pytest.approx(2000)]}
    assert sending.observer.counted == {}


def test_that_the_breaker_opens_is_counted_each_time() -> None:
    sending = Sending(answer(500))
    for _ in range(3):
        sending.send()
    assert sending.observer.counted[Metric.BREAKER_OPENED] == 1

    sending.clock.advance(10)
    sending.send()
    assert sending.observer.counted[Metric.BREAKER_OPENED] == 2


def test_there_is_no_third_try() -> None:
    sending = Sending(answer(500), answer(502), OK)

    assert sending.send().response.status == 502
    assert len(sending.exchange.requests) == 2


def test_a_second_failure_is_told_as_it_is() -> None:
    sending = Sending(answer(500), AppleTooSlowError("late"))

    with pytest.raises(AppleTooSlowError):
        sending.send()


def test_without_time_for_a_second_try_the_first_stands() -> None:
    sending = Sending(answer(429), OK)

    assert sending.send(seconds=1.2).response.status == 429
    assert len(sending.exchange.requests) == 1


def test_the_time_for_a_second_try_is_its_delay_and_half_a_second() -> None:
    sending = Sending(answer(429), OK)

    assert sending.send(seconds=0.75 + 0.5).response.status == 200


def test_an_outage_is_not_made_worse_by_retries() -> None:
    sending = Sending(answer(429))
    for _ in range(100):
        sending.send()

    assert 110 <= len(sending.exchange.requests) <= 121


def test_while_the_breaker_is_open_apple_is_not_asked() -> None:
    sending = Sending(answer(500))
    for _ in range(3):
        sending.send()
    asked = len(sending.exchange.requests)
    assert asked == 5

    sending.clock.advance(2.5)
    with pytest.raises(AppleNotAskedError) as raised:
        sending.send()

    assert len(sending.exchange.requests) == asked
    assert raised.value.retry_after == 8

    sending.clock.advance(7)
    with pytest.raises(AppleNotAskedError) as raised:
        sending.send()
    assert raised.value.retry_after == 1


def test_without_time_apple_is_not_asked() -> None:
    sending = Sending(OK)

    with pytest.raises(AppleNotAskedError) as raised:
        sending.send(seconds=0.4)

    assert raised.value.retry_after == 1
    assert sending.exchange.requests == []
    assert sending.send(seconds=0.5).response == OK


def test_why_apple_was_not_asked_is_told() -> None:
    down, late = Sending(LOST), Sending(OK)
    for _ in range(5):
        down.retrying.breaker.saw(LOST)

    with pytest.raises(AppleNotAskedError, match=r"^the breaker is open$"):
        down.send()
    with pytest.raises(AppleNotAskedError, match=r"^no time left to ask$"):
        late.send(seconds=0)
