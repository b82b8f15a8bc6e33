"""The local Apple Music stops at once, even while a user waits for a response."""

from __future__ import annotations

import threading
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from dev.apple_music import faults
from dev.apple_music.faults import Fault
from dev.apple_music.launcher import launch
from dev.apple_music.sample_data import ADA
from dev.http.messages import HttpRequest
from tests.patience import SAFETY_NET_SECONDS


def test_stopping_ends_a_request_of_a_slow_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "SLOW_SECONDS", 1e6)
    arrived, stopped = threading.Event(), threading.Event()

    def send(url: str) -> None:
        connection = HTTPConnection(urlsplit(url).netloc)
        connection.request("GET", "/", headers={"Music-User-Token": ADA})
        connection.getresponse().read()
        connection.close()

    def intercept(_request: HttpRequest) -> None:
        arrived.set()

    def run() -> None:
        with launch(faults={ADA: Fault.SLOW}, intercept=intercept) as apple:
            sender = threading.Thread(target=send, args=[apple.url], daemon=True)
            sender.start()
            arrived.wait(SAFETY_NET_SECONDS)
        sender.join()
        stopped.set()

    threading.Thread(target=run, daemon=True).start()
    assert stopped.wait(SAFETY_NET_SECONDS)
