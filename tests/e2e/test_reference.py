"""The API reference in a browser: at `/` of the running service, and as published files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from dev.server.reference.__main__ import main
from tests.api_client import SIGN_IN_PATH
from tests.e2e.running_service import PROJECT, RunningService
from tests.patience import SAFETY_NET_SECONDS

ColorScheme = Literal["dark", "light"]
SCREENSHOTS = PROJECT / "build" / "screenshots"
RATING = "/v1/me/ratings/{type}/{id}"
PUBLISHED = "https://reference.example"
API = "https://api.example"


@contextmanager
def opened(browser: Browser, color_scheme: ColorScheme = "light") -> Iterator[Page]:
    """Open a page, and check at its end that the browser reported no error."""
    page = browser.new_page(color_scheme=color_scheme)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(SAFETY_NET_SECONDS * 1000)
    expect.set_options(timeout=SAFETY_NET_SECONDS * 1000)
    yield page
    page.close()
    assert errors == []


def operations(page: Page) -> Locator:
    found = page.locator(".opblock")
    expect(found.first).to_be_visible()
    return found


def operation(page: Page, method: str, path: str = RATING) -> Locator:
    """Unfold an operation on the page, and return it."""
    shown = page.locator(f".opblock-{method}").filter(
        has=page.locator(f'.opblock-summary-path[data-path="{path}"]')
    )
    shown.locator(".opblock-summary-control").click()
    return shown


def execute(shown: Locator) -> tuple[str, str]:
    """Send the request of an unfolded operation; return the status and the body."""
    shown.locator("button.execute").click()
    live = shown.locator(".live-responses-table .response")
    expect(live).to_be_visible()
    body = live.locator(".highlight-code code, .highlight-code pre")
    status = live.locator(".response-col_status").inner_text().split()[0]
    return status, body.first.inner_text() if body.count() else ""


def test_the_page_reads_a_rating_and_fits_dark_mode_light_mode_and_a_phone(
    service: RunningService, chromium: Browser
) -> None:
    with opened(chromium, color_scheme="dark") as page:
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{service.url}/")
        assert operations(page).count() == 5
        status, body = execute(operation(page, "get"))
        assert (status, '"value": 1' in body) == ("200", True)
        looks: tuple[tuple[str, ColorScheme, int, str], ...] = (
            ("dark", "dark", 1280, "rgb(28, 32, 34)"),
            ("light", "light", 1280, "rgba(0, 0, 0, 0)"),
            ("phone", "light", 375, "rgba(0, 0, 0, 0)"),
        )
        for name, color_scheme, width, background in looks:
            page.emulate_media(color_scheme=color_scheme)
            page.set_viewport_size({"width": width, "height": 900})
            expect(page.locator("html")).to_have_css("background-color", background)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            page.screenshot(
                path=SCREENSHOTS / f"reference-{name}.png",
                full_page=True,
                clip={"x": 0, "y": 0, "width": width, "height": 2400},
            )
        assert {f"http://{urlsplit(url).netloc}" for url in requests} == {service.url}


@pytest.mark.long
def test_the_page_writes_deletes_and_lists_as_the_chosen_user_and_gets_a_developer_token(
    service: RunningService, chromium: Browser
) -> None:
    with opened(chromium) as page:
        page.goto(f"{service.url}/")
        page.get_by_role("button", name="sample-user-token-grace").click()
        expect(page.locator("[aria-pressed=true]")).to_have_text("sample-user-token-grace")
        tried = []
        for method in ("put", "delete"):
            shown = operation(page, method)
            shown.locator('tr[data-param-name="id"] input').fill("i.triedOnThePage")
            tried.append(execute(shown)[0])
        status, body = execute(operation(page, "get", "/v1/me/ratings/{type}"))
        assert [*tried, status] == ["200", "204", "200"]
        assert '"value": -1' in body
        status, body = execute(operation(page, "get", SIGN_IN_PATH))
        assert (status, '"token"' in body) == ("200", True)


def test_the_page_can_call_no_other_host(service: RunningService, chromium: Browser) -> None:
    page = chromium.new_page()
    page.goto(f"{service.url}/")
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate("fetch('https://example.com/').catch(() => null)")
    page.close()


@pytest.mark.long
def test_published_files_call_their_api_and_no_other_host(
    chromium: Browser, tmp_path: Path
) -> None:
    folder = tmp_path / "reference"
    assert main(folder, f"{API}/dev") == 0
    requests: list[str] = []

    def respond(route: Route) -> None:
        url = route.request.url
        requests.append(url)
        if url.startswith(PUBLISHED):
            route.fulfill(path=folder / (urlsplit(url).path[1:] or "index.html"))
        else:
            route.fulfill(status=200, headers={"Access-Control-Allow-Origin": "*"}, json={})

    with opened(chromium) as page:
        page.route("**/*", respond)
        page.goto(f"{PUBLISHED}/")
        assert execute(operation(page, "get"))[0] == "200"

    assert requests[-1] == f"{API}/dev/v1/me/ratings/library-songs/i.7PJNN4mfXlD68R"
    assert all(url.startswith(PUBLISHED) for url in requests[:-1])
    assert not any(b"sample-user" in path.read_bytes() for path in folder.rglob("*.html"))
