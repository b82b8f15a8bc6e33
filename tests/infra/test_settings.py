from __future__ import annotations

from dataclasses import replace

import pytest
from aws_cdk import RemovalPolicy

from infra.alarms import LEAST_DAYS_LEFT
from infra.settings import DEFAULT_STAGE, STAGES, UnknownStageError, stage_settings


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
