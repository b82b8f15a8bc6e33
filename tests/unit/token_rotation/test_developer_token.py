from base64 import urlsafe_b64encode

import jwt
import pytest

from functions.token_rotation.developer_token import days_left, expiry
from functions.token_rotation.errors import DeveloperTokenError, NoDeveloperTokenError

DAY = 86_400
NOW = 1_800_000_000.0
NESTED = urlsafe_b64encode(b"[" * 300_000).decode()


def signed(expires_at: object) -> str:
    key = "a key that no one uses for anything else"
    return jwt.encode({"exp": expires_at}, key, algorithm="HS256")


def test_a_token_tells_when_it_expires_even_if_it_has() -> None:
    assert expiry(signed(NOW)) == NOW
    assert expiry(signed(1)) == 1.0


def test_the_placeholder_is_no_token_yet() -> None:
    with pytest.raises(NoDeveloperTokenError, match=r"^no developer token yet$"):
        expiry("no developer token yet: put one here")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b.c",
        "something else",
        signed(float("nan")),
        signed(True),
        signed(NOW) + "\n",
        f"e30.{NESTED}.x",
    ],
    ids=lambda text: text[:30],
)
def test_what_is_no_jwt_with_an_end_is_no_token(text: str) -> None:
    with pytest.raises(DeveloperTokenError) as raised:
        expiry(text)

    assert not isinstance(raised.value, NoDeveloperTokenError)
    assert not text or text not in str(raised.value)


@pytest.mark.parametrize(
    ("seconds", "days"), [(60 * DAY, 60.0), (13.994 * DAY, 13.99), (1, 0.0), (0, 0.0), (-DAY, 0.0)]
)
def test_days_are_counted_down_to_none(seconds: float, days: float) -> None:
    assert days_left(NOW + seconds, NOW) == days
