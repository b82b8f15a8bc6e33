"""The running service against its contract, by requests that a machine makes up."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from functions.token_rotation.signing import parse_signing_key, sign_developer_token
from local import sample_data
from local.apple_music import AppleMusic
from local.developer_key import DeveloperKey
from local.http_server import HttpServer
from local.ratings_store import RatingsStore
from tests.e2e.local_service import PROJECT, LocalService
from tests.patience import SAFETY_NET_SECONDS

CASES = 2_000
MOST_RUNS = 4
"""On a busy machine schemathesis makes fewer requests in a run: then there is another."""
APPLES_PATHS = re.compile(
    r"/v1/test|/v1/me/storefront|/v1/me/ratings/[a-z-]+(/[A-Za-z0-9._-]+)?", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposable:
    """A service whose ratings may be rated at random, and the Apple Music that it asks."""

    service: LocalService
    apple: AppleMusic


@pytest.fixture
def disposable() -> Iterator[Disposable]:
    key = DeveloperKey.generate()
    store = RatingsStore(items=sample_data.ITEMS, ratings=sample_data.RATINGS, clock=time.monotonic)
    apple = AppleMusic(store=store, trusted_key=key.trusted, clock=time.time)
    with HttpServer() as server:
        server.start(apple)
        token = sign_developer_token(
            parse_signing_key(key.document), now=time.time(), life_seconds=3_600
        )
        service = LocalService(APPLE_MUSIC_URL=server.url, DEVELOPER_TOKEN=token)
        yield Disposable(service=service, apple=apple)
        service.end(signal.SIGTERM)


def ask_made_up_requests(service: LocalService, folder: Path, seed: int) -> int:
    """Have schemathesis ask whatever the contract lets one ask; give the number of requests."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(PROJECT / "docs" / "openapi.yaml")),
        *("--url", service.url),
        *("--header", f"Music-User-Token: {sample_data.ADA}"),
        # Any id goes with any type as far as a schema can tell: what is valid by it may be a 400.
        *("--exclude-checks", "positive_data_acceptance"),
        # One thread: before 3.11.8, ast.parse fails in two at once (CPython gh-106905).
        *("--max-examples", "400", "--seed", str(seed), "--workers", "1", "--no-color"),
    ]
    ended = subprocess.run(  # noqa: S603 - nothing of it comes from outside
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
def test_every_answer_is_one_that_the_contract_describes(
    disposable: Disposable, tmp_path: Path
) -> None:
    cases = 0
    for seed in range(1, MOST_RUNS + 1):
        cases += ask_made_up_requests(disposable.service, tmp_path, seed)
        if cases >= CASES:
            break

    assert cases >= CASES
    calls = disposable.apple.calls
    assert calls
    assert [call for call in calls if not APPLES_PATHS.fullmatch(call.path)] == []
