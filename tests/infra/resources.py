"""A CloudFormation template as the tests ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Resources:
    def __init__(self, template: Mapping[str, Any]) -> None:
        self.template = template

    def of_type(self, type_: str) -> dict[str, dict[str, Any]]:
        """The resources of that type, by their logical ids."""
        resources: Mapping[str, dict[str, Any]] = self.template["Resources"]
        return {id_: each for id_, each in resources.items() if each["Type"] == type_}

    def only(self, type_: str) -> tuple[str, dict[str, Any]]:
        """The logical id and the one resource of that type."""
        ((id_, resource),) = self.of_type(type_).items()
        return id_, resource

    def properties(self, type_: str) -> dict[str, Any]:
        """The properties of the one resource of that type."""
        properties: dict[str, Any] = self.only(type_)[1]["Properties"]
        return properties

    def function(self, package: str) -> tuple[str, dict[str, Any]]:
        """The logical id and the properties of the function made of that package."""
        ((id_, function),) = (
            (id_, each["Properties"])
            for id_, each in self.of_type("AWS::Lambda::Function").items()
            if each["Properties"]["Handler"] == f"functions.{package}.handler.lambda_handler"
        )
        return id_, function

    def types(self) -> set[str]:
        return {resource["Type"] for resource in self.template["Resources"].values()}

    def outputs(self) -> dict[str, Any]:
        return {id_: output["Value"] for id_, output in self.template["Outputs"].items()}
