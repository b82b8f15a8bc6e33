"""Draws docs/dashboard.svg: the dashboard's widgets where they are, with what each shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.infra.dashboards import Widget

_COLUMN: Final = 40
_ROW: Final = 22
_GAP: Final = 3
_LINE: Final = 12
_COLUMNS: Final = 24
_ALARMS_A_ROW: Final = 4
_COLOURS: Final = (
    *("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728"),
    *("#9467bd", "#8c564b", "#e377c2", "#7f7f7f"),
)
_STYLE: Final = (
    "text{font-family:sans-serif;font-size:10px;fill:#222}"
    ".title{font-size:11px;font-weight:bold}.section{font-size:14px;font-weight:bold}"
    ".widget{fill:#fff;stroke:#bbb}"
)


def picture(widgets: Sequence[Widget], alarm_names: Sequence[str]) -> str:
    """The picture as SVG, of text and boxes alone."""
    width = _COLUMNS * _COLUMN
    height = max(widget.y + widget.height for widget in widgets) * _ROW
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>The layout of the CloudWatch dashboard</title>",
        f"<style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#f4f4f4"/>',
    ]
    for widget in widgets:
        lines += _widget(widget, alarm_names)
    return "\n".join((*lines, "</svg>", ""))


def _widget(widget: Widget, alarm_names: Sequence[str]) -> Iterator[str]:
    left, top = widget.x * _COLUMN, widget.y * _ROW
    if widget.kind == "text":
        yield _text(left + 8, top + 16, widget.title, "section")
        return
    yield (
        f'<rect class="widget" x="{left + _GAP}" y="{top + _GAP}" rx="3" '
        f'width="{widget.width * _COLUMN - 2 * _GAP}" height="{widget.height * _ROW - 2 * _GAP}"/>'
    )
    yield _text(left + 12, top + 19, widget.title, "title")
    if widget.kind == "alarm":
        for index, name in enumerate(alarm_names):
            row, column = divmod(index, _ALARMS_A_ROW)
            x = left + 12 + column * widget.width * _COLUMN // _ALARMS_A_ROW
            yield from _entry(x, top + 34 + row * _LINE, name, "#2ca02c")
        return
    for index, label in enumerate(widget.labels()):
        colour = _COLOURS[index % len(_COLOURS)]
        yield from _entry(left + 12, top + 34 + index * _LINE, label, colour)


def _entry(x: int, y: int, text: str, colour: str) -> Iterator[str]:
    yield f'<rect x="{x}" y="{y - 7}" width="7" height="7" fill="{colour}"/>'
    yield _text(x + 12, y, text, "")


def _text(x: int, y: int, text: str, kind: str) -> str:
    of_kind = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}"{of_kind}>{escape(text)}</text>'
