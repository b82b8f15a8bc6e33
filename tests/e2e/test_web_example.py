"""The web example, on another origin, signs a user in and likes a song, in a real Chromium."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from dev.apple_music.developer_key import DeveloperKey
from dev.http.messages import HttpRequest, HttpResponse
from dev.http.server import listen, serve, url_of
from dev.server.sign_in import LOOPBACK_ORIGINS
from tests.api_client import SIGN_IN_PATH
from tests.e2e.running_service import PROJECT, RunningService
from tests.fakes.origin import Answering, http, origin, resets, sends
from tests.patience import SAFETY_NET_SECONDS

pytestmark = pytest.mark.long

FOLDER = PROJECT / "examples" / "typescript"
ADA = "sample-user-token-ada"
SONG = "/v1/me/ratings/songs/1440857781"
MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript"}

Open = Callable[..., Page]


def listen_on_a_listed_port() -> socket.socket:
    """Return a listener on one of the ports whose pages get tokens."""
    for port in (urlsplit(listed).port for listed in LOOPBACK_ORIGINS if "127.0.0.1" in listed):
        try:
            return listen(port or 80)
        except OSError:
            continue
    raise AssertionError("every listed port is in use")


@pytest.fixture
def open_page(chromium: Browser, built: Path) -> Iterator[Open]:
    """Serve the example on another origin, and open it."""
    with ExitStack() as stack:

        def open_page(api: str, *, is_listed: bool = True, query: str = "") -> Page:
            def respond(request: HttpRequest) -> HttpResponse:
                name = request.target.partition("?")[0][1:] or "index.html"
                path = (built.parent if name.startswith("build/") else FOLDER) / name
                if not path.is_file():
                    return HttpResponse(status=404)
                headers = (("Content-Type", MEDIA_TYPES[path.suffix]),)
                body = path.read_bytes().replace(b"http://127.0.0.1:8080", api.encode())
                return HttpResponse(status=200, headers=headers, body=body)

            listener = stack.enter_context(listen_on_a_listed_port() if is_listed else listen())
            stack.enter_context(serve(listener, respond))
            page = chromium.new_page()
            stack.callback(page.close)
            page.set_default_timeout(SAFETY_NET_SECONDS * 1000)
            expect.set_options(timeout=SAFETY_NET_SECONDS * 1000)
            page.goto(url_of(listener) + query)
            return page

        yield open_page


def click(page: Page, button: str) -> None:
    page.get_by_role("button", name=button).click()


def test_a_page_on_another_origin_signs_in_likes_a_song_and_deletes_the_rating(
    service: RunningService, open_page: Open
) -> None:
    page = open_page(service.url)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.reload()
    rating = page.locator("output")

    click(page, "Sign in")
    expect(rating).to_have_text("none")
    click(page, "Like")
    expect(rating).to_have_text("liked")
    assert service.request(SONG, ADA).value == 1
    page.screenshot(path=PROJECT / "build" / "screenshots" / "web-example.png")
    click(page, "Delete")
    expect(rating).to_have_text("none")

    assert service.request(SONG, ADA).status == 404
    assert service.url + SIGN_IN_PATH in requests
    hosts = {f"http://{urlsplit(url).netloc}" for url in requests}
    assert hosts == {service.url, page.evaluate("location.origin")}


def test_a_page_of_an_origin_that_is_not_listed_names_the_origin(
    service: RunningService, open_page: Open
) -> None:
    page = open_page(service.url, is_listed=False)

    own_origin = page.evaluate("origin")
    response = service.request(SIGN_IN_PATH, None, ("Origin", own_origin))
    assert (response.status, response.error_code) == (403, "40391")
    # The page's request gets the same response, but no script of this origin can read it.
    expect(page.get_by_role("alert")).to_contain_text(f"Is {own_origin} in the service's list")
    expect(page.get_by_role("button", name="Like")).to_be_disabled()


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ("expired", "Sign in again. .*status 403, code 40300"),
        ("subscription-ended", "Your Apple Music subscription has ended. "),
        ("throttled", r"Try again in \d+ seconds. .*status 429, code 42991"),
    ],
)
def test_the_page_shows_what_to_do_about_an_error(
    service: RunningService, open_page: Open, user: str, message: str
) -> None:
    page = open_page(service.url, query=f"?user={user}")

    click(page, "Sign in")

    expect(page.get_by_role("alert")).to_have_text(re.compile(message))
    like = page.get_by_role("button", name="Like")
    expect(like).to_be_enabled(enabled=user != "expired")


def test_with_a_deployed_service_the_page_requests_apples_musickit(open_page: Open) -> None:
    page = open_page("https://api.example")  # the browser reaches neither this host nor Apple
    with page.expect_request("https://js-cdn.music.apple.com/musickit/v3/musickit.js"):
        page.reload()

    expect(page.get_by_role("alert")).to_have_text("MusicKit did not load. Reload the page.")


def test_the_local_musickit_accepts_the_tokens_that_apple_accepts(
    service: RunningService, open_page: Open
) -> None:
    page, key = open_page(service.url), DeveloperKey.generate()
    page.wait_for_function("globalThis.MusicKit")
    own_origin = page.evaluate("origin")

    def configure(token: str) -> str:
        script = """developerToken => MusicKit.configure({developerToken, app: {name: "a"}})
            .then(() => "accepted", error => error.message)"""
        return str(page.evaluate(script, token))

    assert configure(key.sign_token(origin=own_origin)) == configure(key.sign_token()) == "accepted"
    assert configure(key.sign_token(origin=f"{own_origin}0")) == "The token is for another origin"
    assert configure(key.sign_token(now=0)) == "Initialized with an expired token"


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        (sends(http(403, b'{"errors": [{"code": "40390"}]}')), "report: status 403, code 40390"),
        (sends(http(503, b'{"errors": [{"code": "50392"}]}')), "try-later: status 503, code 50392"),
        (sends(http(200, b"<html>")), "report: status 200, code none"),
        (resets, "try-later: status 0, code none"),
    ],
)
def test_a_failure_to_get_a_developer_token_says_what_to_do(
    built: Path, answer: Answering, output: str
) -> None:
    script = """
        import { getDeveloperToken } from "./developer-token.js";
        await getDeveloperToken(process.argv[2], "a-key").catch(error => console.log(`${error}`));
    """
    (built / "token.js").write_text(script)

    with origin(answer) as service:
        ended = subprocess.run(  # noqa: S603 - the example of this project
            ["node", str(built / "token.js"), service.url],  # noqa: S607 - the machine's own
            capture_output=True,
            text=True,
            timeout=SAFETY_NET_SECONDS,
            check=True,
        )

    assert output in ended.stdout
    assert b"X-Api-Key: a-key" in service.requests[0]
