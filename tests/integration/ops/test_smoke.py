"""What `smoke` sends, over a real socket."""

from __future__ import annotations

from ops.smoke import HttpService
from tests.fakes.origin import http, origin, sends

TOKEN, KEY = "made-up-token-ada", "made-up-api-key-0123456789"


def test_an_api_key_goes_with_every_request_where_there_is_one() -> None:
    with origin(sends(http(200, b"{}"))) as served:
        with_key, without = HttpService(served.url, KEY), HttpService(served.url)
        with_key.get("/v1/me/ratings/songs/1", TOKEN)
        with_key.put("/v1/me/ratings/songs/1", TOKEN, 1)
        with_key.get("/v1/me/ratings/songs/1", None)
        without.get("/v1/me/ratings/songs/1", TOKEN)
        with_key.close()
        without.close()

    line = f"x-api-key: {KEY}".encode()
    assert [line in request for request in served.requests] == [True, True, True, False]
