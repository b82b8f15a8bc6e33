"""Holds the bundle to what it took last: budgets of what does not waver, in `budgets.toml`.

    python -m bench.budgets

measures, and writes what it found into the file. That is how a budget is raised on purpose: the
commit with the new figure says what it buys. A test in CI compares.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench import events
from bench.bundles import make_bundle
from bench.contestants import CONTESTANTS, FLOOR, PROJECT
from bench.figures import rounded
from bench.lambda_python import LambdaPython, find
from bench.measuring import SONG, count_instructions, look_at
from bench.processes import Cores, canned_services

Figures = Mapping[str, float]

INSTRUCTIONS: Final = "instructions_to_floor"
"""A start with its first hit, to that of a bare handler that makes one HTTPS call."""

TOLERANCES: Final[Figures] = {
    "modules_compiled": 0,
    "modules_imported": 0.02,  # from one patch of Python to the next
    "files_opened": 0.02,
    "zip_bytes": 0.01,
    "hit_handshakes": 0,
    "hit_ca_loads": 0,
    "hit_files_opened": 0,
    "hit_log_events": 0,
    "hit_log_bytes": 0.02,  # times are of three digits or of four
    "miss_log_bytes": 0.02,
    INSTRUCTIONS: 0.05,
}
"""By how much each figure may differ from its budget, as a share of it."""

_FILE: Final = Path(__file__).with_name("budgets.toml")
_SLACK: Final = 0.1

_HEADING: Final = """\
# What a start with its first hit, a warm hit, and the bundle take; written by
# `python -m bench.budgets`. A commit that raises a figure says what that buys.
"""


def read_budgets() -> Figures:
    """Read what is allowed."""
    return tomllib.loads(_FILE.read_text("utf-8"))


def exceeded(measured: Figures, budgets: Figures) -> dict[str, str]:
    """Say of each figure that is over its budget, or so far under it that it should be lowered."""
    verdicts = {}
    for name, figure in measured.items():
        budget = budgets[name]
        if figure > budget * (1 + TOLERANCES[name]):
            verdicts[name] = f"{figure:g}, where {budget:g} is allowed"
        elif figure < budget * (1 - max(_SLACK, TOLERANCES[name])):
            verdicts[name] = f"{figure:g}, and {budget:g} is still allowed: lower the budget"
    return verdicts


def measure(python: LambdaPython, build: Path, *, instructions: bool) -> Figures:
    """Take the figures that have a budget; counting instructions takes a quarter of a minute."""
    ours, floor = (
        next(each for each in CONTESTANTS if each.name == name) for name in (PROJECT, FLOOR)
    )
    bundles = {each: make_bundle(each, python, build) for each in (ours, floor)}
    with canned_services(Cores.of_this_machine()) as services:
        counts = look_at(ours, bundles[ours], python=python, services=services)
        measured: dict[str, float] = {"zip_bytes": bundles[ours].zip_bytes, **counts}
        if instructions:
            count, least = (
                count_instructions(
                    each, bundle, [events.one(SONG)], python=python, services=services
                )
                for each, bundle in bundles.items()
            )
            measured[INSTRUCTIONS] = rounded(count / least, 4)
    return {name: measured[name] for name in TOLERANCES if name in measured}


def main() -> None:
    """Measure, and write the budgets."""
    parser = argparse.ArgumentParser(prog="python -m bench.budgets", description=__doc__)
    parser.add_argument("--python", default="", help="the Python that runs what is measured")
    python = find(parser.parse_args().python, "python3.13", sys.executable)
    if shutil.which("valgrind") is None:
        parser.error("valgrind is not installed: it counts the instructions")
    with tempfile.TemporaryDirectory() as directory:
        measured = measure(python, Path(directory), instructions=True)
    lines = (f"{name} = {figure:g}\n" for name, figure in measured.items() if name != "zip_bytes")
    text = f"{_HEADING}\nzip_bytes = {measured['zip_bytes']:.0f}\n{''.join(lines)}"
    _FILE.write_text(text, "utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
