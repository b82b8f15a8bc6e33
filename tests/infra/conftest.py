from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

# jsii starts Node.js, with this environment, as soon as aws_cdk is imported.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from aws_cdk import App

from infra.account import AccountStack
from infra.stages import STAGES
from tests.infra.full_stage import FULL
from tests.infra.resources import Resources, cdk_context

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture(scope="session")
def services() -> Mapping[str, Resources]:
    return {name: Resources.of_stage(settings) for name, settings in STAGES.items()}


@pytest.fixture(scope="session")
def full() -> Resources:
    return Resources.of_stage(FULL)


@pytest.fixture(params=list(STAGES))
def stage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def service(services: Mapping[str, Resources], stage: str) -> Resources:
    return services[stage]


@pytest.fixture(scope="session")
def account() -> Resources:
    return Resources.of_stack(AccountStack(App(context=cdk_context()), "account"))
