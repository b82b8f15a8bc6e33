from functions.ratings.refused_tokens import RefusedTokens
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


def test_a_thousand_are_remembered_and_the_oldest_forgotten() -> None:
    refused = RefusedTokens(FakeClock())
    for number in range(1001):
        refused.remember(str(number))

    assert "0" not in refused
    assert "1" in refused
    assert "1000" in refused


def test_a_refusal_that_is_repeated_is_no_longer_the_oldest() -> None:
    refused = RefusedTokens(FakeClock())
    for number in [*range(1000), 0, 1000]:
        refused.remember(str(number))

    assert "0" in refused
    assert "1" not in refused
