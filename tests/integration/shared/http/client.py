"""A transport with defaults for tests."""

from __future__ import annotations

import time

from functions.shared.deadline import Clock, Deadline
from functions.shared.http.connection import TrustStore
from functions.shared.http.messages import Request, Response
from functions.shared.http.transport import Transport
from tests.fakes.origin import Answering, Origin, origin
from tests.patience import SAFETY_NET_SECONDS

GET = Request(method="GET", target="/", headers={}, max_body_bytes=10_000, max_idle_seconds=60)


class Client:
    def __init__(self, url: str, *, trust: TrustStore | None = None, clock: Clock = time) -> None:
        self._transport = Transport(url, trust=trust or TrustStore(), clock=clock)
        self.close = self._transport.close

    def send(self, request: Request = GET, seconds: float = SAFETY_NET_SECONDS) -> Response:
        return self._transport.send(request, Deadline.after(seconds, time))


def send_two(answering: Answering) -> tuple[Response, Origin]:
    """Return the first response; a second request shows whether the connection is kept."""
    with origin(answering) as served:
        client = Client(served.url)
        response = client.send()
        client.send()
    return response, served
