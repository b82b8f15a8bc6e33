import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from functions.shared.signing import (
    NoSigningKeyError,
    SigningKeyError,
    parse_signing_key,
    sign_developer_token,
    signing_key_document,
)
from tests.fakes.signing_keys import KEY_ID, TEAM_ID, p256_key, pem
from tests.secret_scan.encodings import forms_of_parts

NOW = 1_800_000_000.9
PRIVATE_KEY = p256_key()
PEM = pem(PRIVATE_KEY)


def document(**changes: object) -> str:
    return json.dumps({"private_key": PEM, "key_id": KEY_ID, "team_id": TEAM_ID, **changes})


def reject(text: str, message: str, secret: str = PEM) -> None:
    """Expect an error with this message. It is not a `NoSigningKeyError` and quotes no secret."""
    with pytest.raises(SigningKeyError, match=message) as raised:
        parse_signing_key(text)
    error = raised.value
    assert not isinstance(error, NoSigningKeyError)
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    for form in forms_of_parts(secret):
        assert form not in f"{error} {error!r}"


def test_a_token_names_its_key_and_team_and_is_valid_for_the_given_time() -> None:
    key = parse_signing_key(signing_key_document(PEM, KEY_ID, TEAM_ID))

    token = sign_developer_token(key, now=NOW, life_seconds=86_400)

    claims = jwt.decode(
        token,
        PRIVATE_KEY.public_key(),
        ["ES256"],
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims == {"iss": TEAM_ID, "iat": 1_800_000_000, "exp": 1_800_086_400}
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": KEY_ID, "typ": "JWT"}


def test_a_token_for_web_pages_has_their_origin_as_its_only_additional_claim() -> None:
    key = parse_signing_key(document())

    token = sign_developer_token(key, now=NOW, life_seconds=900, origin="https://app.example")

    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims.keys() == {"iss", "iat", "exp", "origin"}
    assert claims["origin"] == ["https://app.example"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_key_file_may_have_the_line_ends_of_any_system(line_end: str) -> None:
    text = PEM.replace("\n", line_end) + line_end

    assert parse_signing_key(signing_key_document(text, KEY_ID, TEAM_ID)).key_id == KEY_ID


@pytest.mark.parametrize("text", ["no signing key yet", "no signing key yet: put one", "", " \n"])
def test_a_placeholder_means_that_no_key_was_set_yet(text: str) -> None:
    with pytest.raises(NoSigningKeyError, match=r"^no signing key yet$"):
        parse_signing_key(text)


@pytest.mark.parametrize(
    ("private_key", "message"),
    [
        (pem(ec.generate_private_key(ec.SECP384R1())), "not a P-256"),
        (pem(ec.generate_private_key(ec.SECP256K1())), "not a P-256"),
        (pem(rsa.generate_private_key(65537, 2048)), "not a P-256"),
        (pem(p256_key(), password=b"sesame"), "encrypted"),
        (PEM.replace("PRIVATE KEY", "PUBLIC KEY"), "not valid PEM"),
        (PEM[: len(PEM) // 2], "not valid PEM"),
        (PEM.replace("M", "\ud800", 1), "not valid PEM"),
        ("", "not valid PEM"),
    ],
)
def test_a_private_key_that_is_not_a_plain_p256_key_is_rejected(
    private_key: str, message: str
) -> None:
    reject(document(private_key=private_key), message, private_key.replace("\ud800", ""))


@pytest.mark.parametrize("name", ["key_id", "team_id"])
@pytest.mark.parametrize(
    "id_",
    ["ABC123456", "ABC12345678", "abc1234567", "ABC123456\n", "ABC 123456", "\u0661" * 10, ""],
)
def test_an_id_that_does_not_have_apples_format_is_rejected(name: str, id_: str) -> None:
    reject(document(**{name: id_}), name)


@pytest.mark.parametrize(
    "text",
    [
        PEM,
        "[" * 100_000,
        "[]",
        "null",
        json.dumps({"private_key": PEM}),
        document(issuer="an unexpected key"),
        document(private_key=None),
        document(key_id=1234567890),
        document() + "}",
        document() + "\ud800",
    ],
)
def test_a_malformed_document_is_rejected(text: str) -> None:
    reject(text, "private_key, key_id and team_id")


def test_only_a_usable_key_becomes_a_document() -> None:
    assert signing_key_document(PEM, KEY_ID, TEAM_ID) == document()
    with pytest.raises(SigningKeyError, match="key_id"):
        signing_key_document(PEM, "lower case", TEAM_ID)


def test_the_private_key_is_not_in_the_repr() -> None:
    assert (
        repr(parse_signing_key(document())) == f"SigningKey(key_id='{KEY_ID}', team_id='{TEAM_ID}')"
    )
