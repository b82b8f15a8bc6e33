"""Counts, out of `mutmut results --all true`, how many mutants the tests noticed."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

LEAST_SCORE: Final = 85
"""What share of its mutants each module's tests have to notice, in per cent."""

_RESULT: Final = re.compile(r"\s*(?P<module>[\w.]+)\.(?P<mutant>x[_ǁ]\S+): (?P<status>.+)\s*")

# A mutant that never ends is noticed as well: by its tests, which do not end either.
_KILLED: Final = frozenset({"killed", "timeout"})
_NOT_ASKED_FOR: Final = "not checked"


def count(results: Iterable[str]) -> Mapping[str, Counter[bool]]:
    """Count, for each module, how many of its mutants were killed (True) and how many not.

    Raises:
        ValueError: where a line is none of mutmut's results.
    """
    counted: dict[str, Counter[bool]] = {}
    for line in results:
        result = _RESULT.fullmatch(line)
        if result is None:
            raise ValueError(f"not a result: {line!r}")
        if result["status"] != _NOT_ASKED_FOR:
            counted.setdefault(result["module"], Counter())[result["status"] in _KILLED] += 1
    return counted


def score(counts: Counter[bool]) -> float:
    """Give the share of the killed, in per cent."""
    return 100 * counts[True] / counts.total()


def table(counted: Mapping[str, Counter[bool]]) -> str:
    """Write the counts as a table in Markdown, their sum last."""
    lines = ["| module | mutants | killed | survived | score |", "|---|--:|--:|--:|--:|"]
    total = sum(counted.values(), Counter[bool]())
    for module, counts in [*sorted(counted.items()), ("all", total)]:
        killed, survived = counts[True], counts[False]
        lines.append(
            f"| {module.rpartition('.')[2]} | {counts.total()} | {killed} | {survived} "
            f"| {score(counts):.1f} % |"
        )
    return "\n".join(lines)


def main() -> str | None:
    """Print the table; give a complaint of the modules below the bound, if there are any."""
    counted = count(sys.stdin)
    if not counted:
        return "No mutant was tried."
    print(table(counted))  # noqa: T201 - what the command is for
    low = [module for module, counts in sorted(counted.items()) if score(counts) < LEAST_SCORE]
    return f"Below {LEAST_SCORE} %: {', '.join(low)}." if low else None


if __name__ == "__main__":
    sys.exit(main())
