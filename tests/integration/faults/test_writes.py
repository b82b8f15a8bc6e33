"""Every answer of Apple's to a write, over real sockets, and what the cache makes of it."""

from __future__ import annotations

import json
import time

import pytest

from tests.fakes.origin import origin
from tests.integration.faults.apple_behaviours import ADA, SONG, resource
from tests.integration.faults.backend import Backend
from tests.integration.faults.write_behaviours import (
    WRITES,
    Method,
    WriteBehaviour,
)
from tests.patience import LATE_SECONDS

CELLS = [(method, behaviour) for method, behaviours in WRITES.items() for behaviour in behaviours]


@pytest.mark.parametrize(
    ("method", "behaviour"), [pytest.param(m, b, id=f"{m}: {b.name}") for m, b in CELLS]
)
def test_what_the_caller_is_told_and_what_is_remembered(
    method: Method, behaviour: WriteBehaviour
) -> None:
    with origin(*behaviour.answers) as served:
        backend = Backend(served.url, behaviour.deadline_seconds)
        backend.hold("fresh")
        started, closed_after = time.monotonic(), time.time()

        answer = backend.write(method)

        taken = time.monotonic() - started
        backend.close()
    headers = answer.to_proxy("request-1")["headers"]
    assert answer.status == behaviour.told(method)
    if behaviour.code is not None:
        assert json.loads(answer.body)["errors"][0]["code"] == behaviour.code
    elif method == "PUT":
        # Where Apple's own words cannot be used, the answer is made from the request.
        assert json.loads(answer.body)["data"][0]["attributes"] == resource()["attributes"]
    assert "Cache-Status" not in headers
    assert headers.get("Retry-After") == (
        None if behaviour.retry_after is None else str(behaviour.retry_after)
    )
    assert len(served.requests) == behaviour.calls
    assert taken < behaviour.seconds + LATE_SECONDS

    snapshot = backend.cache.read(ADA.owner, "songs", [SONG])
    generation = snapshot.generation
    assert generation is not None
    # What was fresh before the write is not served after it, whatever became of the write.
    assert generation.number is not None
    assert (SONG in snapshot.ratings) == behaviour.kept
    if behaviour.kept:
        assert snapshot.ratings[SONG].rating.is_rated == (method == "PUT")
    now = time.time()
    assert closed_after + 5 <= generation.settling_until <= now + 5
    assert (generation.unknown_until >= closed_after + 60) == behaviour.unknown
    assert generation.writing_until == 0.0
