"""One running service for all tests that only send it requests, and a browser to send them from."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.running_service import RunningService


@pytest.fixture(scope="session")
def service() -> Iterator[RunningService]:
    with RunningService() as service:
        yield service


# Playwright keeps an event loop running in this thread, in which no other module's test may run.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium without a window; it reaches no network but this machine."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        yield browser
        browser.close()
