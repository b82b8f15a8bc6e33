"""One running service for all tests that only ask it something."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.e2e.local_service import LocalService


@pytest.fixture(scope="session")
def service() -> Iterator[LocalService]:
    service = LocalService()
    yield service
    service.end(signal.SIGTERM)
