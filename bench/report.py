"""Writes results as tables, on a terminal and in docs/performance.md, and as a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from bench.results import Results
from bench.variants import PROJECT

_DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
PAGE: Final = _DOCS / "performance.md"
PLOT: Final = _DOCS / "performance.svg"

BEGIN: Final = "<!-- written by make bench: edits here are overwritten -->"
END: Final = "<!-- end of the output of make bench -->"

_LARGE: Final = 1_000

_VARIANT_COLUMNS: Final = (
    *("variant", "cold, ms", "cold, CPU ms", "hit, ms", "hit, CPU ms", "miss, CPU ms"),
    *("peak MB", "zip MB", "files opened", "compiled", "cold, M instr.", "hit, M instr."),
)

_PANELS: Final = (
    ("cold_wall_ms", "Cold: process start to first response, ms"),
    ("hit_cpu_ms", "Warm hit: CPU, ms"),
    ("hit_wall_ms", "Warm hit: wall, ms"),
)
WIDTH: Final = 860
_LEFT: Final = 330
_ROW: Final = 24
_BAR: Final = 14
_HEADING: Final = 40
_FIGURE_WIDTH: Final = 60
STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#333}.heading{font-weight:600}"
    ".ours{fill:#d6334a}.theirs{fill:#8a94a6}.spread{stroke:#333;stroke-width:1}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.spread{stroke:#ddd}}"
)

Rows = list[Sequence[str]]


def text(results: Results) -> str:
    """Return the report in Markdown."""
    parts = [
        _run(results["run"]),
        table(_threshold_rows(results)),
        "Minimum / median / maximum of all rounds:",
        table(_variant_rows(results)),
    ]
    return "\n\n".join(parts)


def update_docs(results: Results) -> None:
    """Write the tables into docs/performance.md, and replace the plot."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text(results)}\n\n{END}{after}", "utf-8")
    PLOT.write_text(svg(results), "utf-8")


def svg(results: Results) -> str:
    """Draw a panel of horizontal bars for each measure: the median, and a line for the spread."""
    variants: Mapping[str, Mapping[str, Any]] = results["variants"]
    height = len(_PANELS) * (_HEADING + _ROW * len(variants)) + _ROW // 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>Cold start and warm hit of each variant</title>",
        f"<style>{STYLE}</style>",
    ]
    top = 0
    for measure, heading in _PANELS:
        lines.append(f'<text class="heading" x="0" y="{top + 25}">{escape(heading)}</text>')
        top += _HEADING
        scale = (WIDTH - _LEFT - _FIGURE_WIDTH) / max(
            variant[measure]["max"] for variant in variants.values()
        )
        for name, variant in variants.items():
            kind = "ours" if name == PROJECT else "theirs"
            lines += _bar(kind, variant["label"], variant[measure], top, scale)
            top += _ROW
    return "\n".join([*lines, "</svg>"]) + "\n"


def _bar(
    kind: str, label: str, spread: Mapping[str, float], top: int, scale: float
) -> tuple[str, ...]:
    least, middle, most = (spread[name] * scale for name in ("min", "median", "max"))
    centre = top + _BAR / 2
    return (
        f'<text x="{_LEFT - 10}" y="{top + 12}" text-anchor="end">{escape(label)}</text>',
        f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{middle:.1f}" height="{_BAR}"/>',
        (
            f'<line class="spread" x1="{_LEFT + least:.1f}" y1="{centre}" '
            f'x2="{_LEFT + most:.1f}" y2="{centre}"/>'
        ),
        f'<text x="{_LEFT + most + 6:.1f}" y="{top + 12}">{shown(spread["median"])}</text>',
    )


def _run(run: Mapping[str, Any]) -> str:
    effort = run["effort"]
    return (
        f"Python {run['python']} on {run['machine']}, {run['cores']} cores, {run['date']}; load "
        f"{run['load_before']:.1f} before and {run['load_after']:.1f} after; {run['seconds']} s. "
        f"Rounds: {effort['cold_rounds']} starts; {effort['warm_rounds']} with {effort['hits']} "
        f"hits and {effort['misses']} misses; {effort['many_rounds']} with a list of 100 ids and "
        "100 single hits."
    )


def _threshold_rows(results: Results) -> Rows:
    rows: Rows = [
        ("threshold", "limit", "target", "measured", "min to max", "ours", "theirs", "met")
    ]
    for threshold in results["thresholds"].values():
        value, unit = threshold["value"], threshold["unit"]
        measured, spread, ours, theirs = f"{shown(value['median'])} {unit}", "", "", ""
        if "compared_to" in threshold:
            measured = shown(value["median"])
            ours = f"{shown(threshold['ours'])} {unit}"
            theirs = f"{shown(threshold['theirs'])} {unit}, {threshold['compared_to']}"
        if value["count"] > 1:
            spread = f"{shown(value['min'])} to {shown(value['max'])}"
        limits = (f"{threshold['limit']:g}", f"{threshold['target']:g}")
        rows.append((threshold["title"], *limits, measured, spread, ours, theirs, threshold["met"]))
    return rows


def _variant_rows(results: Results) -> Rows:
    rows: Rows = [_VARIANT_COLUMNS]
    for variant in results["variants"].values():
        instructions = (variant.get(f"{what}_instructions_millions") for what in ("cold", "hit"))
        rows.append(
            (
                variant["label"],
                _spread(variant["cold_wall_ms"]),
                _spread(variant["cold_cpu_ms"]),
                _spread(variant["hit_wall_ms"]),
                _spread(variant["hit_cpu_ms"]),
                _spread(variant["miss_cpu_ms"]),
                f"{variant['peak_memory_mb']:.1f}",
                f"{variant['zip_mb']:.2f}",
                str(variant["files_opened"]),
                str(variant["modules_compiled"]),
                *("" if count is None else shown(count) for count in instructions),
            )
        )
    return rows


def _spread(spread: Mapping[str, float]) -> str:
    return " / ".join(shown(spread[name]) for name in ("min", "median", "max"))


def shown(value: float) -> str:
    """Format three significant digits, or all digits of a large number."""
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.3g}"


def table(rows: Rows) -> str:
    """Return a table in Markdown, which is also aligned on a terminal."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    heading, *rest = rows
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in [heading, ["-" * width for width in widths], *rest]
    )
