from __future__ import annotations

from dataclasses import replace

import pytest
from aws_cdk import RemovalPolicy

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
