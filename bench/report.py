"""Tells results in tables: on a terminal, and in docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.figures import shown
from bench.results import Results

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "performance.md"

BEGIN: Final = "<!-- written by make bench: what stands here is overwritten -->"
END: Final = "<!-- end of what make bench writes -->"

_BARS: Final = ("bar", "must", "aim", "measured", "least to most", "ours", "theirs", "met")
_CONTESTANTS: Final = (
    "built with",
    "cold, ms",
    "cold, CPU ms",
    "hit, ms",
    "hit, CPU ms",
    "miss, CPU ms",
    "peak MB",
    "zip MB",
    "files opened",
    "compiled",
    "log of a hit, bytes",
)

_SURER: Final = {
    "cold_cpu_to_powertools": "init and first hit / Powertools, by CPU",
    "cold_instructions_to_powertools": "the same, by instructions",
    "cold_cpu_to_powertools-sam": "init and first hit / as SAM packages it, by CPU",
    "cold_instructions_to_powertools-sam": "the same, by instructions",
    "hit_instructions_to_bare-botocore": "warm hit / bare handler, by instructions",
}

Rows = list[Sequence[str]]


def bar_rows(results: Results) -> Rows:
    """Give the table of bars."""
    return [_BARS, *(_bar_row(bar) for bar in results["bars"].values())]


def contestant_rows(results: Results) -> Rows:
    """Give the table of what was measured, by contestant."""
    rows: Rows = [_CONTESTANTS, *map(_contestant_row, results["contestants"].values())]
    counted = [each.get("cold_instructions_millions") for each in results["contestants"].values()]
    if all(count is not None for count in counted):
        cells = ["cold, M instructions", *(f"{count:,.0f}" for count in counted)]
        rows = [(*row, cell) for row, cell in zip(rows, cells, strict=True)]
    return rows


def _bar_row(bar: Mapping[str, Any]) -> Sequence[str]:
    value = bar["value"]
    spread = f"{shown(value['min'])} to {shown(value['max'])}" if value["count"] > 1 else ""
    unit = "" if bar["theirs"] is not None else f" {bar['unit']}"
    return (
        bar["title"],
        f"{bar['must']:g}",
        f"{bar['aim']:g}",
        f"{shown(value['median'])}{unit}",
        spread,
        f"{shown(bar['ours'])} {bar['unit']}" if bar["theirs"] is not None else "",
        f"{shown(bar['theirs'])} {bar['unit']}, {bar['beside']}"
        if bar["theirs"] is not None
        else "",
        bar["met"],
    )


def _contestant_row(measured: Mapping[str, Any]) -> Sequence[str]:
    return (
        measured["label"],
        _spread(measured["cold_wall_ms"]),
        _spread(measured["cold_cpu_ms"]),
        _spread(measured["hit_wall_ms"]),
        _spread(measured["hit_cpu_ms"]),
        _spread(measured["miss_cpu_ms"]),
        f"{measured['peak_memory_mb']:.1f}",
        f"{measured['zip_mb']:.2f}",
        str(measured["files_opened"]),
        str(measured["modules_compiled"]),
        str(measured["hit_log_bytes"]),
    )


def _spread(spread: Mapping[str, float]) -> str:
    return " / ".join(shown(spread[name]) for name in ("min", "median", "max"))


def run_lines(results: Results) -> list[str]:
    """Say how the run was made."""
    run = results["run"]
    effort = run["effort"]
    made = (
        f"Python {run['python']} on {run['machine']}, {run['cores']} cores, {run['date']}; load "
        f"{run['load_before']:.1f} before and {run['load_after']:.1f} after; "
        f"{run['seconds']:.0f} s in all."
    )
    rounds = (
        f"{effort['cold_rounds']} rounds of starts, {effort['warm_rounds']} of {effort['hits']} "
        f"hits and {effort['misses']} misses each, {effort['many_rounds']} of 100 ratings at once "
        "and one by one."
    )
    return [made, rounds]


def surer_rows(results: Results) -> Rows:
    """Give the table of ratios that waver less than the time on the wall."""
    rows = [(_SURER[name], shown(ratio)) for name, ratio in results["surer"].items()]
    return [("what a busy machine moves less, or not at all", "ratio"), *rows]


def text(results: Results) -> str:
    """Tell results on a terminal."""
    parts = [
        "Bars: smaller is better; a ratio is the median of the rounds' own ratios.",
        aligned(bar_rows(results)),
        aligned(surer_rows(results)),
        "Least / median / most of all rounds.",
        aligned(contestant_rows(results)),
        "\n".join(run_lines(results)),
    ]
    return "\n\n".join(parts) + "\n"


def markdown(results: Results) -> str:
    """Tell results in a page of docs/."""
    parts = [
        " ".join(run_lines(results)),
        piped(bar_rows(results)),
        piped(surer_rows(results)),
        "Least / median / most of all rounds:",
        piped(contestant_rows(results)),
    ]
    return "\n\n".join(parts)


def put_into_page(results: Results, page: Path = PAGE) -> None:
    """Put results in the place of the former ones."""
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{markdown(results)}\n\n{END}{after}", "utf-8")


def aligned(rows: Rows) -> str:
    """Give rows as lines, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def piped(rows: Rows) -> str:
    """Give rows as a table in Markdown."""
    heading, *rest = rows
    return "\n".join(map(_pipe, [heading, ["---"] * len(heading), *rest]))


def _pipe(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
