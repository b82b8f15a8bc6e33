"""The files of the API reference, and which requests they answer."""

from __future__ import annotations

import json

import pytest

from dev.apple_music.ratings_store import ResourceId
from dev.http.messages import HttpRequest, HttpResponse
from dev.server.reference.page import reference_files, with_reference

API = HttpResponse(status=404)
URL = "https://abcdefghij.execute-api.eu-west-1.amazonaws.com"
USERS = (("a-<token>", "a `<case>`", "200"),)
ITEMS = (("A song", (ResourceId("library-songs", "i.1"), ResourceId("songs", "1"))),)


def page(server_url: str) -> str:
    return reference_files(server_url=server_url)["index.html"].decode()


def test_a_published_page_may_call_only_its_api_and_has_no_sample_users() -> None:
    assert f"connect-src 'self' {URL};" in page(f"{URL}/dev")
    assert f'"servers": [{{"url": "{URL}/dev"}}]' in page(f"{URL}/dev")
    assert "Sample users" not in page(f"{URL}/dev")


def test_without_an_api_the_page_lists_the_contracts_servers_and_sends_no_request() -> None:
    assert '"canTry": false' in page("")
    assert "{api}.execute-api" in page("")


def test_only_required_parameters_have_an_example() -> None:
    text = page("/").partition('id="settings">')[2].partition("</script>")[0]
    document = json.loads(text)["document"]
    parameters = document["components"]["parameters"]
    get = document["paths"]["/v1/me/ratings/{type}/{id}"]["get"]
    names = [parameter["$ref"].rpartition("/")[2] for parameter in get["parameters"]]
    assert names == ["type", "id", "l", "include", "extend"]
    assert {name for name in parameters if "example" in parameters[name]} == {"type", "id", "ids"}


@pytest.mark.parametrize("url", ["ftp://x", "example.com", f"{URL}/?a=b", f"{URL}; script-src *"])
def test_an_invalid_server_url_is_rejected(url: str) -> None:
    with pytest.raises(ValueError, match="must be an http or https URL"):
        reference_files(server_url=url)


def test_sample_users_and_items_are_escaped_and_shown() -> None:
    files = reference_files(server_url="/", users=USERS, items=ITEMS)
    text = files["index.html"].decode()
    assert 'data-token="a-&lt;token&gt;"' in text
    assert "<td>a <code>&lt;case&gt;</code></td>" in text
    assert "<code>library-songs/i.1</code><br><code>songs/1</code>" in text


@pytest.mark.parametrize(
    ("target", "media_type"),
    [
        ("/", "text/html"),
        ("/?user=1", "text/html"),
        ("/reference/page.js", "text/javascript"),
        ("/reference/swagger-ui.css", "text/css"),
        ("/reference/errors.txt", "text/plain"),
        ("/reference/openapi.yaml", "text/plain"),
    ],
)
def test_the_files_are_served(target: str, media_type: str) -> None:
    respond = with_reference(reference_files(server_url="/"), lambda _: API)
    response = respond(HttpRequest(method="GET", target=target))
    assert response.status == 200
    assert dict(response.headers)["Content-Type"] == f"{media_type}; charset=utf-8"
    assert response.body


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/"),
        ("GET", "//"),
        ("GET", "/reference"),
        ("GET", "/reference/../Makefile"),
        ("GET", "/v1/me/ratings/songs/1"),
    ],
)
def test_the_api_responds_to_every_other_request(method: str, target: str) -> None:
    respond = with_reference(reference_files(server_url="/"), lambda _: API)
    assert respond(HttpRequest(method=method, target=target)) is API
