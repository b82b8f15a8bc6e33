"""Writes the fleet's figures as a table and a plot, on a terminal and in docs/reliability.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

from bench.fleet.figures import Figure, Run
from bench.fleet.fleet import Kind
from bench.fleet.scenarios import SCENARIOS, SILENT, THROTTLED
from bench.report import PAGE as PERFORMANCE_PAGE
from bench.report import STYLE, WIDTH, Rows, shown, table

PAGE: Final = PERFORMANCE_PAGE.with_name("reliability.md")
PLOT: Final = PAGE.with_name("reliability.svg")

BEGIN: Final = "<!-- written by make bench-fleet: edits here are overwritten -->"
END: Final = "<!-- end of the output of make bench-fleet -->"

_PANEL: Final = 150
_HEADING: Final = 40
_LEFT: Final = 60


class Panel(NamedTuple):
    """A plot of one scenario: a measured value for each second after the fault begins."""

    heading: str
    top: float  # the highest value of the axis
    limit: float


PANELS: Final[Mapping[str, Panel]] = {
    SILENT.title: Panel("Apple silent for 45 s: share of cache hits that Lambda refuses", 1.0, 0),
    THROTTLED.title: Panel("Apple throttles for 60 s: calls to Apple / quota; limit 2", 2.5, 2.0),
}

Results = Mapping[str, Mapping[int, Sequence[Figure]]]  # by scenario and number of environments


def series(title: str, run: Run) -> list[float]:
    """Return the values to plot for a scenario; empty if it has no panel."""
    seconds = range(int(run.seconds) + 15)
    if title == THROTTLED.title:
        calls = [int(call.at - run.began) for call in run.fleet.apple.calls]
        return [calls.count(each) / run.quota for each in seconds if each < run.seconds]
    if title != SILENT.title:
        return []
    hits = [each for each in run.fleet.served if each.kind is Kind.HIT]
    refused = [
        [each.status is None for each in hits if int(each.at - run.began) == at] for at in seconds
    ]
    return [sum(each) / max(1, len(each)) for each in refused]


def text(results: Results) -> str:
    """Return the table in Markdown."""
    sizes = [f"{size:,}" for size in next(iter(results.values()))]
    rows: Rows = [("situation", "measured", "before", *sizes, "limit", "met")]
    for scenario in SCENARIOS:
        title = scenario.title
        for figures in zip(*results[scenario.title].values(), strict=True):
            first = figures[0]
            limit = f"{'>=' if first.at_least else '<='} {shown(first.limit)}"
            is_met = all(figure.is_met for figure in figures)
            values = (shown(figure.value) for figure in figures)
            rows.append(
                (title, first.name, first.earlier, *values, limit, "yes" if is_met else "NO")
            )
            title = ""
    return table(rows)


def update_docs(results: Results, plotted: Mapping[str, Sequence[float]]) -> None:
    """Write the table into docs/reliability.md, and replace the plot."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text(results)}\n\n{END}{after}", "utf-8")
    PLOT.write_text(svg(plotted), "utf-8")


def svg(plotted: Mapping[str, Sequence[float]]) -> str:
    """Draw a panel of vertical bars, one per second, for each scenario in `PANELS`."""
    height = len(PANELS) * (_HEADING + _PANEL + 20)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>A fleet of 400 environments while Apple is silent, and while it throttles</title>",
        f"<style>{STYLE}</style>",
    ]
    top = 0
    for title, panel in PANELS.items():
        lines.append(f'<text class="heading" x="0" y="{top + 25}">{escape(panel.heading)}</text>')
        top += _HEADING
        lines += _bars(plotted[title], panel, top)
        top += _PANEL + 20
    return "\n".join([*lines, "</svg>"]) + "\n"


def _bars(values: Sequence[float], panel: Panel, top: int) -> list[str]:
    bottom, step = top + _PANEL, (WIDTH - _LEFT) / len(values)
    scale = _PANEL / panel.top
    lines = [
        f'<rect class="ours" x="{_LEFT + at * step:.1f}" y="{bottom - value * scale:.1f}" '
        f'width="{step - 1:.1f}" height="{value * scale:.1f}"/>'
        for at, value in enumerate(values)
    ]
    for value in sorted({panel.limit, 0.0, panel.top}):
        y = bottom - value * scale
        lines.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        lines.append(f'<line class="spread" x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH}" y2="{y:.1f}"/>')
    labels = (
        f'<text x="{_LEFT + at * step:.1f}" y="{bottom + 15}">{at} s</text>'
        for at in range(0, len(values), 15)
    )
    return [*lines, *labels]
