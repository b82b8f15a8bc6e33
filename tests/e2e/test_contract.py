"""The running service against its contract, by requests that a machine makes up."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.local_service import PROJECT, LocalService

CASES = 300


@pytest.fixture
def disposable() -> Iterator[LocalService]:
    """A service whose ratings may be rated at random."""
    service = LocalService()
    yield service
    service.end(signal.SIGTERM)


def test_every_answer_is_one_that_the_contract_describes(
    disposable: LocalService, tmp_path: Path
) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(PROJECT / "docs" / "openapi.yaml")),
        *("--url", disposable.url),
        *("--header", "Music-User-Token: sample-user-token-ada"),
        # Any id goes with any type as far as a schema can tell: what is valid by it may be a 400.
        *("--exclude-checks", "positive_data_acceptance"),
        *("--max-examples", "100", "--seed", "1", "--workers", "2", "--no-color"),
    ]
    ended = subprocess.run(  # noqa: S603 - nothing of it comes from outside
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )

    assert ended.returncode == 0, ended.stdout[-8000:]
    generated = re.search(r"(\d+) generated", ended.stdout)
    assert generated is not None
    assert int(generated[1]) >= CASES
