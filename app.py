"""The CDK app: the stack of one stage, and the stack of the account."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Final

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from infra.account import AccountStack
from infra.local_context import CONTEXT_KEY, LOCAL_STAGE
from infra.regions import UnsupportedRegionError, check_region
from infra.stack import RatingsStack
from infra.stages import (
    DEFAULT_STAGE,
    DRILL_STAGE,
    StageSettings,
    UnknownStageError,
    drill_stage,
    local_stage,
    stage_settings,
)

PROJECT: Final = "apple-music-ratings"
_CDK_JSON: Final = Path(__file__).resolve().parent / "cdk.json"


def compose(app: App) -> None:
    """Add the stage named in the context to the app.

    Raises:
        UnknownStageError: if no stage has this name.
        UnsupportedRegionError: if the service does not work in the CDK's region.
    """
    # The CDK's command line sets this variable to the region of the credentials in use.
    if region := os.environ.get("CDK_DEFAULT_REGION"):
        check_region(region)
    compose_stage(app, _settings(app))


def compose_stage(app: App, settings: StageSettings) -> None:
    """Add one stage and the account's stack to the app; cdk-nag checks both."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    account = AccountStack(app, f"{PROJECT}-account")
    service = RatingsStack(app, f"{PROJECT}-{settings.name}", settings=settings)
    # A stage with an access log needs the account's CloudWatch role.
    service.add_stack_dependency(account, "API Gateway's CloudWatch role")
    Tags.of(app).add("project", PROJECT)
    # All stages share the account's stack: it gets no stage tag.
    Tags.of(service).add("stage", settings.name)


def _settings(app: App) -> StageSettings:
    stage = app.node.try_get_context("stage") or DEFAULT_STAGE
    if stage == LOCAL_STAGE:
        return local_stage(app.node.try_get_context(CONTEXT_KEY), machine=platform.machine())
    if stage == DRILL_STAGE:
        return drill_stage(is_broken=app.node.try_get_context("broken") == "true")
    return stage_settings(stage)


def main() -> int:
    """Synthesise the app, and return the exit status."""
    # The CDK's command line passes this context. `python app.py` must write the same templates.
    context = json.loads(_CDK_JSON.read_text(encoding="utf-8"))["context"]
    app = App(context=context, outdir=os.environ.get("CDK_OUTDIR", "cdk.out"))
    try:
        compose(app)
    except (UnknownStageError, UnsupportedRegionError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
