"""Synthesised templates, each made once for the whole run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# jsii starts Node.js, with this environment, as soon as aws_cdk is imported.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from infra.account import AccountStack
from infra.settings import STAGES
from infra.stack import RatingsStack
from tests.canaries.ledger import LEDGER
from tests.infra.everything_on import EVERYTHING_ON
from tests.infra.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def cdk_context() -> dict[str, Any]:
    """cdk.json's context, which a bare App ignores, with the bundling of assets off."""
    flags = json.loads((REPOSITORY / "cdk.json").read_text(encoding="utf-8"))["context"]
    return {**flags, "aws:cdk:bundling-stacks": []}


@pytest.fixture(scope="session")
def services(cdk_context: Mapping[str, Any]) -> Mapping[str, Resources]:
    """The service's template for every stage."""
    stacks = {
        name: RatingsStack(App(context=cdk_context), "service", settings=settings)
        for name, settings in STAGES.items()
    }
    return {name: Resources(_template(stack)) for name, stack in stacks.items()}


@pytest.fixture(scope="session")
def everything_on(cdk_context: Mapping[str, Any]) -> Resources:
    stack = RatingsStack(App(context=cdk_context), "service", settings=EVERYTHING_ON)
    return Resources(_template(stack))


@pytest.fixture(params=list(STAGES))
def stage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def service(services: Mapping[str, Resources], stage: str) -> Resources:
    return services[stage]


@pytest.fixture(scope="session")
def account(cdk_context: Mapping[str, Any]) -> Resources:
    app = App(context=cdk_context)
    return Resources(_template(AccountStack(app, "account")))


def _template(stack: Stack) -> Mapping[str, Any]:
    template = Template.from_stack(stack).to_json()
    LEDGER.record("templates", json.dumps(template))
    return template
