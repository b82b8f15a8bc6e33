from __future__ import annotations

from dataclasses import replace

import pytest
from aws_cdk import RemovalPolicy

from infra.alarms import LEAST_DAYS_LEFT
from infra.settings import (
    DEFAULT_STAGE,
    STAGES,
    CustomDomain,
    FirewallRules,
    UnknownStageError,
    stage_settings,
)


def test_the_default_stage_is_the_one_to_try_things_in() -> None:
    assert stage_settings(DEFAULT_STAGE).name == "dev"


def test_an_unknown_stage_is_refused_with_a_list_of_the_known_ones() -> None:
    with pytest.raises(UnknownStageError, match=r"'staging'.* dev, prod"):
        stage_settings("staging")


def test_prod_keeps_more_and_lets_more_through_than_dev() -> None:
    dev, prod = STAGES["dev"], STAGES["prod"]

    assert (dev.removal_policy, prod.removal_policy) == (
        RemovalPolicy.DESTROY,
        RemovalPolicy.RETAIN,
    )
    assert (dev.termination_protection, prod.termination_protection) == (False, True)
    assert dev.throttle_rate < prod.throttle_rate
    assert dev.throttle_burst < prod.throttle_burst


def test_a_stage_whose_function_is_stopped_before_its_deadline_is_refused() -> None:
    with pytest.raises(ValueError, match=r"timeout .* must be longer than its deadline"):
        replace(STAGES["dev"], function_timeout_seconds=6, deadline_seconds=6)


def test_both_stages_renew_their_token_by_themselves() -> None:
    assert all(settings.token_rotation for settings in STAGES.values())
    assert {settings.token_life_days for settings in STAGES.values()} == {60}


@pytest.mark.parametrize("days", [29, 183, 0, -60])
def test_a_token_that_apple_would_refuse_or_that_always_alarms_is_refused(days: int) -> None:
    with pytest.raises(ValueError, match="a developer token must live for 30 to 182 days"):
        replace(STAGES["dev"], token_life_days=days)


@pytest.mark.parametrize("days", [30, 31, 60, 182])
def test_a_token_is_renewed_at_half_its_life_at_the_latest_and_before_its_alarm(days: int) -> None:
    settings = replace(STAGES["dev"], token_life_days=days)

    # Secrets Manager may take until the end of the day that the rotation is due.
    at_the_latest = settings.rotate_after_days + 1
    assert at_the_latest <= days / 2
    assert days - at_the_latest > LEAST_DAYS_LEFT


def test_no_stage_restricts_its_callers_beyond_its_throttle_until_it_is_told_to() -> None:
    for settings in STAGES.values():
        assert settings.reserved_concurrency is None
        assert settings.firewall is None
        assert settings.api_keys == ()


@pytest.mark.parametrize("reserved", [0, -1])
def test_a_function_that_would_never_run_is_refused(reserved: int) -> None:
    with pytest.raises(ValueError, match="would never run"):
        replace(STAGES["dev"], reserved_concurrency=reserved)


def test_the_least_concurrency_is_one() -> None:
    assert replace(STAGES["dev"], reserved_concurrency=1).reserved_concurrency == 1


def test_a_firewall_without_a_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="a firewall needs a rule"):
        FirewallRules()


def test_a_rate_that_aws_waf_would_not_take_is_refused() -> None:
    with pytest.raises(ValueError, match="10 requests in five minutes at least, not 9"):
        FirewallRules(requests_by_address=9)
    with pytest.raises(ValueError, match="10 requests in five minutes at least, not 0"):
        FirewallRules(requests_by_address=10, requests_by_token=0)

    FirewallRules(requests_by_address=10, requests_by_token=10)


@pytest.mark.parametrize("names", [("ios", "ios"), ("",), ("ios app",), ("2",), ("a" * 33,)])
def test_api_keys_whose_names_repeat_or_cannot_be_an_output_are_refused(
    names: tuple[str, ...],
) -> None:
    with pytest.raises(ValueError, match="a name of its own, of letters and digits"):
        replace(STAGES["dev"], api_keys=names)


def test_a_new_version_goes_first_to_some_in_prod_and_to_all_in_dev() -> None:
    assert (STAGES["dev"].canary, STAGES["prod"].canary) == (False, True)


CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("name", "certificate"),
    [
        ("Ratings.example.com", CERTIFICATE),
        ("https://ratings.example.com", CERTIFICATE),
        ("ratings.example.com/v1", CERTIFICATE),
        ("localhost", CERTIFICATE),
        ("ratings.example.com", "arn:aws:iam::123456789012:server-certificate/mine"),
        ("ratings.example.com", ""),
    ],
)
def test_a_domain_that_is_none_or_has_no_certificate_is_refused(
    name: str, certificate: str
) -> None:
    with pytest.raises(ValueError, match=r"no (domain name|ARN of a certificate)"):
        CustomDomain(name=name, certificate_arn=certificate)


def test_a_budget_that_would_tell_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="and an alarm_email"):
        replace(STAGES["dev"], monthly_budget_usd=10)
    with pytest.raises(ValueError, match=r"a limit of \$1 at least"):
        replace(STAGES["dev"], monthly_budget_usd=0, alarm_email="on-call@example.com")
