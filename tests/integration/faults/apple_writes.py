"""The table: Apple's response to a write, our response, and the cache after the write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from tests.fakes.apple_music import rating
from tests.fakes.lambda_function import found
from tests.fakes.origin import Answering, drips, http, resets, sends, stays_silent
from tests.fakes.ratings_function import ADA
from tests.integration.faults.cells import (
    OK,
    REREAD,
    Cell,
    Expected,
    Row,
    document,
    errors,
    holding,
    html,
)

SECONDS: Final = 3.5
"""Lambda's remaining time if Apple is slow; a write reserves a second for its close."""

METHODS: Final = ("PUT", "DELETE")


def succeeds(
    fault: str, *apple: Answering, calls: int = 1, kept: bool = False, unknown: bool = False
) -> Row:
    """A PUT responds 200 with the written rating, and a DELETE 204."""
    success = Expected(status=200, calls=calls, is_kept=kept, outcome_unknown=unknown)
    return _row(fault, apple, {"PUT": success, "DELETE": replace(success, status=204)})


def fails(
    fault: str, status: int, code: str, *apple: Answering, unknown: bool = False, **more: Any
) -> Row:
    failure = Expected(status=status, code=code, outcome_unknown=unknown, **more)
    return _row(fault, apple, dict.fromkeys(METHODS, failure))


def _row(fault: str, apple: tuple[Answering, ...], expected: Mapping[str, Expected]) -> Row:
    return tuple(
        Cell(
            fault=fault,
            case=method,
            method=method,
            apple=apple,
            items=holding("fresh"),
            expected=expected[method],
        )
        for method in METHODS
    )


def slow(cells: Row) -> Row:
    return tuple(replace(cell, seconds=SECONDS) for cell in cells)


def only(method: str, cells: Row) -> Row:
    return tuple(cell for cell in cells if cell.method == method)


LOST: Final[Mapping[str, Answering]] = {
    "a lost connection": resets,
    **{str(status): sends(http(status)) for status in (500, 502, 503, 504)},
}
"""Results of a first attempt that is retried, and that may still take effect after the retry."""


def after_a_lost_attempt() -> Iterator[Row]:
    """The response to the retry decides our response, but the write's outcome stays unknown."""
    clear = {"PUT": sends(http(200, document(rating("i.a")))), "DELETE": sends(http(204))}
    for fault, lost in LOST.items():
        for method, success in clear.items():
            cells = succeeds(f"{fault}, then success", lost, success, calls=2, unknown=True)
            yield only(method, cells)
    for fault in ("a lost connection", "504"):
        for then, status, code, response in (
            ("400", 400, "40000", http(400)),
            ("403", 403, "40300", http(403)),
            ("404, HTML", 502, "50291", http(404, b"<html></html>")),
            ("200, HTML", 502, "50291", html(200)),
        ):
            answers = LOST[fault], sends(response)
            yield fails(f"{fault}, then {then}", status, code, *answers, calls=2, unknown=True)
    lost, absent = sends(http(504)), sends(http(404))
    yield only("PUT", fails("504, then 404", 404, "40400", lost, absent, calls=2, unknown=True))
    yield only("DELETE", succeeds("504, then 404", lost, absent, calls=2, unknown=True))


def empty_successes() -> Iterator[Row]:
    """Successes without a rating: they confirm a PUT, but not a DELETE."""
    for fault, response in (
        ("200, empty", http(200)),
        ("200, an empty object", http(200, b"{}")),
        ("200, no data", http(200, b'{"data":[]}')),
        ("200, data null", http(200, b'{"data":null}')),
        ("201, empty", http(201)),
        ("202, empty", http(202)),
    ):
        for method in METHODS:
            yield only(method, succeeds(fault, sends(response), kept=method == "PUT"))


ROWS: Final[tuple[Row, ...]] = (
    only("PUT", succeeds("200", found(), kept=True)),
    only("PUT", succeeds("201", sends(http(201, document(rating("i.a")))), kept=True)),
    succeeds("204", sends(http(204)), kept=True),
    *empty_successes(),
    *after_a_lost_attempt(),
    succeeds("200, HTML", sends(html(200))),
    succeeds("200, another id", sends(http(200, document(rating("i.b"))))),
    succeeds("200, another value", sends(http(200, document(rating("i.a", -1))))),
    succeeds(
        "200, repeating the user token", sends(http(200, document(rating("i.a", x=ADA.value))))
    ),
    succeeds("206", sends(http(206))),
    slow(fails("silence after sending", 504, "50490", stays_silent, unknown=True)),
    slow(fails("a header a byte at a time", 504, "50490", drips(OK + b"X: ", b"x"), unknown=True)),
    slow(succeeds("a body a byte at a time", drips(OK + b"Content-Length: 9999\r\n\r\n", b"x"))),
    fails("reset", 502, "50290", resets, calls=2, unknown=True),
    fails("500", 502, "50290", sends(http(500)), calls=2, unknown=True),
    fails("502", 502, "50290", sends(http(502)), calls=2, unknown=True),
    fails("504", 504, "50490", sends(http(504)), calls=2, unknown=True),
    fails("503", 503, "50391", sends(http(503)), calls=2, unknown=True, retry_after=range(5, 6)),
    fails(
        "503 with Retry-After",
        503,
        "50391",
        sends(http(503, b"", "Retry-After: 7")),
        unknown=True,
        retry_after=range(7, 8),
    ),
    fails("429", 429, "42991", sends(http(429)), calls=2, retry_after=range(1, 3)),
    fails(
        "429 with Retry-After",
        429,
        "42991",
        sends(http(429, b"", "Retry-After: 7")),
        retry_after=range(7, 8),
    ),
    fails("301", 502, "50291", sends(http(301, b"", "Location: https://elsewhere.test/"))),
    fails("418", 502, "50291", sends(http(418))),
    fails("400", 400, "40000", sends(http(400))),
    fails("401, because of the user", 401, "40191", sends(http(401)), sends(http(200)), calls=2),
    fails(
        "401, because of the developer token",
        503,
        "50390",
        sends(http(401)),
        calls=2,
        retry_after=REREAD,
    ),
    fails("403", 403, "40300", sends(http(403))),
    fails("403, HTML", 502, "50291", sends(http(403, b"<html></html>"))),
    fails("404, HTML", 502, "50291", sends(http(404, b"<html></html>"))),
    fails("404, code 40401", 502, "50291", sends(http(404, errors("40401")))),
    fails("405", 502, "50291", sends(http(405))),
    only("PUT", fails("404", 404, "40400", sends(http(404)))),
    only("PUT", fails("404, JSON", 404, "40400", sends(http(404, errors("40400"))))),
    only("DELETE", succeeds("404", sends(http(404)), kept=True)),
    only("DELETE", succeeds("404, JSON", sends(http(404, errors("40400"))), kept=True)),
)
WRITES: Final = tuple(cell for cells in ROWS for cell in cells)
