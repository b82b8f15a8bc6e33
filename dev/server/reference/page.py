"""Makes the files of the API reference: one page, Swagger UI, and the documents.

The page's Content-Security-Policy allows requests only to its own host and the API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from importlib.metadata import distribution
from pathlib import Path
from string import Template
from typing import Any, Final

import yaml

from dev.apple_music.ratings_store import ResourceId
from dev.http.messages import HttpRequest, HttpResponse

_FOLDER: Final = Path(__file__).parent
_DOCS: Final = _FOLDER.parents[2] / "docs"
_HEADER: Final = "Music-User-Token"
_URL: Final = re.compile(r"(https?://[A-Za-z0-9.:\[\]-]+)(/[A-Za-z0-9._~/-]*)?")
_BUTTON: Final = Template('<button type="button" data-token="$token">$token</button>')
_MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".txt": "text/plain",
    ".yaml": "text/plain",
}


def reference_files(
    *,
    server_url: str,
    users: Sequence[tuple[str, str, str]] = (),
    items: Sequence[tuple[str, Sequence[ResourceId]]] = (),
) -> dict[str, bytes]:
    """Return the content of each file by its path; `index.html` is the page.

    `server_url` is the API to call: "/" for the page's own host, "" for a page without requests.
    `users` has the token, the case and the expected response of each sample user. `items` has the
    title and the ids of each sample item. The page starts with the first user.

    Raises:
        ValueError: if `server_url` is not "/", "", or an http or https URL.
    """
    url = _URL.fullmatch(server_url)
    if server_url not in {"", "/"} and url is None:
        raise ValueError(f"must be an http or https URL without a query: {server_url}")
    contract = (_DOCS / "openapi.yaml").read_text("utf-8")
    document = _with_path_parameters(yaml.safe_load(contract))
    settings = {
        "document": _for_server(document, server_url) if server_url else document,
        "scheme": _user_token_scheme(document),
        "canTry": bool(server_url),
    }
    page = Template((_FOLDER / "index.html").read_text("utf-8")).substitute(
        title=escape(document["info"]["title"]),
        summary=escape(document["info"]["summary"]),
        api=url[1] if url else "",
        samples=_samples(users, items) if users else "",
        settings=json.dumps(settings).replace("<", "\\u003c"),
    )
    swagger_ui = Path(str(distribution("flask-swagger-ui").locate_file("flask_swagger_ui/dist")))
    return {
        "index.html": page.encode(),
        "reference/errors.txt": (_DOCS / "errors.md").read_bytes(),
        "reference/openapi.yaml": contract.encode(),
        "reference/page.css": (_FOLDER / "page.css").read_bytes(),
        "reference/page.js": (_FOLDER / "page.js").read_bytes(),
        "reference/swagger-ui.css": (swagger_ui / "swagger-ui.css").read_bytes(),
        "reference/swagger-ui-bundle.js": (swagger_ui / "swagger-ui-bundle.js").read_bytes(),
        "reference/swagger-ui-license.txt": (swagger_ui / "LICENSE").read_bytes(),
    }


def with_reference(
    files: Mapping[str, bytes], respond: Callable[[HttpRequest], HttpResponse]
) -> Callable[[HttpRequest], HttpResponse]:
    """Return a function that serves the files on GET, and passes other requests to `respond`."""

    def respond_with_reference(request: HttpRequest) -> HttpResponse:
        path = request.target.partition("?")[0].removeprefix("/") or "index.html"
        if request.method != "GET" or path not in files:
            return respond(request)
        media_type = _MEDIA_TYPES[Path(path).suffix]
        headers = (
            ("Content-Type", f"{media_type}; charset=utf-8"),
            ("Cache-Control", "no-cache"),
            ("X-Content-Type-Options", "nosniff"),
        )
        return HttpResponse(status=200, headers=headers, body=files[path])

    return respond_with_reference


def _with_path_parameters(document: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI document, with the parameters of each path copied to its operations."""
    paths = {
        path: {
            method: {**operation, "parameters": shared + operation.get("parameters", [])}
            for method, operation in item.items()
            if method != "parameters"
        }
        for path, item in document["paths"].items()
        for shared in [item.get("parameters", [])]
    }
    return {**document, "paths": paths}


def _for_server(document: dict[str, Any], server_url: str) -> dict[str, Any]:
    """Return the OpenAPI document for one server, with examples only of required parameters.

    Otherwise, Swagger UI would send the example of every optional parameter with every request.
    """
    components = document["components"]
    parameters = {
        name: parameter
        if parameter.get("required")
        else {key: value for key, value in parameter.items() if key not in {"example", "examples"}}
        for name, parameter in components["parameters"].items()
    }
    servers = [{"url": server_url}]
    return {**document, "servers": servers, "components": {**components, "parameters": parameters}}


def _user_token_scheme(document: dict[str, Any]) -> str:
    schemes = document["components"]["securitySchemes"].items()
    return next(str(name) for name, scheme in schemes if scheme.get("name") == _HEADER)


def _samples(
    users: Iterable[tuple[str, str, str]], items: Iterable[tuple[str, Sequence[ResourceId]]]
) -> str:
    user_rows = (
        (_BUTTON.substitute(token=escape(token)), _text(case), _text(response))
        for token, case, response in users
    )
    item_rows = (
        (_text(title), "<br>".join(f"<code>{escape(f'{id_.type}/{id_.id}')}</code>" for id_ in ids))
        for title, ids in items
    )
    return Template((_FOLDER / "samples.html").read_text("utf-8")).substitute(
        users=_rows(user_rows), items=_rows(item_rows)
    )


def _text(text: str) -> str:
    return re.sub(r"`(.+?)`", r"<code>\1</code>", escape(text))


def _rows(rows: Iterable[Iterable[str]]) -> str:
    return "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>" for cells in rows)
