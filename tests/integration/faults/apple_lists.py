"""The table: what Apple's response to a list proves about each id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.fakes.apple_music import rating
from tests.fakes.origin import http
from tests.fakes.ratings_function import ADA
from tests.integration.faults.cells import document, errors, html


@dataclass(frozen=True)
class ListCell:
    """Apple's response to a request for i.a and i.b while nothing is cached.

    `code` is the error of the whole list. Without it, the ids in `served` are in the response, and
    the ids in `stored` are cached, as rated or not rated.
    """

    fault: str
    response: bytes
    served: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()
    code: str | None = None


BOTH: Final = ("i.a", "i.b")
A: Final = ("i.a",)

LISTS: Final = (
    ListCell("200 with both", http(200, document(rating("i.a"), rating("i.b"))), BOTH, BOTH),
    ListCell("200 without i.b", http(200, document(rating("i.a"))), A, BOTH),
    ListCell(
        "200, i.b with value 0", http(200, document(rating("i.a"), rating("i.b", 0))), A, BOTH
    ),
    ListCell("200, data empty", http(200, document()), (), BOTH),
    ListCell("200, data null", http(200, b'{"data":null}'), (), BOTH),
    *(
        ListCell(
            f"200 without i.b, with {name}", http(200, document(rating("i.a"), **{name: "x"})), A, A
        )
        for name in ("errors", "next")
    ),
    ListCell("200, data empty, with next", http(200, document(next="x"))),
    ListCell("404", http(404), (), BOTH),
    ListCell("404, JSON", http(404, errors("40400")), (), BOTH),
    ListCell("404, HTML", html(404), code="50291"),
    ListCell("404, code 40401", http(404, errors("40401")), code="50291"),
    ListCell(
        "200, i.b repeating the user token",
        http(200, document(rating("i.a"), rating("i.b", x=ADA.value))),
        code="50291",
    ),
)
