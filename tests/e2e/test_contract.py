"""The running service against its contract, with generated requests."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dev.apple_music.launcher import launch
from dev.apple_music.sample_data import ADA
from dev.http.messages import HttpRequest
from tests.e2e.running_service import PROJECT, RunningService
from tests.patience import SAFETY_NET_SECONDS

CASES = 2_000
MOST_RUNS = 4
"""On a busy machine schemathesis sends fewer requests in a run; then another run follows."""
APPLES_PATHS = re.compile(r"/v1/test|/v1/me/ratings/[a-z-]+(/[A-Za-z0-9._-]+)?", re.ASCII)


def send_generated_requests(service: RunningService, folder: Path, seed: int) -> int:
    """Have schemathesis send requests that the contract allows; return their number."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(PROJECT / "docs" / "openapi.yaml")),
        *("--url", service.url),
        *("--header", f"Music-User-Token: {ADA}"),
        # Only GET exists, and gets 503 without a signing key. Other methods get the gateway's 404.
        *("--exclude-path", "/developer-token"),
        # A schema cannot relate ids to types, so the service may reject what the schema allows.
        *("--exclude-checks", "positive_data_acceptance"),
        # One thread: before 3.11.8, ast.parse fails in two at once (CPython gh-106905).
        *("--max-examples", "400", "--seed", str(seed), "--workers", "1", "--no-color"),
    ]
    ended = subprocess.run(  # noqa: S603 - no part comes from outside
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=10 * SAFETY_NET_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-8000:]
    generated = re.search(r"(\d[\d,]*) generated", ended.stdout)
    assert generated is not None
    return int(generated[1].replace(",", ""))


@pytest.mark.long
def test_every_response_is_in_the_contract_and_only_known_paths_reach_apple(tmp_path: Path) -> None:
    cases, upstream = 0, list[HttpRequest]()
    # Not the shared service: the requests change ratings at random.
    with launch(intercept=upstream.append) as apple, RunningService.over(apple) as disposable:
        for seed in range(1, MOST_RUNS + 1):
            cases += send_generated_requests(disposable, tmp_path, seed)
            if cases >= CASES:
                break

    assert cases >= CASES
    paths = {request.target.partition("?")[0] for request in upstream}
    assert paths
    assert [path for path in paths if not APPLES_PATHS.fullmatch(path)] == []
