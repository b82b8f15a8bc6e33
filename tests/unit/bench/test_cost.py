import pytest

from bench.cost import (
    DYNAMODB_MS,
    Function,
    Setting,
    by_month,
    by_request,
    hit_ms,
    miss_ms,
    write_units,
)
from bench.prices import Price, read_prices

FUNCTION = Function(
    hit_cpu_ms=1.0,
    miss_cpu_ms=2.0,
    cold_cpu_ms=0.0,
    hit_log_bytes=474,
    miss_log_bytes=974,
    peak_memory_mb=60.0,
)
MILLION = 1_000_000


def price(*tiers: tuple[float, float]) -> Price:
    return Price(title="", tiers=tiers, page="", seen="")


def test_below_one_processors_memory_a_hit_takes_as_much_longer() -> None:
    assert hit_ms(FUNCTION, 1_769) == 1.0 + DYNAMODB_MS
    assert hit_ms(FUNCTION, 1_769 // 2) == pytest.approx(2.0 + DYNAMODB_MS, rel=0.001)
    assert hit_ms(FUNCTION, 4_000) == 1.0 + DYNAMODB_MS


def test_a_million_hits_cost_what_a_calculation_by_hand_gives() -> None:
    parts = by_request(FUNCTION, Setting(hit_rate=1.0, memory_mb=1_769), read_prices(), MILLION)

    assert parts["API Gateway"] == pytest.approx(3.50)
    assert parts["Lambda, requests"] == pytest.approx(0.20)
    # 5 ms of 1,769 MB: 8,637 GB-seconds
    assert parts["Lambda, time"] == pytest.approx(5_000 * 1_769 / 1_024 * 0.0000133334)
    assert parts["DynamoDB, reads"] == pytest.approx(2 * 0.125)
    assert parts["DynamoDB, writes"] == 0
    assert parts["logs, the function's line"] == pytest.approx(0.5 * 0.50)  # 500 bytes each
    assert parts["WAF"] == parts["X-Ray"] == 0


def test_a_miss_writes_one_unit_and_waits_for_apple() -> None:
    parts = by_request(FUNCTION, Setting(hit_rate=0.0), read_prices(), MILLION)

    assert write_units() == 1
    assert parts["DynamoDB, writes"] == pytest.approx(0.625)
    assert miss_ms(FUNCTION, 512) > 150


def test_what_is_switched_on_costs_by_request_and_by_month() -> None:
    setting = Setting(hit_rate=0.8, firewall=True, tracing=True)

    parts = by_request(FUNCTION, setting, read_prices(), MILLION)

    assert parts["WAF"] == pytest.approx(0.60)
    assert parts["X-Ray"] == pytest.approx(0.25)
    assert by_month(setting, read_prices())["WAF, a web ACL and three rules"] == 8.0


def test_a_price_in_tiers_is_paid_tier_by_tier() -> None:
    tiered = price((100, 1.0), (100, 0.5), (float("inf"), 0.1))

    assert [tiered.of(units) for units in (50, 100, 150, 200, 300)] == pytest.approx(
        [50, 100, 125, 150, 160]
    )


def test_each_price_has_a_page_of_aws() -> None:
    for each in read_prices().values():
        assert each.page.startswith("https://aws.amazon.com/")
        assert each.seen
        assert each.first > 0
