"""The dashboard of a template: its widgets and their metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.infra.resources import Resources

REFERENCE: Final = re.compile(r"<(\w+)>")


def widgets(service: Resources) -> list[dict[str, Any]]:
    """The properties of the widgets in order, with references in angle brackets."""
    join = service.properties("AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Join"]
    body = json.loads(join[0].join(_text(part) for part in join[1]))
    return [each["properties"] for each in body["widgets"]]


def metrics(service: Resources) -> Iterator[tuple[Any, str, dict[str, Any]]]:
    """Each metric's namespace, name and dimensions, with references as in the template."""
    for widget in widgets(service):
        for namespace, *rest in widget.get("metrics", ()):
            if isinstance(namespace, str):  # not an expression
                name, *pairs, _ = rest
                dimensions = zip(pairs[::2], map(_reference, pairs[1::2]), strict=True)
                yield _reference(namespace), name, dict(dimensions)


def _text(part: Any) -> str:
    match part:
        case str():
            return part
        case {"Ref": id_} | {"Fn::GetAtt": [id_, _]}:
            return f"<{id_.replace('::', '_')}>"
    raise AssertionError(part)


def _reference(text: str) -> Any:
    if text == "AppleMusicRatings/<AWS_StackName>":
        return {"Fn::Join": ["", ["AppleMusicRatings/", {"Ref": "AWS::StackName"}]]}
    reference = REFERENCE.fullmatch(text)
    return text if reference is None else {"Ref": reference[1]}
