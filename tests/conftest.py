"""Fixtures of every tier: the sockets that a test may open, and the secret scan."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts

pytest_plugins = ["tests.secret_scan.plugin", "tests.summary"]

TESTS = Path(__file__).parent
LOOPBACK = ["127.0.0.1", "::1", "localhost"]
WITHOUT_RESOURCES = {"infra", "unit"}


@pytest.fixture(autouse=True)
def _sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    """Allow no sockets in unit tests, and only this machine in all others."""
    if _tier(request.path) == "unit":
        disable_socket()
    else:
        socket_allow_hosts(LOOPBACK)
    yield
    enable_socket()


@pytest.fixture(autouse=True, scope="module")
def _exclude_older_objects() -> None:
    """Exclude older objects from the collections of a module's tests, so that these are fast."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let a test that leaves a socket or a file open fail, instead of a later one."""
    yield
    if _tier(request.path) not in WITHOUT_RESOURCES:
        gc.collect()


def _tier(path: Path) -> str:
    return path.relative_to(TESTS).parts[0]
