from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from infra.local_context import LOCAL_STAGE
from infra.observability.causes import MIN_DAYS_LEFT
from infra.optional_features import SignInTokens
from infra.packaging.architecture import Architecture
from infra.stages import STAGES, UnknownStageError, drill_stage, local_stage
from tests.infra.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOPBACK_URL = "http://127.0.0.1:9000"


@pytest.mark.parametrize("days", [30, 31, 60, 182])
def test_a_token_is_rotated_within_half_its_life_and_before_its_alarm(days: int) -> None:
    settings = replace(STAGES["dev"], token_life_days=days)

    # Secrets Manager may rotate at the end of the due day.
    latest = settings.rotate_after_days + 1
    assert latest <= days / 2
    assert days - latest > MIN_DAYS_LEFT


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"function_timeout_seconds": 6, "deadline_seconds": 6},
            "must be longer than its deadline",
        ),
        ({"token_life_days": 29}, "a developer token must be valid for 30 to 182 days"),
        ({"token_life_days": 183}, "a developer token must be valid for 30 to 182 days"),
        ({"reserved_concurrency": 0}, "would never run"),
        ({"runbook_url": "docs/runbook.md"}, "must be a URL with https"),
        ({"provisioned_concurrency": 0}, "at least 1 and at most the reserved_concurrency"),
        (
            {"provisioned_concurrency": 3, "reserved_concurrency": 2},
            "at most the reserved_concurrency, not 3",
        ),
        ({"provisioned_concurrency": 1, "snap_start": True}, "remove one of them"),
        ({"allowed_origins": ("app.example.com",)}, "'app.example.com' is not an origin"),
        (
            {"sign_in_tokens": SignInTokens()},
            "give everyone .* add api_keys or",
        ),
        ({"monthly_budget_usd": 10}, "and an alarm_email"),
        ({"monthly_budget_usd": 0, "alarm_email": "me@example.com"}, r"a limit of at least \$1"),
        *(
            ({"api_keys": names}, "a unique name of letters and digits")
            for names in (("ios", "ios"), ("",), ("ios app",), ("2",), ("a" * 33,))
        ),
    ],
)
def test_settings_that_cannot_work_are_rejected(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(STAGES["dev"], **changes)


def _context(**settings: object) -> str:
    return json.dumps({"apple_music_url": LOOPBACK_URL, **settings})


@pytest.mark.parametrize(
    "context",
    [
        None,
        "{}",
        json.dumps({"apple_music_url": "https://api.music.apple.com"}),
        json.dumps({"apple_music_url": "http://127.0.0.1.example"}),
    ],
)
def test_the_local_stage_is_rejected_without_a_loopback_apple_music(context: str | None) -> None:
    with pytest.raises(UnknownStageError, match="not for an AWS account: `make deploy-local`"):
        local_stage(context, machine="x86_64")
    assert LOCAL_STAGE not in STAGES


def test_the_context_changes_settings_of_the_local_stage() -> None:
    assert local_stage(_context(), machine="x86_64").fresh_seconds == 60
    assert local_stage(_context(fresh_seconds=5), machine="x86_64").fresh_seconds == 5
    with pytest.raises(TypeError):
        local_stage(_context(freshness=5), machine="x86_64")


def test_the_local_stage_has_dev_resources_for_this_processor_and_calls_loopback(
    services: Mapping[str, Resources],
) -> None:
    service = Resources.of_stage(local_stage(_context(), machine="x86_64"))

    keys = {
        "AWS::ApiGateway::ApiKey",
        "AWS::ApiGateway::UsagePlan",
        "AWS::ApiGateway::UsagePlanKey",
    }
    assert service.types() == services["dev"].types() | keys
    assert service.function("sign_in")[1]["Architectures"] == ["x86_64"]
    for package in ("ratings", "token_rotation"):
        function = service.function(package)[1]
        assert function["Architectures"] == ["x86_64"]
        assert function["Environment"]["Variables"]["APPLE_MUSIC_URL"] == LOOPBACK_URL


def test_the_drill_has_prods_resources_in_a_stack_that_can_be_removed(
    services: Mapping[str, Resources],
) -> None:
    drill, broken = drill_stage(is_broken=False), drill_stage(is_broken=True)
    service = Resources.of_stage(drill)

    assert service.types() == services["prod"].types()
    assert not drill.termination_protection
    stateful = {id_: each for id_, each in service.by_id.items() if "DeletionPolicy" in each}
    kept = {id_ for id_, each in stateful.items() if each["DeletionPolicy"] != "Delete"}
    versions = service.of_type("AWS::Lambda::Version").keys()  # deleted with the function
    assert kept - versions == {"SigningKey"}
    # Deploying `broken` changes the ratings function, and so publishes a version.
    assert broken == replace(drill, apple_music_url=broken.apple_music_url)
    assert broken.apple_music_url not in (drill.apple_music_url, LOOPBACK_URL)


def test_a_processor_that_lambda_does_not_support_is_rejected() -> None:
    assert Architecture.of_machine("aarch64") is Architecture.ARM_64
    with pytest.raises(ValueError, match="riscv64"):
        Architecture.of_machine("riscv64")
