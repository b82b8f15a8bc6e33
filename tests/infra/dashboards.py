"""The dashboard as the template has it: its widgets, where they are, and what they show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.infra.resources import Resources

_REF: Final = re.compile(r"<(\w+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One metric of a widget; `dimensions` has references as the template has them."""

    namespace: Any
    name: str
    dimensions: Mapping[str, Any]
    options: Mapping[str, Any]

    @property
    def is_drawn(self) -> bool:
        return bool(self.options.get("visible", True))

    @property
    def label(self) -> str:
        """What it is called: as the dashboard says, or by its name and its statistic."""
        stat = self.options["stat"]
        name = self.name if stat in {"Sum", "SampleCount"} else f"{self.name} {stat}"
        label: str = self.options.get("label", name)
        return label


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    kind: str
    x: int
    y: int
    width: int
    height: int
    title: str
    lines: tuple[Line, ...] = ()
    expressions: tuple[Mapping[str, Any], ...] = ()
    alarms: tuple[str, ...] = ()

    def cells(self) -> set[tuple[int, int]]:
        return {
            (x, y)
            for x in range(self.x, self.x + self.width)
            for y in range(self.y, self.y + self.height)
        }

    def labels(self) -> list[str]:
        """What its legend says."""
        return [
            *(str(each["label"]) for each in self.expressions),
            *(line.label for line in self.lines if line.is_drawn),
        ]


def widgets(service: Resources) -> list[Widget]:
    """The widgets in the order of the dashboard's body."""
    return [_widget(each) for each in body(service)["widgets"]]


def body(service: Resources) -> dict[str, Any]:
    """The dashboard's body, with references in angle brackets."""
    join = service.properties("AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Join"]
    separator, parts = join
    document: dict[str, Any] = json.loads(separator.join(_text(part) for part in parts))
    return document


def _text(part: Any) -> str:
    match part:
        case str():
            return part
        case {"Ref": id_} | {"Fn::GetAtt": [id_, _]}:
            return f"<{id_.replace('::', '_')}>"
    raise AssertionError(part)


def _widget(document: Mapping[str, Any]) -> Widget:
    properties = document["properties"]
    metrics = properties.get("metrics", ())
    return Widget(
        kind=document["type"],
        x=document["x"],
        y=document["y"],
        width=document["width"],
        height=document["height"],
        title=properties.get("title") or properties["markdown"].removeprefix("## "),
        lines=tuple(_line(each) for each in metrics if isinstance(each[0], str)),
        expressions=tuple(each[0] for each in metrics if not isinstance(each[0], str)),
        alarms=tuple(_REF.findall("".join(properties.get("alarms", ())))),
    )


def _line(row: list[Any]) -> Line:
    namespace, name, *rest = row
    *pairs, options = rest
    return Line(
        namespace=_unref(namespace),
        name=name,
        dimensions={key: _unref(value) for key, value in _pairs(pairs)},
        options=options,
    )


def _pairs(flat: list[Any]) -> Iterator[tuple[str, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _unref(text: str) -> Any:
    if text == "AppleMusicRatings/<AWS_StackName>":
        return {"Fn::Join": ["", ["AppleMusicRatings/", {"Ref": "AWS::StackName"}]]}
    reference = _REF.fullmatch(text)
    return text if reference is None else {"Ref": reference[1]}
