"""The stage for this machine alone: what it takes, and that no account gets it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.architecture import Architecture
from infra.local_context import LOCAL_STAGE
from infra.local_stage import local_stage
from infra.settings import STAGES, UnknownStageError
from infra.stack import RatingsStack
from tests.infra.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

STAND_IN = "http://127.0.0.1:9000"


def context(**settings: object) -> str:
    return json.dumps({"apple_music_url": STAND_IN, **settings})


def synthesised(cdk_context: Mapping[str, Any], machine: str) -> Resources:
    settings = local_stage(context(), machine=machine)
    stack = RatingsStack(App(context=cdk_context), "service", settings=settings)
    return Resources(Template.from_stack(stack).to_json())


@pytest.mark.parametrize(
    "given",
    [
        None,
        "{}",
        json.dumps({"apple_music_url": "https://api.music.apple.com"}),
        json.dumps({"apple_music_url": "http://127.0.0.1.example"}),
    ],
)
def test_it_is_refused_without_an_apple_music_on_this_machine(given: str | None) -> None:
    with pytest.raises(UnknownStageError, match="not for an account: `make deploy-local`"):
        local_stage(given, machine="x86_64")


def test_no_list_of_stages_offers_it() -> None:
    assert LOCAL_STAGE not in STAGES


def test_its_settings_are_changed_by_the_context() -> None:
    assert local_stage(context(), machine="x86_64").fresh_seconds == 60
    assert local_stage(context(fresh_seconds=5), machine="x86_64").fresh_seconds == 5


def test_a_setting_that_there_is_not_is_no_setting() -> None:
    with pytest.raises(TypeError):
        local_stage(context(freshness=5), machine="x86_64")


@pytest.mark.parametrize(
    ("machine", "architecture"),
    [("x86_64", Architecture.X86_64), ("aarch64", Architecture.ARM_64)],
)
def test_its_functions_are_for_this_machines_processor_and_ask_the_stand_in(
    cdk_context: Mapping[str, Any], machine: str, architecture: Architecture
) -> None:
    service = synthesised(cdk_context, machine)

    for package in ("ratings", "token_rotation"):
        function = service.function(package)[1]
        assert function["Architectures"] == [architecture]
        assert function["Environment"]["Variables"]["APPLE_MUSIC_URL"] == STAND_IN


def test_a_processor_that_lambda_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="riscv64"):
        Architecture.of_machine("riscv64")


def test_it_is_made_of_what_dev_is_made_of(
    cdk_context: Mapping[str, Any], services: Mapping[str, Resources]
) -> None:
    assert synthesised(cdk_context, "aarch64").types() == services["dev"].types()


@pytest.mark.parametrize("stage", list(STAGES))
def test_every_other_stage_asks_apple_from_arm64(
    services: Mapping[str, Resources], stage: str
) -> None:
    for package in ("ratings", "token_rotation"):
        function = services[stage].function(package)[1]
        assert function["Architectures"] == ["arm64"]
        variables = function["Environment"]["Variables"]
        assert variables["APPLE_MUSIC_URL"] == "https://api.music.apple.com"
