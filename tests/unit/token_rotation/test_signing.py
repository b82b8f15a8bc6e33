import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from functions.token_rotation.errors import NoSigningKeyError, SigningKeyError
from functions.token_rotation.signing import (
    parse_signing_key,
    sign_developer_token,
    signing_key_document,
)
from tests.canaries.encodings import disguises
from tests.fakes.signing_keys import KEY_ID, TEAM_ID, p256_key, pem

NOW = 1_800_000_000.9
PEM = pem(p256_key())


def document(**changes: object) -> str:
    return json.dumps({"private_key": PEM, "key_id": KEY_ID, "team_id": TEAM_ID, **changes})


def test_a_token_says_by_which_key_of_which_team_it_is_signed_and_for_how_long() -> None:
    private_key = p256_key()
    key = parse_signing_key(signing_key_document(pem(private_key), KEY_ID, TEAM_ID))

    token = sign_developer_token(key, now=NOW, life_seconds=86_400)

    claims = jwt.decode(
        token,
        private_key.public_key(),
        algorithms=["ES256"],
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims == {"iss": TEAM_ID, "iat": 1_800_000_000, "exp": 1_800_086_400}
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": KEY_ID, "typ": "JWT"}


def test_the_token_is_signed_by_that_key_and_no_other() -> None:
    token = sign_developer_token(parse_signing_key(document()), now=NOW, life_seconds=60)

    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, p256_key().public_key(), algorithms=["ES256"])


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_key_file_of_any_system_is_read(line_end: str) -> None:
    text = PEM.replace("\n", line_end) + line_end

    assert parse_signing_key(signing_key_document(text, KEY_ID, TEAM_ID)).key_id == KEY_ID


@pytest.mark.parametrize("text", ["no signing key yet", "no signing key yet: put one", "", " \n"])
def test_a_placeholder_is_no_key_yet(text: str) -> None:
    with pytest.raises(NoSigningKeyError, match=r"^no signing key yet$"):
        parse_signing_key(text)


@pytest.mark.parametrize(
    ("private_key", "message"),
    [
        (pem(ec.generate_private_key(ec.SECP384R1())), "no P-256"),
        (pem(ec.generate_private_key(ec.SECP256K1())), "no P-256"),
        (pem(rsa.generate_private_key(65537, 2048)), "no P-256"),
        (pem(p256_key(), password=b"sesame"), "encrypted"),
        (PEM.replace("PRIVATE KEY", "PUBLIC KEY"), "broken"),
        (PEM[: len(PEM) // 2], "broken"),
        (PEM.replace("M", "\ud800", 1), "broken"),
        ("", "broken"),
    ],
)
def test_what_is_no_p256_key_is_refused_by_name(private_key: str, message: str) -> None:
    with pytest.raises(SigningKeyError, match=message) as raised:
        parse_signing_key(document(private_key=private_key))

    assert not isinstance(raised.value, NoSigningKeyError)
    assert_untold(raised.value, private_key.replace("\ud800", ""))


@pytest.mark.parametrize("name", ["key_id", "team_id"])
@pytest.mark.parametrize(
    "id_",
    ["ABC123456", "ABC12345678", "abc1234567", "ABC123456\n", "ABC 123456", "\u0661" * 10, ""],
)
def test_an_id_that_apple_would_not_give_is_refused_by_name(name: str, id_: str) -> None:
    with pytest.raises(SigningKeyError, match=name) as raised:
        parse_signing_key(document(**{name: id_}))

    assert_untold(raised.value, PEM)


@pytest.mark.parametrize(
    "text",
    [
        PEM,
        "[" * 100_000,
        "[]",
        "null",
        json.dumps({"private_key": PEM}),
        document(issuer="one key too many"),
        document(private_key=None),
        document(key_id=1234567890),
        document() + "}",
    ],
)
def test_any_other_shape_is_refused(text: str) -> None:
    with pytest.raises(SigningKeyError, match="private_key, key_id and team_id") as raised:
        parse_signing_key(text)

    assert_untold(raised.value, PEM)


def test_a_document_is_made_of_a_usable_key_alone() -> None:
    assert json.loads(signing_key_document(PEM, KEY_ID, TEAM_ID)) == json.loads(document())
    with pytest.raises(SigningKeyError, match="key_id"):
        signing_key_document(PEM, "lower case", TEAM_ID)


def test_a_key_never_shows_itself() -> None:
    key = parse_signing_key(document())

    assert repr(key) == f"SigningKey(key_id='{KEY_ID}', team_id='{TEAM_ID}')"


def assert_untold(error: Exception, secret: str) -> None:
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    for form in disguises(secret):
        assert form not in f"{error} {error!r}"
