"""Writes the tables of docs/reliability.md: `python -m tests.integration.faults.reliability_page`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.integration.faults.apple_lists import LISTS, ListCell
from tests.integration.faults.apple_reads import READS
from tests.integration.faults.apple_writes import WRITES
from tests.integration.faults.cells import Cell, Expected
from tests.integration.faults.dependencies import DEPENDENCIES

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"
_GENERATED = "generated: python -m tests.integration.faults.reliability_page"


def reliability_page() -> str:
    """Return docs/reliability.md with new tables, and with the handwritten text unchanged."""
    text = PAGE.read_text("utf-8")
    for name, rows in {
        "reads": _rows(READS, ("nothing cached", "stale")),
        "lists": map(_list_row, LISTS),
        "writes": _rows(WRITES, ("PUT", "DELETE")),
        "dependencies": map(_dependency_row, DEPENDENCIES),
    }.items():
        head, mark, rest = text.partition(f"<!-- {name}, {_GENERATED} -->\n")
        titles, separator, *_ = rest.splitlines()
        _, gap, after = rest.partition("\n\n")
        text = head + mark + "\n".join((titles, separator, *rows)) + gap + after
    return text


def _rows(cells: Iterable[Cell], cases: tuple[str, ...]) -> Iterator[str]:
    by_fault: dict[str, dict[str, str]] = {}
    for cell in cells:
        by_fault.setdefault(cell.fault, {})[cell.case] = _expected(cell.expected)
    for fault, by_case in by_fault.items():
        yield _row(fault, *(by_case.get(case, "") for case in cases))


def _list_row(cell: ListCell) -> str:
    served = "200, " + (", ".join(f"`{each}`" for each in cell.served) or "empty")
    response = served if cell.code is None else f"502/{cell.code}"
    return _row(cell.fault, response, ", ".join(cell.stored))


def _dependency_row(cell: Cell) -> str:
    response = _expected(cell.expected).rpartition(", ×")[0]
    calls = " · ".join(map(str, (*(cell.aws_calls or ()), cell.expected.calls)))
    metrics = ", ".join(f"`{name.value}` {count}" for name, count in (cell.metrics or {}).items())
    return _row(cell.fault, cell.case, response, calls, metrics)


def _expected(expected: Expected) -> str:
    parts = [
        str(expected.status) if expected.code is None else f"{expected.status}/{expected.code}"
    ]
    if expected.cache:
        parts.append(f"`{expected.cache}`")
    if expected.age is not None:
        parts.append(f"Age {expected.age}")
    if expected.retry_after is not None:
        parts.append(f"Retry-After {expected.retry_after[-1]}")
    if expected.is_kept:
        parts.append("kept")
    if expected.outcome_unknown:
        parts.append("unknown")
    return f"{', '.join(parts)}, ×{expected.calls}"


def _row(*texts: str) -> str:
    return f"| {' | '.join(texts)} |"


if __name__ == "__main__":
    PAGE.write_text(reliability_page(), "utf-8")
