"""Budgets in `budgets.toml` for figures that do not vary; a test in CI checks them.

    python -m bench.budgets

measures, and writes the file. A commit that raises a budget says why.
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

from bench.bundles import LambdaPython, find_python, make_bundle
from bench.measurement import SONG, inspect, single_event
from bench.processes import launcher
from bench.results import rounded
from bench.variants import BASELINE, PROJECT, VARIANTS

Figures = Mapping[str, float]

INSTRUCTIONS: Final = "instructions_to_baseline"
"""Instructions of a start with its first hit, as a multiple of the baseline's."""

TOLERANCES: Final[Figures] = {
    "zip_bytes": 0.01,
    "modules_compiled": 0,
    "modules_imported": 0.02,  # Python's patch releases differ
    "files_opened": 0.02,
    "hit_handshakes": 0,
    "hit_ca_loads": 0,
    "hit_files_opened": 0,
    "hit_log_events": 0,
    "hit_log_bytes": 0.02,  # logged times differ in length
    "miss_log_bytes": 0.02,
    INSTRUCTIONS: 0.05,
}
"""The share by which each figure may exceed its budget."""

_FILE: Final = Path(__file__).with_name("budgets.toml")
_SLACK: Final = 0.1

_HEADING: Final = """\
# Budgets of the bundle, of a miss, of a warm hit, and of a start with its first hit.
# `python -m bench.budgets` writes them. A commit that raises a budget says why.

"""


def read_budgets() -> Figures:
    """Read the budgets."""
    return tomllib.loads(_FILE.read_text("utf-8"))


def check(measured: Figures, budgets: Figures) -> dict[str, str]:
    """Describe each figure that exceeds its budget, or is more than a tenth below it."""
    verdicts = {}
    for name, figure in measured.items():
        budget = budgets[name]
        if figure > budget * (1 + TOLERANCES[name]):
            verdicts[name] = f"{figure:g} exceeds the budget of {budget:g}"
        elif figure < budget * (1 - max(_SLACK, TOLERANCES[name])):
            verdicts[name] = f"{figure:g} is far below the budget of {budget:g}: lower the budget"
    return verdicts


def measure(python: LambdaPython, build: Path, *, instructions: bool) -> Figures:
    """Measure the figures that have a budget; counting instructions takes 15 s."""
    ours, baseline = (
        next(variant for variant in VARIANTS if variant.name == name)
        for name in (PROJECT, BASELINE)
    )
    bundles = {variant: make_bundle(variant, python, build) for variant in (ours, baseline)}
    with launcher(bundles, python) as running:
        measured = {"zip_bytes": float(bundles[ours].zip_bytes), **inspect(running, ours)}
        if instructions:
            event = [single_event(SONG)]
            count = running.count_instructions(ours, event)
            measured[INSTRUCTIONS] = rounded(
                count / running.count_instructions(baseline, event), digits=4
            )
    return {name: measured[name] for name in TOLERANCES if name in measured}


def main() -> None:
    """Measure, and write the budgets."""
    parser = argparse.ArgumentParser(prog="python -m bench.budgets", description=__doc__)
    parser.add_argument("--python", default="", help="the Python that runs the functions")
    python = find_python(parser.parse_args().python, "python3.13", sys.executable)
    if shutil.which("valgrind") is None:
        parser.error("valgrind is required to count instructions: install it")
    with tempfile.TemporaryDirectory() as directory:
        measured = measure(python, Path(directory), instructions=True)
    text = _HEADING + "".join(f"{name} = {figure:.12g}\n" for name, figure in measured.items())
    _FILE.write_text(text, "utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
