"""When a new token is signed, and when the token in memory is returned."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from functions.shared.aws.json_client import AwsError
from functions.shared.signing import signing_key_document
from functions.sign_in.errors import NoSigningKeyError, SigningKeyUnavailableError
from functions.sign_in.tokens import DeveloperTokens
from tests.fakes.clock import FakeClock
from tests.fakes.signing_keys import TEAM_ID, p256_key, pem

KEYS = {id_: p256_key() for id_ in ("OLDKEY0001", "NEWKEY0001")}
OLD, NEW = (signing_key_document(pem(key), id_, TEAM_ID) for id_, key in KEYS.items())
LIFE = 900
PAGE = "https://app.example"


class World:
    """The tokens of one environment, and the secret from which they are signed."""

    def __init__(self, text: object = OLD) -> None:
        self.text = text
        self.reads = 0
        self.clock = FakeClock()
        self.tokens = DeveloperTokens(
            self.call, secret_id="signing-key", clock=self.clock, life_seconds=LIFE
        )

    def call(self, operation: str, request: Any) -> dict[str, Any]:
        assert (operation, request) == ("GetSecretValue", {"SecretId": "signing-key"})
        self.reads += 1
        if isinstance(self.text, Exception):
            raise self.text
        return {"SecretString": self.text}


def key_id(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def test_a_token_and_its_claims_have_the_configured_life() -> None:
    world = World()

    issued = world.tokens.issue(None)

    now = int(world.clock.time())
    assert (issued.is_new, issued.token.expires_at) == (True, now + LIFE)
    assert jwt.decode(
        issued.token.jwt, KEYS["OLDKEY0001"].public_key(), ["ES256"], options={"verify_iat": False}
    ) == {"iss": TEAM_ID, "iat": now, "exp": now + LIFE}


def test_a_token_is_reused_until_half_of_its_life_and_the_key_is_not_read_meanwhile() -> None:
    world = World()
    first = world.tokens.issue(None)

    world.clock.advance(LIFE / 2)
    assert world.tokens.issue(None) == (first.token, False, "")
    assert world.reads == 1
    world.clock.advance(1)
    second = world.tokens.issue(None)

    assert (second.is_new, world.reads) == (True, 2)
    assert second.token.expires_at == int(world.clock.time()) + LIFE
    assert world.tokens.issue(None).token == second.token


def test_each_origin_has_its_own_token_which_is_reused() -> None:
    world = World()
    origins = (None, PAGE, "http://localhost:3000")
    first = {origin: world.tokens.issue(origin).token.jwt for origin in origins}

    assert {origin: world.tokens.issue(origin).token.jwt for origin in origins} == first
    claims = [jwt.decode(each, options={"verify_signature": False}) for each in first.values()]
    assert [each.get("origin") for each in claims] == [None, [PAGE], ["http://localhost:3000"]]
    assert world.reads == len(origins)


def test_a_new_key_signs_the_next_new_token() -> None:
    world = World()
    world.tokens.issue(None)
    world.text = NEW

    assert key_id(world.tokens.issue(None).token.jwt) == "OLDKEY0001"
    assert key_id(world.tokens.issue(PAGE).token.jwt) == "NEWKEY0001"
    world.clock.advance(LIFE / 2 + 1)
    assert key_id(world.tokens.issue(None).token.jwt) == "NEWKEY0001"


UNUSABLE = pytest.mark.parametrize(
    ("text", "message"),
    [
        (AwsError("AccessDeniedException"), "Secrets Manager: AccessDeniedException"),
        ("something-that-is-not-a-key", "the signing key must be a JSON object"),
        (OLD.replace("OLDKEY0001", "short"), "key_id must be ten characters"),
    ],
    ids=["denied", "not a key", "a wrong id"],
)


@UNUSABLE
def test_without_a_usable_key_no_token_is_issued_and_the_key_is_read_again(
    text: object, message: str
) -> None:
    world = World(text)

    with pytest.raises(SigningKeyUnavailableError, match=message) as raised:
        world.tokens.issue(None)
    assert raised.value.__suppress_context__
    assert "something" not in str(raised.value)
    world.text = OLD
    assert world.tokens.issue(None).is_new


@UNUSABLE
def test_if_the_key_becomes_unusable_a_token_is_returned_until_its_last_minute(
    text: object, message: str
) -> None:
    world = World()
    first = world.tokens.issue(None)
    world.text = text

    world.clock.advance(LIFE - 60)
    kept = world.tokens.issue(None)
    assert (kept.token, kept.is_new) == (first.token, False)
    assert message in kept.key_error
    world.clock.advance(1)
    with pytest.raises(SigningKeyUnavailableError):
        world.tokens.issue(None)


@pytest.mark.parametrize("text", ["no signing key yet: put one here", "", None, 7])
def test_a_placeholder_or_an_empty_secret_means_that_no_key_was_set_yet(text: object) -> None:
    with pytest.raises(NoSigningKeyError, match=r"^no signing key yet$"):
        World(text).tokens.issue(None)
