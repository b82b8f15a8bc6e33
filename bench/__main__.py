"""`make bench`: measures, prints the tables, and keeps the results for the pages of docs/."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import shutil
import sys
import time
from dataclasses import asdict
from typing import Final

from bench import cost, plot, report, results
from bench.bundles import make_bundle
from bench.contestants import CONTESTANTS
from bench.lambda_python import find
from bench.measuring import Bench, Effort
from bench.processes import REPOSITORY, Cores

_BUILD: Final = REPOSITORY / "build" / "bench"
_QUICK: Final = Effort(cold_rounds=3, warm_rounds=5, many_rounds=3)


def main() -> None:
    """Read the command line, measure, and tell."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--python", default="", help="the Python that runs what is measured")
    parser.add_argument(
        "--quick", action="store_true", help="few rounds; the results go to build/bench alone"
    )
    parser.add_argument(
        "--instructions",
        action=argparse.BooleanOptionalAction,
        default=shutil.which("valgrind") is not None,
        help="count each cold start's, by valgrind; takes a minute and a half",
    )
    options = parser.parse_args()

    started, load = time.monotonic(), os.getloadavg()[0]
    python = find(options.python, "python3.13", sys.executable)
    _BUILD.mkdir(parents=True, exist_ok=True)
    bundles = {each: make_bundle(each, python, _BUILD) for each in CONTESTANTS}
    effort = _QUICK if options.quick else Effort()
    bench = Bench(bundles=bundles, python=python, cores=Cores.of_this_machine(), effort=effort)
    measured = bench.run(instructions=options.instructions)
    run = {
        "python": python.version,
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "load_before": round(load, 2),
        "load_after": round(os.getloadavg()[0], 2),
        "seconds": round(time.monotonic() - started),
        "effort": asdict(effort),
    }
    found = results.results(measured, run)
    results.write(found, _BUILD / "results.json")
    if not options.quick:
        results.write(found, results.RESULTS)
        report.put_into_page(found)
        plot.write(found)
        cost.write_page(found)
    sys.stdout.write(report.text(found))


if __name__ == "__main__":
    main()
