"""One running service for all tests that only send it requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.running_service import RunningService


@pytest.fixture(scope="session")
def service() -> Iterator[RunningService]:
    with RunningService() as service:
        yield service
