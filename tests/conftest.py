"""Fixtures of every tier: the sockets that a test may open, and the secret scan."""

from __future__ import annotations

import gc
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

pytest_plugins = ["tests.secret_scan.plugin", "tests.summary"]

TESTS = Path(__file__).parent
LOOPBACK = ["127.0.0.1", "::1", "localhost"]
MAX_OPEN_FILES = 256  # the default of macOS: tests that leave more open fail on every machine
TIERS_WITHOUT_LEAK_CHECK = {"infra", "unit"}
TOGETHER = {"e2e", "infra"}


class _Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """One process runs all tests of a file, or of a tier in `TOGETHER`.

    The tests of such a tier share a running service or the templates. With `-m long`, tests are
    split by file only.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        tier = file.split("/")[1]
        return tier if tier in TOGETHER and self.config.option.markexpr != "long" else file


def pytest_configure() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_OPEN_FILES, hard))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    return _Scheduling(config, log)


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
def _exclude_older_objects(request: pytest.FixtureRequest) -> None:
    """Exclude older objects from garbage collection, so that `_leaks` is fast."""
    if _tier(request.path) not in TIERS_WITHOUT_LEAK_CHECK:
        gc.unfreeze()  # a frozen object may be garbage now, and hold a socket
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True)
def _leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that leaves a socket or a file open, not a later test."""
    yield
    if _tier(request.path) not in TIERS_WITHOUT_LEAK_CHECK:
        gc.collect()


def _tier(path: Path) -> str:
    return path.relative_to(TESTS).parts[0]
