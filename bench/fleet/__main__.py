"""`make bench-fleet`: simulates the fleets, prints the table, and updates docs/reliability.md."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Final

from bench.fleet import report
from bench.fleet.figures import Figure
from bench.fleet.fleet import Size
from bench.fleet.scenarios import SCENARIOS

SIZES: Final = (Size(10, 250), Size(400, 10_000, sample=20), Size(4_000, 10_000, sample=40))
PLOTTED: Final = 400  # the number of environments of the fleet in the plot


def measure(index: int, size: Size) -> tuple[Sequence[Figure], Sequence[float]]:
    """Run the scenario with this index; return its figures, and the values to plot."""
    scenario = SCENARIOS[index]
    run = scenario.run(size)
    return scenario.figures(run), report.series(scenario.title, run)


def main() -> int:
    """Run all scenarios; return the exit status, which is 1 if a figure misses its limit."""
    results: dict[str, dict[int, Sequence[Figure]]] = defaultdict(dict)
    plotted = {}
    with ProcessPoolExecutor() as pool:
        jobs = {
            pool.submit(measure, index, size): (scenario.title, size.environments)
            for index, scenario in enumerate(SCENARIOS)
            for size in SIZES
        }
        for done, job in enumerate(as_completed(jobs), start=1):
            title, environments = jobs[job]
            results[title][environments], values = job.result()
            if environments == PLOTTED:
                plotted[title] = values
            sys.stderr.write(f"{done:2} of {len(jobs)}: {title}, {environments:,} environments\n")
    ordered = {
        title: {size.environments: by_size[size.environments] for size in SIZES}
        for title, by_size in results.items()
    }
    report.update_docs(ordered, plotted)
    sys.stdout.write(report.text(ordered) + "\n")
    return 1 - all(
        each.is_met for sizes in ordered.values() for row in sizes.values() for each in row
    )


if __name__ == "__main__":
    sys.exit(main())
