"""The local Apple Music follows Apple's documentation."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from dev.apple_music.developer_key import DeveloperKey
from dev.apple_music.ratings_api import AppleMusic
from dev.apple_music.ratings_store import RatingsStore
from dev.apple_music.sample_data import ADA, GRACE, ITEMS, RATINGS
from dev.http.messages import HttpRequest, HttpResponse
from functions.token_rotation.settings import LONGEST_LIFE_SECONDS

NOW = 1_700_000_000
KEY = DeveloperKey.generate()
TOKEN = KEY.sign_token(now=NOW, life_seconds=LONGEST_LIFE_SECONDS)
SONG = "/v1/me/ratings/library-songs/i.7PJNN4mfXlD68R"

Headers = tuple[tuple[str, str], ...]
DEVELOPER = ("authorization", f"Bearer {TOKEN}")
USER = ("Music-User-Token", ADA)


@pytest.fixture
def apple() -> AppleMusic:
    store = RatingsStore(items=ITEMS, ratings=RATINGS)
    return AppleMusic(store=store, trusted_keys=[KEY], clock=lambda: float(NOW))


def call(
    apple: AppleMusic,
    target: str,
    *,
    method: str = "GET",
    body: bytes = b"",
    headers: Headers = (DEVELOPER, USER),
) -> HttpResponse:
    return apple.respond(HttpRequest(method=method, target=target, headers=headers, body=body))


def put(apple: AppleMusic, path: str, value: int) -> HttpResponse:
    body = json.dumps({"type": "ratings", "attributes": {"value": value}}).encode()
    return call(apple, path, method="PUT", body=body)


def data(response: HttpResponse) -> list[dict[str, Any]]:
    assert response.status == 200
    found: list[dict[str, Any]] = json.loads(response.body)["data"]
    return found


def error(response: HttpResponse) -> dict[str, Any]:
    (found,) = json.loads(response.body)["errors"]
    assert found["status"] == str(response.status)
    assert {"id", "title", "detail", "status", "code"} <= set(found)
    return dict(found)


def rating(path: str, value: int) -> dict[str, Any]:
    id_ = path.rpartition("/")[2]
    return {"id": id_, "type": "ratings", "href": path, "attributes": {"value": value}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/v1/me/ratings/library-songs/i.7PJNN4mfXlD68R", 1),
        ("/v1/me/ratings/library-albums/l.qrRWYhq", 1),
        ("/v1/me/ratings/library-music-videos/i.NJv00rkTEaLK51", -1),
        ("/v1/me/ratings/library-playlists/p.MoGJYM3CYXW09B", 1),
        ("/v1/me/ratings/songs/907242702", 1),
        ("/v1/me/ratings/albums/310730204", -1),
        ("/v1/me/ratings/music-videos/639322181", 1),
        ("/v1/me/ratings/playlists/pl.5b0194eaa170401e8986335d7e77aa4e", 1),
        ("/v1/me/ratings/stations/ra.978194965", 1),
    ],
)
def test_a_rating_of_each_type_is_read_listed_changed_and_deleted(
    apple: AppleMusic, path: str, value: int
) -> None:
    collection, _, id_ = path.rpartition("/")
    assert data(call(apple, path)) == [rating(path, value)]
    assert data(call(apple, f"{collection}?ids={id_}9,{id_},{id_}")) == [rating(path, value)]
    assert data(call(apple, f"{collection}?ids={id_}9")) == []

    changed = put(apple, path, -value)
    assert data(changed) == data(call(apple, path)) == [rating(path, -value)]

    deleted = call(apple, path, method="DELETE")
    assert (deleted.status, deleted.body) == (204, b"")
    assert error(call(apple, path))["code"] == "40400"
    assert error(call(apple, path, method="DELETE"))["code"] == "40400"


@pytest.mark.parametrize(
    ("origin", "status"), [("https://app.example", 200), ("https://b.example", 401), (None, 401)]
)
def test_a_token_for_web_pages_is_accepted_only_from_pages_of_its_origin(
    apple: AppleMusic, origin: str | None, status: int
) -> None:
    token = KEY.sign_token(now=NOW, origin="https://app.example")
    page = () if origin is None else (("Origin", origin),)

    response = call(apple, "/v1/test", headers=(("authorization", f"Bearer {token}"), *page))

    assert response.status == status
    assert call(apple, "/v1/test", headers=(DEVELOPER, *page)).status == 200


def test_both_ids_of_an_item_share_one_rating_per_user(apple: AppleMusic) -> None:
    catalog = "/v1/me/ratings/songs/907242702"
    call(apple, SONG, method="DELETE")
    assert call(apple, catalog).status == 404

    put(apple, catalog, 1)
    assert data(call(apple, SONG)) == [rating(SONG, 1)]
    grace = (DEVELOPER, ("Music-User-Token", GRACE))
    assert data(call(apple, catalog, headers=grace)) == [rating(catalog, -1)]


def test_the_include_parameter_adds_the_content(apple: AppleMusic) -> None:
    (library,) = data(call(apple, f"{SONG}?include=content"))
    (content,) = library["relationships"]["content"]["data"]
    assert content == {
        "id": "i.7PJNN4mfXlD68R",
        "type": "library-songs",
        "href": "/v1/me/library/songs/i.7PJNN4mfXlD68R",
    }
    (catalog,) = data(call(apple, "/v1/me/ratings/songs?ids=907242702&include=content"))
    (content,) = catalog["relationships"]["content"]["data"]
    assert content["href"] == "/v1/catalog/us/songs/907242702"


@pytest.mark.parametrize(
    ("target", "code", "source"),
    [
        ("/v1/me/ratings", "40401", None),
        ("/v2/x", "40401", None),
        ("/v1/me/ratings/podcasts/1", "40008", None),
        ("/v1/me/ratings/podcasts?ids=1", "40008", None),
        ("/v1/me/ratings/songs/i.7PJNN4mfXlD68R", "40008", None),
        ("/v1/me/ratings/library-songs/..", "40008", None),
        ("/v1/me/ratings/songs", "40003", {"parameter": "ids"}),
        ("/v1/me/ratings/songs?ids=", "40005", {"parameter": "ids"}),
        ("/v1/me/ratings/songs?ids=1,i.a", "40005", {"parameter": "ids"}),
        (f"{SONG}?include=lyrics", "40005", {"parameter": "include"}),
    ],
)
def test_a_bad_request_is_an_error_with_its_source(
    apple: AppleMusic, target: str, code: str, source: dict[str, str] | None
) -> None:
    response = call(apple, target)
    assert (str(response.status), error(response)["code"]) == (code[:3], code)
    assert error(response).get("source") == source


def test_another_method_has_no_route(apple: AppleMusic) -> None:
    assert error(call(apple, SONG, method="POST"))["code"] == "40401"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"type": "song", "attributes": {"value": 1}}',
        b'{"type": "rating", "attributes": {"value": 0}}',
        b'{"type": "rating", "attributes": {"value": true}}',
        b'{"type": "rating", "attributes": {"value": 1.0}}',
    ],
)
def test_a_body_other_than_a_rating_request_changes_nothing(apple: AppleMusic, body: bytes) -> None:
    response = call(apple, SONG, method="PUT", body=body)
    assert (response.status, error(response)["source"]) == (400, {"pointer": "/attributes/value"})
    assert data(call(apple, SONG)) == [rating(SONG, 1)]


def _signed(key: object = KEY.private_key, kid: str = KEY.key_id, **claims: object) -> str:
    payload = {"iss": KEY.team_id, "iat": NOW, "exp": NOW + 60, **claims}
    return jwt.encode(payload, key, algorithm="ES256", headers={"kid": kid})  # type: ignore[arg-type]  # a P-256 key each time


def bearer(token: str) -> Headers:
    return (("Authorization", f"Bearer {token}"),)


BAD_DEVELOPER_TOKENS = {
    "none": (),
    "not a bearer token": (("Authorization", TOKEN),),
    "not a JWT": bearer("not-a-jwt"),
    "expired": bearer(_signed(exp=NOW)),
    "lives too long": bearer(_signed(exp=NOW + LONGEST_LIFE_SECONDS + 1)),
    "another team": bearer(_signed(iss="OTHERTEAM1")),
    "another key id": bearer(_signed(kid="OTHERKEY01")),
    "another key": bearer(_signed(key=ec.generate_private_key(ec.SECP256R1()))),
}


@pytest.mark.parametrize("fault", BAD_DEVELOPER_TOKENS)
def test_a_bad_developer_token_gets_401(apple: AppleMusic, fault: str) -> None:
    for target in ("/v1/test", SONG):
        headers = (*BAD_DEVELOPER_TOKENS[fault], USER)
        assert call(apple, target, headers=headers).status == 401


def test_a_missing_user_token_gets_401_and_an_unknown_user_token_gets_403(
    apple: AppleMusic,
) -> None:
    assert call(apple, SONG, headers=(DEVELOPER,)).status == 401
    unknown_user = ("Music-User-Token", "sample-user-token-eve")
    rejected = call(apple, SONG, headers=(DEVELOPER, unknown_user))
    assert (rejected.status, error(rejected)["code"]) == (403, "40300")
    assert error(rejected)["title"] == "Forbidden"


def test_a_revoked_key_is_rejected_and_a_second_key_is_accepted(apple: AppleMusic) -> None:
    second = DeveloperKey.generate("LOCALKEY02")
    apple.trust(second)
    apple.revoke(KEY)
    assert call(apple, SONG).status == 401
    accepted = bearer(second.sign_token(now=NOW))
    assert call(apple, SONG, headers=(*accepted, USER)).status == 200
    assert call(apple, "/v1/test", headers=accepted).status == 200
