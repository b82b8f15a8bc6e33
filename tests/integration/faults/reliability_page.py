"""Writes docs/reliability.md from the tables: `python -m tests.integration.faults.reliability_page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.integration.faults.apple_behaviours import (
    BEHAVIOURS,
    LISTS,
    STATES,
    Behaviour,
    ListBehaviour,
    Told,
)
from tests.integration.faults.dependency_faults import CELLS, Cell
from tests.integration.faults.write_behaviours import WRITES, Method, WriteBehaviour

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"

_INTRODUCTION = """\
# Reliability

What a caller is told when something fails. The tables are written from those that the tests run
(`tests/integration/faults/`), {cells} cells over real sockets, each with a bound on its time.

A rating is fresh for 60 s and stands in for 3,600 s more; the tests look at ages of 10, 90 and 3,700 s.

## When Apple fails a read

Each cell: the status, the error's code, what `Cache-Status` says, `Age` and `Retry-After` in seconds, and how often
Apple was asked (×). Fresh ratings are answered without asking Apple, whatever it does.

| Apple | nothing cached, or past the limit | stale |
|---|---|---|
{reads}

## What Apple's response to a list proves

The request is for `i.a` and `i.b`, and nothing is cached. A `stored` id is remembered, as rated or as not rated.

| Apple | response | stored |
|---|---|---|
{lists}

## When Apple fails a write

Whatever becomes of a write, nothing that was cached before it is served after it. `kept` means that the written value is
remembered; after an `unknown` outcome nothing of the family is remembered for 60 s.

| Apple | PUT | DELETE |
|---|---|---|
{writes}

## When something else fails

`asked` is how often DynamoDB, Secrets Manager and Apple are; `noticed`, which metrics count it.

| what | case | told | asked | noticed |
|---|---|---|---|---|
{dependencies}

## The rules behind the tables

"""

_RULES = """\
- **Time.** Every answer is there within the deadline (6 s, 2 or 3 s in these tests), answers that drip a byte at a
  time included; with a stale copy at hand Apple gets 1.5 s. A DynamoDB that does not answer costs 0.3 s for each call.
- **One retry**, after up to 0.2 s at random, for a lost connection, 500, 502, 504 and a 503 that does not say when;
  for 429 after 0.5 to 1 s, if no copy is at hand. Retries are at most a tenth of requests, 10 saved up.
- **A breaker** for each environment: after 5 failures in a row (no connection, too slow, 5xx) Apple is not asked for
  10 s, then one request tries. Meanwhile a stale copy is `hit; ttl=-30; detail=stale-if-error`, and anything else
  503/50391 with `Retry-After`; a write is neither announced nor sent.
- **The status decides first.** 401, 403, 404, 429 and 5xx, and every status of a write, mean the same if the body is
  unreadable (cut off, too large, badly encoded). The body counts only for a 200 to a read, for the code of a 400, and for
  the difference between JSON and HTML: an HTML 403 comes from an edge, not from Apple; an unreadable 403 counts as Apple's.
- **Not rated** is proven by a 404 that is empty or has an `errors` object with a code other than 40401, and by a 200
  without the id that has neither `errors` nor `next`. A missing `value` or 0 means not rated; `"data": null` is an empty list.
- **A body that repeats a token**, plain, JSON-escaped or percent-encoded, is unreadable.
- **An unknown outcome.** Any attempt of a write, the first included, that ends without a status or with a 5xx may still
  take effect. The retry then succeeds only if its response is clear, and nothing is kept either way.
- **A refusal is final.** After 401, 403 and 400 no copy stands in. After a 403 the token is refused from memory for
  10 s in that environment, and what was cached of the family does not count any more if the user had written to it or
  something of it was just read; otherwise another fresh rating of it may be served by another environment for up to
  60 s more.
- **Little time.** With under half a second left, Apple is not asked: the answer is a hit, a stale copy, or 503/50391.
  A write needs a second more, for its close; without that it is neither announced nor sent.
"""


def reliability_page() -> str:
    cells = len(BEHAVIOURS) * len(STATES) + len(LISTS) + len(CELLS)
    cells += sum(map(len, WRITES.values()))
    return (
        _INTRODUCTION.format(
            cells=cells,
            reads="\n".join(_row(behaviour) for behaviour in BEHAVIOURS),
            lists="\n".join(_list_row(behaviour) for behaviour in LISTS),
            writes="\n".join(_write_rows()),
            dependencies="\n".join(_dependency_row(cell) for cell in CELLS),
        )
        + _RULES
    )


def _list_row(behaviour: ListBehaviour) -> str:
    served = "200, " + (", ".join(f"`{each}`" for each in behaviour.served) or "empty")
    response = served if behaviour.code is None else f"502/{behaviour.code}"
    return f"| {behaviour.name} | {response} | {', '.join(behaviour.stored)} |"


def _write_rows() -> Iterator[str]:
    told = {
        method: {each.name: _written(each, method) for each in behaviours}
        for method, behaviours in WRITES.items()
    }
    for name in dict.fromkeys(name for cells in told.values() for name in cells):
        yield f"| {name} | {told['PUT'].get(name, '')} | {told['DELETE'].get(name, '')} |"


def _written(behaviour: WriteBehaviour, method: Method) -> str:
    status = str(behaviour.told(method))
    parts = [status if behaviour.code is None else f"{status}/{behaviour.code}"]
    if behaviour.retry_after is not None:
        parts.append(f"Retry-After {behaviour.retry_after}")
    parts.extend(name for name in ("kept", "unknown") if getattr(behaviour, name))
    return f"{', '.join(parts)}, ×{behaviour.calls}"


def _dependency_row(cell: Cell) -> str:
    told = _cell(cell.told).rpartition(", ×")[0].replace(", ``", "")
    noticed = ", ".join(f"`{metric.value}` {count}" for metric, count in cell.noticed.items())
    asked = " · ".join(map(str, cell.asked))
    return f"| {cell.dependency}: {cell.fault} | {cell.case} | {told} | {asked} | {noticed} |"


def _row(behaviour: Behaviour) -> str:
    return f"| {behaviour.name} | {_cell(behaviour.nothing)} | {_cell(behaviour.stale)} |"


def _cell(told: Told) -> str:
    status = str(told.status) if told.code is None else f"{told.status}/{told.code}"
    parts = [status, f"`{told.cache}`"]
    if told.age is not None:
        parts.append(f"Age {told.age}")
    if told.retry_after is not None:
        parts.append(f"Retry-After {told.retry_after[-1]}")
    return f"{', '.join(parts)}, ×{told.calls}"


if __name__ == "__main__":
    PAGE.write_text(reliability_page(), "utf-8")
