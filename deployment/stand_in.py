"""Apple Music for the deployed functions: the stand-in of `make run`, with its made-up users."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Self

from local import sample_data
from local.apple_music import AppleMusic
from local.developer_key import DeveloperKey
from local.http_server import HttpServer
from local.ratings_store import RatingsStore


class StandIn:
    """Answers on loopback for as long as the block lasts; trusts one key, made for this run."""

    def __init__(self) -> None:
        self.key: Final = DeveloperKey.generate()
        store = RatingsStore(
            items=sample_data.ITEMS, ratings=sample_data.RATINGS, clock=time.monotonic
        )
        self.apple_music: Final = AppleMusic(
            store=store, trusted_key=self.key.trusted, clock=time.time
        )
        self._server = HttpServer()

    @property
    def url(self) -> str:
        """Where it answers."""
        return self._server.url

    def __enter__(self) -> Self:
        self._server.start(self.apple_music)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.stop()
