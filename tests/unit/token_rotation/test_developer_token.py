from base64 import urlsafe_b64encode

import jwt
import pytest

from functions.token_rotation.developer_token import days_left, expiry, is_placeholder
from functions.token_rotation.errors import DeveloperTokenError

DAY = 86_400
NOW = 1_800_000_000.0
NESTED = urlsafe_b64encode(b"[" * 300_000).decode()


def signed(expires_at: object) -> str:
    return jwt.encode({"exp": expires_at}, "a key that no one uses for anything else", "HS256")


def test_the_expiry_is_read_even_if_it_has_passed() -> None:
    assert [expiry(signed(NOW)), expiry(signed(1))] == [NOW, 1]


def test_a_placeholder_begins_with_a_fixed_text() -> None:
    assert is_placeholder("no developer token yet: put one here")
    assert not is_placeholder(signed(NOW))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b.c",
        "no developer token yet",
        signed(float("nan")),
        signed(True),
        signed(NOW) + "\n",
        f"e30.{NESTED}.x",
    ],
    ids=lambda text: text[:30],
)
def test_a_text_without_a_valid_expiry_is_an_error_that_does_not_quote_the_text(text: str) -> None:
    with pytest.raises(DeveloperTokenError) as raised:
        expiry(text)

    assert not text or text not in str(raised.value)


@pytest.mark.parametrize(
    ("seconds", "days"), [(60 * DAY, 60.0), (13.994 * DAY, 13.99), (1, 0.0), (0, 0.0), (-DAY, 0.0)]
)
def test_days_left_count_down_to_zero(seconds: float, days: float) -> None:
    assert days_left(NOW + seconds, NOW) == days
