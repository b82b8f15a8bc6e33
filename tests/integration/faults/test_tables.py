"""Faults of writes, lists and dependencies, over real sockets."""

from __future__ import annotations

import json
import re
import time

import pytest

from functions.ratings.cache.items import family_sort_key, read_family
from tests.fakes.apple_music import rating
from tests.fakes.lambda_function import LambdaFunction, cache_status, error_code
from tests.fakes.origin import http, sends
from tests.fakes.ratings_function import ADA, SONG
from tests.integration.conftest import Deploy
from tests.integration.faults import checks
from tests.integration.faults.apple_lists import BOTH, LISTS, ListCell
from tests.integration.faults.apple_reads import READS
from tests.integration.faults.apple_writes import WRITES
from tests.integration.faults.cells import Cell
from tests.integration.faults.dependencies import DEPENDENCIES
from tests.integration.faults.reliability_page import PAGE, reliability_page


@pytest.mark.parametrize("cell", DEPENDENCIES, ids=str)
def test_the_response_to_each_fault_of_a_dependency(
    cell: Cell, deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    checks.check(cell, deploy, capsys)


@pytest.mark.parametrize("cell", WRITES, ids=str)
def test_the_response_to_each_fault_of_a_write(
    cell: Cell, deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.time()

    function = checks.check(cell, deploy, capsys)

    assert_family(cell, function, started)


def assert_family(cell: Cell, function: LambdaFunction, closed_after: float) -> None:
    """Check that older copies are invalid, and that the written value is kept only if certain."""
    item, now = function.table.items[ADA.hash, family_sort_key("songs")], time.time()
    family = read_family(item, ADA.hash, now)
    assert family is not None
    values = {key: (each.value, each.generation) for key, each in family.answers.items()}
    written = (int(cell.method == "PUT"), family.number)
    assert values == ({SONG: written} if cell.expected.is_kept else {})
    assert closed_after + 5 <= family.settling_until <= now + 5
    assert (family.unknown_until >= closed_after + 60) == cell.expected.outcome_unknown
    assert family.writing_until == 0.0


@pytest.mark.parametrize("cell", LISTS, ids=[cell.fault for cell in LISTS])
def test_a_list_stores_only_the_ratings_that_the_response_proves(
    cell: ListCell, deploy: Deploy
) -> None:
    function = deploy(apple=(sends(cell.response), sends(http(404))))
    response = function.get_list(*BOTH)
    function.get_list(*BOTH)

    if cell.code is None:
        assert json.loads(response["body"]) == {"data": [rating(each) for each in cell.served]}
        assert cache_status(response).endswith("stored") == bool(cell.stored)
    else:
        assert error_code(response) == cell.code
    requested = [re.findall(rb"i\.[ab]", request) for request in function.calls()[2]]
    missing = [each.encode() for each in BOTH if each not in cell.stored]
    assert requested == [[b"i.a", b"i.b"], *([missing] if missing else [])]


def test_every_cell_has_its_own_name() -> None:
    for cells in (READS, WRITES, DEPENDENCIES):
        assert len({str(cell) for cell in cells}) == len(cells)


def test_the_page_is_written_from_the_tables() -> None:
    assert PAGE.read_text("utf-8") == reliability_page(), (
        "update it: python -m tests.integration.faults.reliability_page"
    )
