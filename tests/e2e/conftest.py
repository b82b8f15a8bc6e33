"""Shared fixtures: a running service, a browser, and the compiled TypeScript example."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.running_service import PROJECT, RunningService
from tests.patience import SAFETY_NET_SECONDS


@pytest.fixture(scope="session")
def service() -> Iterator[RunningService]:
    with RunningService() as service:
        yield service


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The TypeScript example, compiled into a folder `build`."""
    source = PROJECT / "examples" / "typescript"
    compiler = source / "node_modules" / ".bin" / "tsc"
    if not compiler.exists():
        pytest.skip("TypeScript is not installed (make set-up-contract)")
    folder = tmp_path_factory.mktemp("typescript") / "build"
    compiled = subprocess.run(  # noqa: S603 - the example of this project
        [compiler, "--project", source, "--outDir", folder],
        capture_output=True,
        text=True,
        timeout=SAFETY_NET_SECONDS,
        check=False,
    )
    assert compiled.returncode == 0, compiled.stdout
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


# Per module: Playwright runs an event loop in this thread, which would break other modules' tests.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium without a window; it reaches only this machine."""
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
