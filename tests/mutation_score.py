"""Counts the mutants that the tests killed, from `mutmut results --all true`."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

LEAST_SCORE: Final = 85
"""The least share of a module's mutants that its tests must kill, in per cent."""

_RESULT: Final = re.compile(r"\s*(?P<module>[\w.]+)\.(?P<mutant>x[_ǁ]\S+): (?P<status>.+)\s*")

# A mutant that never ends counts as killed: the timeout fails its tests.
_KILLED: Final = frozenset({"killed", "timeout"})
_NOT_RUN: Final = "not checked"
_PACKAGE: Final = "functions.ratings."


def count(results: Iterable[str]) -> Mapping[str, Counter[bool]]:
    """Count the killed (True) and the surviving (False) mutants of each module."""
    counted: dict[str, Counter[bool]] = {}
    for line in results:
        result = _RESULT.fullmatch(line)
        if result is None:
            raise ValueError(f"not a result: {line!r}")
        if result["status"] != _NOT_RUN:
            counted.setdefault(result["module"], Counter())[result["status"] in _KILLED] += 1
    return counted


def score(counts: Counter[bool]) -> float:
    return 100 * counts[True] / counts.total()


def table(counted: Mapping[str, Counter[bool]]) -> str:
    lines = ["| module | mutants | killed | survived | score |", "|---|--:|--:|--:|--:|"]
    total = sum(counted.values(), Counter[bool]())
    for module, counts in [*sorted(counted.items()), ("all", total)]:
        killed, survived = counts[True], counts[False]
        lines.append(
            f"| {module.removeprefix(_PACKAGE)} | {counts.total()} | {killed} | {survived} "
            f"| {score(counts):.1f} % |"
        )
    return "\n".join(lines)


def main() -> str | None:
    counted = count(sys.stdin)
    if not counted:
        return "No mutants were run."
    print(table(counted))  # noqa: T201 - the command's output
    low = [module for module, counts in sorted(counted.items()) if score(counts) < LEAST_SCORE]
    return f"Below {LEAST_SCORE} %: {', '.join(low)}." if low else None


if __name__ == "__main__":
    sys.exit(main())
