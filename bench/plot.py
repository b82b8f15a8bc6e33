"""Draws results as docs/performance.svg: text alone, for a reader of the page and of a diff."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Final

from bench.contestants import PROJECT
from bench.figures import shown
from bench.results import Results

PLOT: Final = Path(__file__).resolve().parent.parent / "docs" / "performance.svg"

_PANELS: Final = (
    ("cold_wall_ms", "Cold: process start to first answer, ms"),
    ("hit_cpu_ms", "Warm hit: CPU, ms"),
    ("hit_wall_ms", "Warm hit: wall, ms"),
)
_WIDTH: Final = 860
_LEFT: Final = 330
_ROW: Final = 24
_BAR: Final = 14
_HEADING: Final = 40
_ROOM_FOR_FIGURE: Final = 60
_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#333}.heading{font-weight:600}"
    ".ours{fill:#d6334a}.theirs{fill:#8a94a6}.spread{stroke:#333;stroke-width:1}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.spread{stroke:#ddd}}"
)


def svg(results: Results) -> str:
    """Draw a panel of horizontal bars for each measure: the median, and a line for the spread."""
    contestants: Mapping[str, Mapping[str, Any]] = results["contestants"]
    height = len(_PANELS) * (_HEADING + _ROW * len(contestants)) + _ROW // 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        "<title>What the service takes, beside what others build</title>",
        f"<style>{_STYLE}</style>",
    ]
    top = 0
    for measure, heading in _PANELS:
        lines.append(f'<text class="heading" x="0" y="{top + 25}">{escape(heading)}</text>')
        top += _HEADING
        most = max(each[measure]["max"] for each in contestants.values())
        for name, each in contestants.items():
            lines.extend(_row(name, each["label"], each[measure], top, most))
            top += _ROW
    return "\n".join([*lines, "</svg>"]) + "\n"


def _row(
    name: str, label: str, spread: Mapping[str, float], top: int, most: float
) -> tuple[str, ...]:
    scale = (_WIDTH - _LEFT - _ROOM_FOR_FIGURE) / most
    least, middle, end = (spread[each] * scale for each in ("min", "median", "max"))
    centre = top + _BAR / 2
    kind = "ours" if name == PROJECT else "theirs"
    return (
        f'<text x="{_LEFT - 10}" y="{top + 12}" text-anchor="end">{escape(label)}</text>',
        f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{middle:.1f}" height="{_BAR}"/>',
        (
            f'<line class="spread" x1="{_LEFT + least:.1f}" y1="{centre}" '
            f'x2="{_LEFT + end:.1f}" y2="{centre}"/>'
        ),
        f'<text x="{_LEFT + end + 6:.1f}" y="{top + 12}">{shown(spread["median"])}</text>',
    )


def write(results: Results) -> None:
    """Draw results in the place of the former ones."""
    PLOT.write_text(svg(results), "utf-8")
