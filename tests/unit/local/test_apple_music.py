"""The stand-in answers as Apple documents it."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from functions.token_rotation.settings import LONGEST_LIFE_SECONDS
from functions.token_rotation.signing import parse_signing_key, sign_developer_token
from local import sample_data
from local.apple_music import AppleMusic, Call
from local.developer_key import DeveloperKey
from local.http_server import HttpAnswer, HttpRequest
from local.ratings_store import RatingsStore
from local.sample_data import ADA

NOW = 1_700_000_000
KEY = DeveloperKey.generate()
TOKEN = sign_developer_token(
    parse_signing_key(KEY.document), now=NOW, life_seconds=LONGEST_LIFE_SECONDS
)
SONG = "/v1/me/ratings/library-songs/i.7PJNN4mfXlD68R"

Headers = tuple[tuple[str, str], ...]
DEVELOPER = ("authorization", f"Bearer {TOKEN}")
USER = ("Music-User-Token", ADA)


@pytest.fixture
def apple() -> AppleMusic:
    store = RatingsStore(
        items=sample_data.ITEMS, ratings=sample_data.RATINGS, clock=lambda: float(NOW)
    )
    return AppleMusic(store=store, trusted_key=KEY.trusted, clock=lambda: float(NOW))


def ask(
    apple: AppleMusic,
    target: str,
    *,
    method: str = "GET",
    body: bytes = b"",
    headers: Headers = (DEVELOPER, USER),
) -> HttpAnswer:
    return apple.answer(HttpRequest(method=method, target=target, headers=headers, body=body))


def data(answer: HttpAnswer) -> list[dict[str, Any]]:
    assert answer.status == 200
    found: list[dict[str, Any]] = json.loads(answer.body)["data"]
    return found


def error(answer: HttpAnswer) -> dict[str, Any]:
    (found,) = json.loads(answer.body)["errors"]
    assert found["status"] == str(answer.status)
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
class TestEachType:
    def test_a_rating_is_got(self, apple: AppleMusic, path: str, value: int) -> None:
        assert data(ask(apple, path)) == [rating(path, value)]

    def test_a_put_changes_it(self, apple: AppleMusic, path: str, value: int) -> None:
        body = json.dumps({"type": "ratings", "attributes": {"value": -value}}).encode()
        answer = ask(apple, path, method="PUT", body=body)
        assert data(answer) == data(ask(apple, path)) == [rating(path, -value)]

    def test_a_delete_takes_it_away(self, apple: AppleMusic, path: str, value: int) -> None:
        answer = ask(apple, path, method="DELETE")
        assert (answer.status, answer.body) == (204, b"")
        assert error(ask(apple, path))["code"] == "40400"
        assert error(ask(apple, path, method="DELETE"))["code"] == "40400"
        assert value in {1, -1}

    def test_many_leave_the_unrated_out(self, apple: AppleMusic, path: str, value: int) -> None:
        collection, _, id_ = path.rpartition("/")
        assert data(ask(apple, f"{collection}?ids={id_}9,{id_},{id_}")) == [rating(path, value)]
        assert data(ask(apple, f"{collection}?ids={id_}9")) == []


def test_a_rating_put_on_the_catalog_id_shows_on_the_library_id(apple: AppleMusic) -> None:
    dislike = b'{"type": "rating", "attributes": {"value": -1}}'
    ask(apple, "/v1/me/ratings/songs/907242702", method="PUT", body=dislike)
    assert data(ask(apple, SONG)) == [rating(SONG, -1)]


def test_content_comes_when_it_is_included(apple: AppleMusic) -> None:
    (library,) = data(ask(apple, f"{SONG}?include=content"))
    assert library["relationships"]["content"]["data"] == [
        {
            "id": "i.7PJNN4mfXlD68R",
            "type": "library-songs",
            "href": "/v1/me/library/songs/i.7PJNN4mfXlD68R",
        }
    ]
    (catalog,) = data(ask(apple, "/v1/me/ratings/songs?ids=907242702&include=content"))
    (content,) = catalog["relationships"]["content"]["data"]
    assert content["href"] == "/v1/catalog/us/songs/907242702"


@pytest.mark.parametrize(
    ("target", "code", "source"),
    [
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
def test_bad_requests(
    apple: AppleMusic, target: str, code: str, source: dict[str, str] | None
) -> None:
    answer = ask(apple, target)
    assert (answer.status, error(answer)["code"]) == (400, code)
    assert error(answer).get("source") == source


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
def test_a_body_that_is_no_rating_request_changes_nothing(apple: AppleMusic, body: bytes) -> None:
    answer = ask(apple, SONG, method="PUT", body=body)
    assert (answer.status, error(answer)["source"]) == (400, {"pointer": "/attributes/value"})
    assert data(ask(apple, SONG)) == [rating(SONG, 1)]


@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/v1/me/ratings"), ("GET", "/v2/x"), ("POST", SONG)]
)
def test_there_is_nothing_else(apple: AppleMusic, method: str, target: str) -> None:
    answer = ask(apple, target, method=method)
    assert (answer.status, error(answer)["code"]) == (404, "40401")


def _signed(key: object = KEY.private_key, kid: str = KEY.trusted.key_id, **claims: object) -> str:
    payload = {"iss": KEY.trusted.team_id, "iat": NOW, "exp": NOW + 60, **claims}
    return jwt.encode(payload, key, algorithm="ES256", headers={"kid": kid})  # type: ignore[arg-type]  # a P-256 key each time


def bearer(token: str) -> Headers:
    return (("Authorization", f"Bearer {token}"),)


def test_a_good_developer_token_passes(apple: AppleMusic) -> None:
    assert ask(apple, "/v1/test", headers=bearer(_signed())).status == 200


@pytest.mark.parametrize("target", ["/v1/test", "/v1/me/storefront", SONG])
@pytest.mark.parametrize(
    "developer",
    [
        pytest.param((), id="none"),
        pytest.param((("Authorization", TOKEN),), id="not-a-bearer-token"),
        pytest.param(bearer("not-a-jwt"), id="no-jwt"),
        pytest.param(bearer(_signed(exp=NOW)), id="expired"),
        pytest.param(bearer(_signed(exp=NOW + LONGEST_LIFE_SECONDS + 1)), id="lives-too-long"),
        pytest.param(bearer(_signed(iss="OTHERTEAM1")), id="another-team"),
        pytest.param(bearer(_signed(kid="OTHERKEY01")), id="another-key-id"),
        pytest.param(
            bearer(_signed(key=ec.generate_private_key(ec.SECP256R1()))), id="another-key"
        ),
    ],
)
def test_a_bad_developer_token_is_401(apple: AppleMusic, developer: Headers, target: str) -> None:
    assert ask(apple, target, headers=(*developer, USER)).status == 401


@pytest.mark.parametrize("target", ["/v1/me/storefront", SONG])
def test_no_user_token_is_401_and_an_unknown_one_403(apple: AppleMusic, target: str) -> None:
    assert ask(apple, target, headers=(DEVELOPER,)).status == 401
    stranger = ("Music-User-Token", "sample-user-token-eve")
    refused = ask(apple, target, headers=(DEVELOPER, stranger))
    assert (refused.status, error(refused)["code"]) == (403, "40300")
    assert error(refused)["title"] == "Forbidden"


def test_the_storefront_probes_the_user_token(apple: AppleMusic) -> None:
    (storefront,) = data(ask(apple, "/v1/me/storefront"))
    assert (storefront["id"], storefront["type"]) == ("us", "storefronts")


def test_calls_are_recorded_until_they_are_forgotten(apple: AppleMusic) -> None:
    ask(apple, f"{SONG}?l=en", headers=())
    assert list(apple.calls) == [Call(method="GET", path=SONG, query="l=en")]
    apple.forget_calls()
    assert not apple.calls
