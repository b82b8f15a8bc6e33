"""What every tier of the tests shares: which sockets it may open, and the watch for secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts

from tests.canaries.plugin import (  # noqa: F401 - pytest's hooks
    pytest_configure,
    pytest_runtest_logreport,
    pytest_sessionfinish,
    pytest_terminal_summary,
)

TESTS = Path(__file__).parent
LOOPBACK = ["127.0.0.1", "::1", "localhost"]


@pytest.fixture(autouse=True)
def _sockets(request: pytest.FixtureRequest) -> object:
    """No sockets in unit tests, this machine alone in all others."""
    tier = request.path.relative_to(TESTS).parts[0]
    if tier == "unit":
        disable_socket()
    else:
        socket_allow_hosts(LOOPBACK)
    yield
    enable_socket()
