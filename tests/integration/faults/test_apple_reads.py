"""Every fault of Apple during a read, over real sockets."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Deploy
from tests.integration.faults import checks
from tests.integration.faults.apple_reads import READS
from tests.integration.faults.cells import Cell


@pytest.mark.parametrize("cell", READS, ids=str)
def test_the_response_to_each_fault(
    cell: Cell, deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    checks.check(cell, deploy, capsys)
