"""A web page of another origin reads and writes ratings, in a real Chromium."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme
from playwright.sync_api import Browser, Page

from dev.http.messages import HttpRequest, HttpResponse
from dev.http.server import listen, serve, url_of
from dev.server.gateway import GatewaySimulator
from dev.server.lambda_pool import InvocationError
from tests.e2e.running_service import RunningService
from tests.fakes.lambda_function import Context, LambdaFunction
from tests.fakes.ratings_function import ADA

SONG = "/v1/me/ratings/library-songs/i.7PJNN4mfXlD68R"
ALBUM = "/v1/me/ratings/library-albums/l.likedInABrowser"
LIST = "/v1/me/ratings/library-songs?ids=i.7PJNN4mfXlD68R,i.mmpYYzeu4J0XGD"
LIKE = '{"type":"rating","attributes":{"value":1}}'
# The script of an app: it sends a request, and returns the readable parts of the response.
SEND = """async ([url, method, token, body]) => {
    const headers = {};
    if (token) headers["Music-User-Token"] = token;
    if (body) headers["Content-Type"] = "application/json";
    try {
        const response = await fetch(url, {method, headers, body: body || null});
        return {
            status: response.status,
            headers: Object.fromEntries(response.headers),
            body: await response.text().then(text => text && JSON.parse(text)),
        };
    } catch (error) {
        return {error: error.name};
    }
}"""

Send = Callable[..., dict[str, Any]]


def web_page(_: HttpRequest) -> HttpResponse:
    return HttpResponse(
        status=200, headers=(("Content-Type", "text/html"),), body=b"<!doctype html>"
    )


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    """A page whose origin is on this machine, but differs from the service's origin."""
    with listen() as listener, serve(listener, web_page):
        page = chromium.new_page()
        page.goto(url_of(listener))
        yield page
        page.close()


@pytest.fixture
def send(page: Page, service: RunningService) -> Send:
    def send(method: str, target: str, token: str = ADA.value, body: str = "") -> dict[str, Any]:
        result: dict[str, Any] = page.evaluate(SEND, [service.url + target, method, token, body])
        return result

    return send


def values(response: dict[str, Any]) -> list[int]:
    assert response["status"] == 200, response
    return [each["attributes"]["value"] for each in response["body"]["data"]]


def test_a_page_reads_one_rating_and_a_list(send: Send) -> None:
    assert values(send("GET", SONG)) == [1]
    assert values(send("GET", LIST)) == [1, -1]


def test_a_page_likes_an_item_and_removes_the_like(send: Send) -> None:
    assert values(send("PUT", ALBUM, body=LIKE)) == [1]
    assert values(send("GET", ALBUM)) == [1]
    assert send("DELETE", ALBUM)["status"] == 204
    assert send("GET", ALBUM)["status"] == 404


def test_a_page_reads_the_headers_that_it_needs(send: Send) -> None:
    send("GET", SONG)

    headers = send("GET", SONG)["headers"]

    assert headers["cache-status"].startswith("apple-music-ratings; hit; ttl=")
    assert {"age", "x-request-id"} < headers.keys()


@pytest.mark.parametrize(
    ("method", "target", "token", "body", "status", "code"),
    [
        ("GET", SONG, "sample-user-token-eve", "", 403, "40300"),
        ("PUT", SONG, ADA.value, "{}", 400, "40091"),
        # The gateway's error, without a header that would require a preflight.
        ("GET", "/v1/me/library/songs", "", "", 404, "40401"),
    ],
    ids=["a rejected token", "a bad body", "an unknown path"],
)
def test_a_page_reads_an_error_and_its_request_id(
    send: Send, method: str, target: str, token: str, body: str, status: int, code: str
) -> None:
    response = send(method, target, token, body)

    assert response["status"] == status
    (error,) = response["body"]["errors"]
    assert (error["code"], error["id"]) == (code, response["headers"]["x-request-id"])


def test_a_page_reads_the_gateways_error_after_a_preflight(page: Page) -> None:
    def crash(*_: object) -> None:
        raise InvocationError

    with listen() as listener:
        gateway = GatewaySimulator(crash, sign_in=crash, clock=time.time)
        with serve(listener, gateway.respond):
            response = page.evaluate(SEND, [url_of(listener) + SONG, "PUT", ADA.value, LIKE])

    assert (response["status"], response["body"]["errors"][0]["code"]) == (500, "50090")


def test_if_allowed_origins_are_set_only_their_pages_read_a_response(
    page: Page, chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        function = LambdaFunction(
            authority=trustme.CA(),
            stack=stack,
            monkeypatch=monkeypatch,
            folder=tmp_path,
            ALLOWED_ORIGINS=page.evaluate("origin"),
        )

        def invoke(event: dict[str, Any], _: str) -> object:
            return function.handle(event, Context())

        gateway = GatewaySimulator(invoke, sign_in=invoke, clock=time.time)
        listener = stack.enter_context(listen())
        stack.enter_context(serve(listener, gateway.respond))
        request = [f"{url_of(listener)}/v1/me/ratings/library-songs/i.a", "GET", ADA.value, ""]
        other = stack.enter_context(listen())
        stack.enter_context(serve(other, web_page))
        other_page = chromium.new_page()
        other_page.goto(url_of(other))

        assert page.evaluate(SEND, request)["status"] == 200
        assert other_page.evaluate(SEND, request) == {"error": "TypeError"}

        other_page.close()
