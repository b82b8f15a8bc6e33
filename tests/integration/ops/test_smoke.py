from __future__ import annotations

from ops.smoke import HttpService
from tests.fakes.origin import http, origin, sends

TOKEN, KEY = "made-up-token-ada", "made-up-api-key-0123456789"
PATH = "/v1/me/ratings/songs/1"


def test_every_request_has_the_api_key_if_one_is_set() -> None:
    with origin(sends(http(200, b"{}"))) as served:
        with_key, without = HttpService(served.url, KEY), HttpService(served.url)
        with_key.send("PUT", PATH, TOKEN, 1)
        with_key.send("GET", PATH, None, None)
        without.send("GET", PATH, TOKEN, None)
        with_key.close()
        without.close()

    header = f"x-api-key: {KEY}".encode()
    assert [header in request for request in served.requests] == [True, True, False]
