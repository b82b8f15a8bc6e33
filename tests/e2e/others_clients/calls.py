"""Runs the ratings calls of a published client; only its base URL is changed.

Usage: calls.py FUNCTION BASE_URL SONG OTHER_ITEM. Prints what the calls return, as a JSON list.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any


def applemusic_mcp(base_url: str, song: str, album: str) -> list[Any]:
    """Call the functions that use the web player's host, and the tool that uses the public host."""
    from applemusic_mcp import amp_api, auth, server  # noqa: PLC0415

    amp_api.AMP = server.BASE_URL = base_url
    auth._save_harvested_token("a-developer-token-which-the-service-ignores")
    steps: list[Callable[[], Any]] = [
        lambda: amp_api.rate(song, 1),
        lambda: amp_api.get_rating(song),
        lambda: amp_api.rate(song, -1),
        lambda: amp_api.get_rating(song),
        lambda: amp_api.rate(song, 0),
        lambda: amp_api.get_rating(song),
        lambda: amp_api.rate(album, 1, "albums"),
        lambda: server.library(action="rate", rate_action="dislike", track=song),
        lambda: amp_api.get_rating(song),
    ]
    return [step() for step in steps]


def mcp_apple_music_server(base_url: str, song: str, disliked: str) -> list[Any]:
    """Call the server's three tools; return an exception's text, which its users see."""
    from mcp_apple_music import client, server  # noqa: PLC0415

    client.BASE_URL = base_url
    results = []
    for call in (
        server.favorite_song(song),
        server.get_song_favorite_status(f"{song}, {disliked}"),
        server.unfavorite_song(song),
        server.unfavorite_song(song),
        server.get_song_favorite_status(song),
    ):
        try:
            results.append(asyncio.run(call))
        except client.AppleMusicAPIError as error:
            results.append(str(error))
    return results


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    print(json.dumps(globals()[name](*arguments)))  # noqa: T201
