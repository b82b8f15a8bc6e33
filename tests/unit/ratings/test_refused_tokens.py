from functions.ratings.refused_tokens import MOST_REFUSED, RefusedTokens
from tests.fakes.clock import FakeClock


def test_a_refusal_is_remembered_for_ten_seconds() -> None:
    clock = FakeClock()
    refused = RefusedTokens(clock)
    refused.remember("ada")

    clock.advance(9.9)
    assert "ada" in refused
    assert "grace" not in refused
    clock.advance(0.1)
    assert "ada" not in refused


def test_a_refusal_that_is_repeated_counts_anew() -> None:
    clock = FakeClock()
    refused = RefusedTokens(clock)
    refused.remember("ada")
    clock.advance(9)
    refused.remember("ada")
    clock.advance(9)

    assert "ada" in refused


def test_the_memory_is_bounded_and_forgets_the_oldest() -> None:
    refused = RefusedTokens(FakeClock())
    for number in range(MOST_REFUSED + 1):
        refused.remember(str(number))

    assert "0" not in refused
    assert "1" in refused
    assert str(MOST_REFUSED) in refused


def test_a_refusal_that_is_repeated_is_no_longer_the_oldest() -> None:
    refused = RefusedTokens(FakeClock())
    for number in [*range(MOST_REFUSED), 0, MOST_REFUSED]:
        refused.remember(str(number))

    assert "0" in refused
    assert "1" not in refused
