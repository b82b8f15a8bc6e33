"""Apple Music's ratings API: turns a request into a response, with the ratings of a store.

It responds as Apple documents or, without documentation, as Apple was observed to respond.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import jwt

from dev.apple_music.developer_key import DeveloperKey
from dev.apple_music.ratings_store import RatingsStore, ResourceId
from dev.http.messages import HttpRequest, HttpResponse
from functions.token_rotation.settings import LONGEST_LIFE_SECONDS

_RATINGS: Final = "/v1/me/ratings/"
ID_PATTERNS: Final = {
    "albums": re.compile(r"[0-9]+"),
    "library-albums": re.compile(r"l\.[A-Za-z0-9]+"),
    "library-music-videos": re.compile(r"i\.[A-Za-z0-9]+"),
    "library-playlists": re.compile(r"p\.[A-Za-z0-9]+"),
    "library-songs": re.compile(r"i\.[A-Za-z0-9]+"),
    "music-videos": re.compile(r"[0-9]+"),
    "playlists": re.compile(r"pl\.[A-Za-z0-9-]+"),
    "songs": re.compile(r"[0-9]+"),
    "stations": re.compile(r"ra\.[A-Za-z0-9._-]+"),
}


class _RejectedError(Exception):
    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status)
        self.response = response


class AppleMusic:
    """Responds to requests with the ratings of a store; safe to use from several threads.

    It accepts developer tokens that `trusted_keys` signed and that are not expired at `clock`.
    """

    def __init__(
        self,
        *,
        store: RatingsStore,
        trusted_keys: Iterable[DeveloperKey],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._keys = {key.key_id: key for key in trusted_keys}
        self._clock = clock

    def trust(self, key: DeveloperKey) -> None:
        """Accept developer tokens that this key signed."""
        self._keys[key.key_id] = key

    def revoke(self, key: DeveloperKey) -> None:
        """From now on, reject developer tokens that this key signed."""
        del self._keys[key.key_id]

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Return the response to one request."""
        path, _, query = request.target.partition("?")
        headers = {name.lower(): value for name, value in request.headers}
        try:
            self._check_developer_token(headers)
            if (request.method, path) == ("GET", "/v1/test"):
                return HttpResponse(status=200)
            user = self._user(headers)
            return self._ratings(user, request, path, parse_qs(query, keep_blank_values=True))
        except _RejectedError as rejected:
            return rejected.response

    def _check_developer_token(self, headers: Mapping[str, str]) -> None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self._is_accepted(token, headers.get("origin")):
            # Apple's 401 was observed without a body.
            raise _RejectedError(HttpResponse(status=401))

    def _is_accepted(self, token: str, page_origin: str | None) -> bool:
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key.public_key,
                algorithms=["ES256"],
                issuer=key.team_id,
                # The times are checked below, by this server's clock.
                options={
                    "require": ["iss", "iat", "exp"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.InvalidTokenError, KeyError):
            return False
        issued_at, expires_at = claims["iat"], claims["exp"]
        origins = claims.get("origin", [page_origin])
        return (
            isinstance(origins, list)
            and page_origin in origins
            and all(type(moment) in {int, float} for moment in (issued_at, expires_at))
            and self._clock() < expires_at <= issued_at + LONGEST_LIFE_SECONDS
        )

    def _user(self, headers: Mapping[str, str]) -> str:
        token = headers.get("music-user-token")
        if not token:
            raise _RejectedError(HttpResponse(status=401))
        if not self._store.has_user(token):
            raise _error(403, "40300", "Forbidden", "Invalid authentication")
        return token

    def _ratings(
        self, user: str, request: HttpRequest, path: str, query: dict[str, list[str]]
    ) -> HttpResponse:
        segments = [unquote(segment) for segment in path.removeprefix(_RATINGS).split("/")]
        match path.startswith(_RATINGS), request.method, segments:
            case True, "GET", [kind]:
                return self._get_many(user, _known_type(kind), query)
            case True, "GET", [kind, id_]:
                return self._get_one(user, _resource_id(kind, id_), query)
            case True, "PUT", [kind, id_]:
                name, value = _resource_id(kind, id_), _requested_value(request.body)
                self._store.put(user, name, value)
                return _data([_resource(name, value, with_content=False)])
            case True, "DELETE", [kind, id_]:
                if not self._store.delete(user, _resource_id(kind, id_)):
                    raise _not_rated()
                return HttpResponse(status=204)
            case _:
                raise _error(404, "40401", "Resource Not Found", "No such route")

    def _get_many(self, user: str, kind: str, query: dict[str, list[str]]) -> HttpResponse:
        with_content = _includes_content(query)
        if "ids" not in query:
            raise _error(400, "40003", "Missing Parameter", "ids is missing", parameter="ids")
        ids = ",".join(query["ids"]).split(",")
        if not all(ID_PATTERNS[kind].fullmatch(id_) for id_ in ids):
            raise _error(400, "40005", "Invalid Parameter", "ids is invalid", parameter="ids")
        names = [ResourceId(kind, id_) for id_ in dict.fromkeys(ids)]
        values = [(name, self._store.rating(user, name)) for name in names]
        return _data(
            [_resource(name, value, with_content) for name, value in values if value is not None]
        )

    def _get_one(self, user: str, name: ResourceId, query: dict[str, list[str]]) -> HttpResponse:
        with_content = _includes_content(query)
        value = self._store.rating(user, name)
        if value is None:
            raise _not_rated()
        return _data([_resource(name, value, with_content)])


def _known_type(kind: str) -> str:
    if kind not in ID_PATTERNS:
        raise _error(400, "40008", "Invalid Path Value", "Unknown resource type")
    return kind


def _resource_id(kind: str, id_: str) -> ResourceId:
    if not ID_PATTERNS[_known_type(kind)].fullmatch(id_):
        raise _error(400, "40008", "Invalid Path Value", "Invalid id")
    return ResourceId(kind, id_)


def _includes_content(query: dict[str, list[str]]) -> bool:
    if "include" not in query:
        return False
    if set(",".join(query["include"]).split(",")) != {"content"}:
        raise _error(400, "40005", "Invalid Parameter", "include is invalid", parameter="include")
    return True


def _requested_value(body: bytes) -> int:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    match document:
        case {"type": "rating" | "ratings", "attributes": {"value": 1 | -1 as value}} if (
            type(value) is int
        ):
            return value
        case _:
            raise _error(
                *(400, "40005", "Invalid Parameter", "Not a RatingRequest"),
                pointer="/attributes/value",
            )


def _resource(name: ResourceId, value: int, with_content: bool) -> dict[str, Any]:  # noqa: FBT001 - internal callers only
    resource: dict[str, Any] = {
        "id": name.id,
        "type": "ratings",
        "href": f"{_RATINGS}{name.type}/{name.id}",
        "attributes": {"value": value},
    }
    if with_content:
        catalog_type = name.type.removeprefix("library-")
        library = catalog_type != name.type
        collection = "/v1/me/library" if library else "/v1/catalog/us"
        href = f"{collection}/{catalog_type}/{name.id}"
        content = {"id": name.id, "type": name.type, "href": href}
        resource["relationships"] = {"content": {"data": [content]}}
    return resource


def _data(resources: list[dict[str, Any]]) -> HttpResponse:
    return _json(200, {"data": resources})


def _not_rated() -> _RejectedError:
    return _error(404, "40400", "Resource Not Found", "Resource with requested id was not found")


def _error(status: int, code: str, title: str, detail: str, **source: str) -> _RejectedError:
    error: dict[str, Any] = {
        "id": uuid.uuid4().hex.upper(),
        "title": title,
        "detail": detail,
        "status": str(status),
        "code": code,
    }
    if source:
        error["source"] = source
    return _RejectedError(_json(status, {"errors": [error]}))


def _json(status: int, document: dict[str, Any]) -> HttpResponse:
    return HttpResponse(
        status=status,
        headers=(("Content-Type", "application/json;charset=utf-8"),),
        body=json.dumps(document).encode(),
    )
