"""`make bench`: measures, prints tables, and updates the results and docs/performance.md."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import sys
import time
from dataclasses import asdict
from typing import Final

from bench import report, results
from bench.bundles import find_python, make_bundle
from bench.measurement import Effort, measure
from bench.processes import REPOSITORY, launcher
from bench.variants import VARIANTS

_BUILD: Final = REPOSITORY / "build" / "bench"
_QUICK: Final = Effort(cold_rounds=3, warm_rounds=5, many_rounds=3)


def main() -> None:
    """Parse the command line, measure, and report."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--python", default="", help="the Python that runs the functions")
    parser.add_argument(
        "--quick", action="store_true", help="few rounds; only build/bench gets the results"
    )
    parser.add_argument(
        "--instructions",
        action=argparse.BooleanOptionalAction,
        default=shutil.which("valgrind") is not None,
        help="count the instructions of each cold start with valgrind; takes 90 seconds",
    )
    options = parser.parse_args()

    started, load = time.monotonic(), os.getloadavg()[0]
    python = find_python(options.python, "python3.13", sys.executable)
    _BUILD.mkdir(parents=True, exist_ok=True)
    bundles = {variant: make_bundle(variant, python, _BUILD) for variant in VARIANTS}
    effort = _QUICK if options.quick else Effort()
    cores = len(os.sched_getaffinity(0))
    with launcher(bundles, python) as running:
        measured = measure(running, effort, instructions=options.instructions)
    run = {
        "python": python.version,
        "machine": platform.machine(),
        "cores": cores,
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "load_before": round(load, 2),
        "load_after": round(os.getloadavg()[0], 2),
        "seconds": round(time.monotonic() - started),
        "effort": asdict(effort),
    }
    found = results.evaluate(measured, run)
    document = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    (_BUILD / "results.json").write_text(document, "utf-8")
    if not options.quick:
        results.RESULTS.write_text(document, "utf-8")
        report.update_docs(found)
    sys.stdout.write(report.text(found) + "\n")


if __name__ == "__main__":
    main()
