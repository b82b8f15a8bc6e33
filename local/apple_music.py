"""A stand-in for Apple Music, because the service should be seen, and tested, without an account.

It answers as Apple documents it, and where Apple documents nothing, as Apple was seen to answer.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import jwt

from functions.token_rotation.settings import LONGEST_LIFE_SECONDS
from local.developer_key import TrustedKey
from local.http_server import HttpAnswer, HttpRequest
from local.ratings_store import RatingsStore, ResourceId

_STOREFRONT: Final = "us"
_RATINGS: Final = "/v1/me/ratings/"
_ID_PATTERNS: Final = {
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
_CLAIMS: Final = ["iss", "iat", "exp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it came; never its headers, which hold tokens."""

    method: str
    path: str
    query: str


class _Refused(Exception):  # noqa: N818 - an answer rather than a fault
    def __init__(self, answer: HttpAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class AppleMusic:
    """Answers requests to Apple Music's ratings out of a store.

    `trusted_key` is the one key whose developer tokens pass; `clock` tells whether they expired.
    """

    def __init__(
        self, *, store: RatingsStore, trusted_key: TrustedKey, clock: Callable[[], float]
    ) -> None:
        self.store = store
        self._trusted_key = trusted_key
        self._clock = clock
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call so far, or since they were last forgotten, in the order they came."""
        with self._lock:
            return tuple(self._calls)

    def forget_calls(self) -> None:
        """Begin a new record of calls."""
        with self._lock:
            self._calls.clear()

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer one request."""
        path, _, query = request.target.partition("?")
        with self._lock:
            self._calls.append(Call(method=request.method, path=path, query=query))
        headers = {name.lower(): value for name, value in request.headers}
        try:
            self._require_developer(headers)
            if path == "/v1/test" and request.method == "GET":
                return HttpAnswer(status=200)
            user = self._user(headers)
            if path == "/v1/me/storefront" and request.method == "GET":
                return _data([_storefront()])
            return self._ratings(user, request, path, parse_qs(query, keep_blank_values=True))
        except _Refused as refused:
            return refused.answer

    def refusal(self, status: int) -> HttpAnswer:
        """Answer what is no HTTP request."""
        return _error(status, f"{status}00", "Bad Request", "The request could not be read")

    def _require_developer(self, headers: Mapping[str, str]) -> None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self._is_good(token):
            # Apple's 401 was seen without a body.
            raise _Refused(HttpAnswer(status=401))

    def _is_good(self, token: str) -> bool:
        key = self._trusted_key
        try:
            signed = jwt.decode_complete(
                token,
                key.public_key,
                algorithms=["ES256"],
                issuer=key.team_id,
                # The times are checked below, by this server's clock.
                options={
                    "require": _CLAIMS,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidTokenError:
            return False
        issued_at, expires_at = signed["payload"]["iat"], signed["payload"]["exp"]
        return (
            signed["header"].get("kid") == key.key_id
            and all(type(moment) in {int, float} for moment in (issued_at, expires_at))
            and self._clock() < expires_at <= issued_at + LONGEST_LIFE_SECONDS
        )

    def _user(self, headers: Mapping[str, str]) -> str:
        token = headers.get("music-user-token")
        if not token:
            raise _Refused(HttpAnswer(status=401))
        if not self.store.knows(token):
            raise _Refused(_error(403, "40300", "Forbidden", "Invalid authentication"))
        return token

    def _ratings(
        self, user: str, request: HttpRequest, path: str, query: dict[str, list[str]]
    ) -> HttpAnswer:
        segments = [unquote(segment) for segment in path.removeprefix(_RATINGS).split("/")]
        match path.startswith(_RATINGS), request.method, segments:
            case True, "GET", [kind]:
                return self._get_many(user, _known(kind), query)
            case True, "GET", [kind, id_]:
                return self._get_one(user, _named(kind, id_), query)
            case True, "PUT", [kind, id_]:
                return self._put(user, _named(kind, id_), request.body)
            case True, "DELETE", [kind, id_]:
                return self._delete(user, _named(kind, id_))
            case _:
                return _error(404, "40401", "Resource Not Found", "No such route")

    def _get_many(self, user: str, kind: str, query: dict[str, list[str]]) -> HttpAnswer:
        with_content = _wants_content(query)
        if "ids" not in query:
            raise _Refused(
                _error(400, "40003", "Missing Parameter", "ids is missing", parameter="ids")
            )
        ids = ",".join(query["ids"]).split(",")
        if not all(_ID_PATTERNS[kind].fullmatch(id_) for id_ in ids):
            raise _Refused(
                _error(400, "40005", "Invalid Parameter", "ids is invalid", parameter="ids")
            )
        names = [ResourceId(kind, id_) for id_ in dict.fromkeys(ids)]
        values = [(name, self.store.rating(user, name)) for name in names]
        return _data(
            [_resource(name, value, with_content) for name, value in values if value is not None]
        )

    def _get_one(self, user: str, name: ResourceId, query: dict[str, list[str]]) -> HttpAnswer:
        with_content = _wants_content(query)
        value = self.store.rating(user, name)
        if value is None:
            return _not_found()
        return _data([_resource(name, value, with_content)])

    def _put(self, user: str, name: ResourceId, body: bytes) -> HttpAnswer:
        value = _requested_value(body)
        self.store.put(user, name, value)
        return _data([_resource(name, value, with_content=False)])

    def _delete(self, user: str, name: ResourceId) -> HttpAnswer:
        return HttpAnswer(status=204) if self.store.delete(user, name) else _not_found()


def _known(kind: str) -> str:
    if kind not in _ID_PATTERNS:
        raise _Refused(_error(400, "40008", "Invalid Path Value", "Unknown resource type"))
    return kind


def _named(kind: str, id_: str) -> ResourceId:
    if not _ID_PATTERNS[_known(kind)].fullmatch(id_):
        raise _Refused(_error(400, "40008", "Invalid Path Value", "Invalid id"))
    return ResourceId(kind, id_)


def _wants_content(query: dict[str, list[str]]) -> bool:
    if "include" not in query:
        return False
    if set(",".join(query["include"]).split(",")) != {"content"}:
        raise _Refused(
            _error(400, "40005", "Invalid Parameter", "include is invalid", parameter="include")
        )
    return True


def _requested_value(body: bytes) -> int:
    try:
        match json.loads(body):
            case {"type": "rating" | "ratings", "attributes": {"value": int(value)}} if value in {
                1,
                -1,
            } and not isinstance(value, bool):
                return value
            case _:
                pass
    except ValueError:
        pass
    raise _Refused(
        _error(
            400, "40005", "Invalid Parameter", "Not a RatingRequest", pointer="/attributes/value"
        )
    )


def _resource(name: ResourceId, value: int, with_content: bool) -> dict[str, Any]:  # noqa: FBT001 - one internal caller names it
    resource: dict[str, Any] = {
        "id": name.id,
        "type": "ratings",
        "href": f"{_RATINGS}{name.type}/{name.id}",
        "attributes": {"value": value},
    }
    if with_content:
        library, kind = "library-", name.type
        collection = (
            f"/v1/me/library/{kind.removeprefix(library)}"
            if kind.startswith(library)
            else f"/v1/catalog/{_STOREFRONT}/{kind}"
        )
        content = {"id": name.id, "type": kind, "href": f"{collection}/{name.id}"}
        resource["relationships"] = {"content": {"data": [content]}}
    return resource


def _storefront() -> dict[str, Any]:
    return {
        "id": _STOREFRONT,
        "type": "storefronts",
        "href": f"/v1/storefronts/{_STOREFRONT}",
        "attributes": {"name": "United States", "defaultLanguageTag": "en-US"},
    }


def _data(resources: list[dict[str, Any]]) -> HttpAnswer:
    return _json(200, {"data": resources})


def _not_found() -> HttpAnswer:
    return _error(404, "40400", "Resource Not Found", "Resource with requested id was not found")


def _error(status: int, code: str, title: str, detail: str, **source: str) -> HttpAnswer:
    error: dict[str, Any] = {
        "id": uuid.uuid4().hex.upper(),
        "title": title,
        "detail": detail,
        "status": str(status),
        "code": code,
    }
    if source:
        error["source"] = source
    return _json(status, {"errors": [error]})


def _json(status: int, document: dict[str, Any]) -> HttpAnswer:
    return HttpAnswer(
        status=status,
        headers=(("Content-Type", "application/json;charset=utf-8"),),
        body=json.dumps(document).encode(),
    )
