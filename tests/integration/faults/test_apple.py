"""Every behaviour of Apple, for every state of the cache, over real sockets."""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from functions.ratings.models import MusicUserToken
from tests.fakes.origin import Origin, http, origin, sends
from tests.integration.faults.apple_behaviours import (
    BEHAVIOURS,
    BOTH,
    LISTS,
    STATES,
    Behaviour,
    ListBehaviour,
    State,
    resource,
)
from tests.integration.faults.backend import Backend
from tests.integration.faults.reliability_page import PAGE, reliability_page
from tests.integration.faults.told import assert_told


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def apple(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Behaviour], Any]:
    """Runs an Apple that behaves so, and tells where and how often it was asked."""
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)

    @contextmanager
    def running(behaviour: Behaviour) -> Iterator[tuple[str, Origin]]:
        with origin(*behaviour.answers(), tls=certified(behaviour, authority)) as served:
            yield url(behaviour, served), served

    return running


def certified(behaviour: Behaviour, authority: trustme.CA) -> ssl.SSLContext | None:
    if behaviour.wire in ("http", "refused", "no such name"):
        return None
    issuer = trustme.CA() if behaviour.wire == "untrusted" else authority
    host = "elsewhere.test" if behaviour.wire == "other host" else "127.0.0.1"
    ends = datetime(2020, 1, 1, tzinfo=UTC) if behaviour.wire == "expired" else None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert(host, not_after=ends).configure_cert(context)
    return context


def url(behaviour: Behaviour, served: Origin) -> str:
    if behaviour.wire == "refused":
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return f"http://127.0.0.1:{listener.getsockname()[1]}"
    if behaviour.wire == "no such name":
        return "https://apple-music.invalid"
    return served.url


CELLS = [(behaviour, state) for behaviour in BEHAVIOURS for state in STATES]


@pytest.mark.parametrize(
    ("behaviour", "state"), [pytest.param(b, s, id=f"{b.name}, {s}") for b, s in CELLS]
)
def test_what_the_caller_is_told(
    apple: Callable[[Behaviour], Any], behaviour: Behaviour, state: State
) -> None:
    told = behaviour.told(state)
    with apple(behaviour) as (at, served):
        backend = Backend(at, behaviour.deadline_seconds)
        if behaviour.name.startswith("a kept connection"):
            backend.get(MusicUserToken("somebody-else"))
            served.requests.clear()
        backend.hold(state)
        started = time.monotonic()

        answer = backend.get()

        taken = time.monotonic() - started
        backend.close()
    proxy = answer.to_proxy("request-1")
    headers = proxy["headers"]
    assert_told(told, proxy, taken)
    assert len(served.requests) == told.calls
    assert headers.keys() <= {
        "Content-Type",
        "Cache-Control",
        "X-Request-Id",
        "Cache-Status",
        "Age",
        "Retry-After",
    }
    assert headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("behaviour", LISTS, ids=[behaviour.name for behaviour in LISTS])
def test_what_a_list_proves_of_each_id(behaviour: ListBehaviour) -> None:
    with origin(sends(behaviour.answer), sends(http(404))) as served:
        backend = Backend(served.url)
        answer = backend.get_many(*BOTH)
        backend.get_many(*BOTH)
        backend.close()

    if behaviour.code is None:
        assert answer.status == 200
        assert json.loads(answer.body) == {"data": [resource(each) for each in behaviour.served]}
        assert str(answer.cache_status).endswith("stored") == bool(behaviour.stored)
    else:
        assert json.loads(answer.body)["errors"][0]["code"] == behaviour.code
    requested = [re.findall(rb"i\.[ab]", request) for request in served.requests]
    missing = [each.encode() for each in BOTH if each not in behaviour.stored]
    assert requested == [[b"i.a", b"i.b"], *([missing] if missing else [])]


def test_there_are_cells_enough() -> None:
    assert len(CELLS) >= 120
    assert len({behaviour.name for behaviour in BEHAVIOURS}) == len(BEHAVIOURS)


def test_the_page_on_reliability_is_the_table() -> None:
    assert PAGE.read_text("utf-8") == reliability_page(), (
        "write it again: python -m tests.integration.faults.reliability_page"
    )
