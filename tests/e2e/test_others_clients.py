"""Public clients work with the service: docs/compatibility.md lists them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running_service import PROJECT, RunningService, environment
from tests.fakes.signing_keys import p256_key, pem
from tests.patience import SAFETY_NET_SECONDS
from tests.secret_scan.scanner import SCANNER

CLIENTS = PROJECT / "build" / "others-clients"
CALLS = Path(__file__).with_name("others_clients") / "calls.py"
ADA = "sample-user-token-ada"
SONG, DISLIKED, ALBUM = "1440000101", "1440000102", "1440000103"  # no other test uses these

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not CLIENTS.exists(), reason="`make others-clients` installs the clients"),
]


def call(service: RunningService, folder: Path, client: str, *items: str, token: str = ADA) -> Any:
    """Return what the client's calls return."""
    ended = subprocess.run(  # noqa: S603 - no part comes from outside
        [sys.executable, str(CALLS), client, f"{service.url}/v1", *items],
        cwd=folder,
        env=environment(
            {
                "PYTHONPATH": str(CLIENTS),
                # applemusic-mcp
                "APPLEMUSIC_MCP_HOME": str(folder),
                "APPLEMUSIC_USER_TOKEN": token,
                # mcp-apple-music-server
                "APPLE_TEAM_ID": "DEF1234567",
                "APPLE_KEY_ID": "ABC1234567",
                "APPLE_PRIVATE_KEY": pem(p256_key()),
                "APPLE_MUSIC_USER_TOKEN": token,
            }
        ),
        capture_output=True,
        text=True,
        timeout=SAFETY_NET_SECONDS,
        check=False,
    )
    SCANNER.record("output of processes", ended.stdout + ended.stderr)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_applemusic_mcp(service: RunningService, tmp_path: Path) -> None:
    assert call(service, tmp_path, "applemusic_mcp", SONG, ALBUM) == [
        [True, "Loved"],
        1,
        [True, "Disliked"],
        -1,
        [True, "Cleared rating"],
        None,
        [True, "Loved"],
        f"Set 'dislike' for song {SONG}",
        -1,
    ]
    assert service.request(f"/v1/me/ratings/albums/{ALBUM}", ADA).value == 1


def test_mcp_apple_music_server(service: RunningService, tmp_path: Path) -> None:
    service.put(f"/v1/me/ratings/songs/{DISLIKED}", ADA, -1)
    removed = f"✅ Song [{SONG}] removed from favorites."

    assert call(service, tmp_path, "mcp_apple_music_server", SONG, DISLIKED) == [
        f"⭐ Song [{SONG}] added to favorites.",
        f"⭐ Favorite status:\n\n  {SONG}: ⭐ favorited\n  {DISLIKED}: 👎 disliked",
        removed,
        removed,
        f"⭐ Favorite status:\n\n  {SONG}: not favorited",
    ]


def test_mcp_apple_music_server_understands_the_errors(
    service: RunningService, tmp_path: Path
) -> None:
    results = call(
        service, tmp_path, "mcp_apple_music_server", SONG, DISLIKED, token="made-up-token-nobody"
    )

    for text in results:
        assert text.startswith("Apple Music API error 403: the Music User Token is invalid")
        assert "Apple Music rejected the music user token" in text
