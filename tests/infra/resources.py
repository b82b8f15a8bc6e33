"""Synthesised stacks, and look-ups in their templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from infra.stack import RatingsStack
from tests.secret_scan.scanner import SCANNER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.stages import StageSettings

REPOSITORY = Path(__file__).resolve().parents[2]


def cdk_context() -> dict[str, Any]:
    """cdk.json's context, which `App()` does not read, with bundling disabled."""
    flags = json.loads((REPOSITORY / "cdk.json").read_text("utf-8"))["context"]
    return {**flags, "aws:cdk:bundling-stacks": []}


class Resources:
    def __init__(self, template: Mapping[str, Any]) -> None:
        self.template = template
        self.by_id: Mapping[str, dict[str, Any]] = template["Resources"]
        SCANNER.record("templates", json.dumps(template))

    @classmethod
    def of_stack(cls, stack: Stack) -> Resources:
        return cls(Template.from_stack(stack).to_json())

    @classmethod
    def of_stage(cls, settings: StageSettings) -> Resources:
        return cls.of_stack(RatingsStack(App(context=cdk_context()), "service", settings=settings))

    def of_type(self, type_: str) -> dict[str, dict[str, Any]]:
        return {id_: each for id_, each in self.by_id.items() if each["Type"] == type_}

    def only(self, type_: str) -> tuple[str, dict[str, Any]]:
        ((id_, resource),) = self.of_type(type_).items()
        return id_, resource

    def properties(self, type_: str) -> dict[str, Any]:
        properties: dict[str, Any] = self.only(type_)[1]["Properties"]
        return properties

    def function(self, package: str) -> tuple[str, dict[str, Any]]:
        ((id_, function),) = (
            (id_, each["Properties"])
            for id_, each in self.of_type("AWS::Lambda::Function").items()
            if each["Properties"]["Handler"] == f"functions.{package}.handler.lambda_handler"
        )
        return id_, function

    def log_group(self, package: str) -> str:
        log_group: str = self.function(package)[1]["LoggingConfig"]["LogGroup"]["Ref"]
        return log_group

    def policy(self, role_id: str) -> tuple[str, list[dict[str, Any]]]:
        ((id_, policy),) = (
            (id_, each["Properties"])
            for id_, each in self.of_type("AWS::IAM::Policy").items()
            if {"Ref": role_id} in each["Properties"]["Roles"]
        )
        return id_, policy["PolicyDocument"]["Statement"]

    def types(self) -> set[str]:
        return {resource["Type"] for resource in self.by_id.values()}

    def outputs(self) -> dict[str, Any]:
        return {id_: output["Value"] for id_, output in self.template["Outputs"].items()}
