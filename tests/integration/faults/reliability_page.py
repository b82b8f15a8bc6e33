"""Writes docs/reliability.md from the table: `python -m tests.integration.faults.reliability_page`."""

from __future__ import annotations

from pathlib import Path

from tests.integration.faults.apple_behaviours import BEHAVIOURS, STATES, Behaviour, Told

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"

_INTRODUCTION = """\
# Reliability

What a caller is told when something fails. The table is written from the one that the tests run
(`tests/integration/faults/apple_behaviours.py`), {cells} cells over real sockets.

Each cell: the status, the error's code, what `Cache-Status` says, `Age` and `Retry-After` in seconds, and how often
Apple was asked (×). A rating is fresh for 60 s and stands in for 3,600 s more; the tests look at ages of 10, 90 and
3,700 s. Fresh ratings are answered without asking Apple, whatever it does.

## When Apple fails

| Apple | nothing cached, or past the limit | stale |
|---|---|---|
"""

_REST = """
- **Time.** Every answer is there within the deadline (6 s, 2 s in these tests), answers that drip a byte at a time
  included; with a stale copy at hand Apple gets 1.5 s.
- **One retry**, after up to 0.2 s at random, for a lost connection, 500, 502, 504 and a 503 that does not say when;
  for 429 after 0.5 to 1 s, if no copy is at hand. Retries are at most a tenth of requests, 10 saved up.
- **A breaker** for each environment: after 5 failures in a row (no connection, too slow, 5xx) Apple is not asked for
  10 s, then one request tries. Meanwhile a stale copy is `hit; ttl=-30; detail=stale-if-error`, and anything else
  503/50391 with `Retry-After`.
- **A refusal is final.** After 401, 403 and 400 no copy stands in. After a 403 the token is refused from memory for
  10 s in that environment, and what was cached of the family does not count any more if the user had written to it or
  something of it was just read; otherwise another fresh rating of it may be served by another environment for up to
  60 s more.
- **Little time.** With under half a second left, Apple is not asked: the answer is a hit, a stale copy, or 503/50391,
  and a write is not sent.

## When something else fails

| what | reads | writes |
|---|---|---|
| DynamoDB refused, silent, slow, failing, throttled, denied, without its table | Apple's answer with `fwd=bypass`, at most 0.3 s later; Apple's error if it fails too | Apple's answer |
| an item that is malformed, another owner's, from the future, of another layout | a miss, and overwritten | |
| DynamoDB leaves keys unprocessed | asked once more, then a miss; without the generation nothing is stored | |
| Secrets Manager down, a token in memory | as if up, until the token's `exp` | the same |
| Secrets Manager down, no token; the secret empty, no JWT, expired | fresh and stale as if Apple failed, else 503/50390 | 503/50390, nothing sent |
| Apple accepts a write with an odd or empty body | | success, answered from the request; nothing stored |
| Apple does not answer a write | | 504/50490, outcome unknown; nothing of the family is stored for 60 s |
"""


def reliability_page() -> str:
    rows = "\n".join(_row(behaviour) for behaviour in BEHAVIOURS)
    cells = len(BEHAVIOURS) * len(STATES)
    return _INTRODUCTION.format(cells=cells) + rows + "\n" + _REST


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
