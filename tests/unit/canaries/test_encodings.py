import base64
import json
from urllib.parse import quote_from_bytes

import pytest

from tests.canaries.encodings import ENCODINGS, disguises, forms

SECRET = "sample-user-token-ada"
BEFORE, AFTER = "some text ", " more text"


def everything_percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def as_json(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


SHOWN = {
    "plain": BEFORE + SECRET + AFTER,
    "percent": everything_percent(BEFORE + SECRET + AFTER),
    "percent in lower case": everything_percent(SECRET).lower(),
    "base64": base64.b64encode((BEFORE + SECRET + AFTER).encode()).decode(),
    "base64 a byte on": base64.b64encode((" " + BEFORE + SECRET + AFTER).encode()).decode(),
    "base64 two bytes on": base64.b64encode(("  " + BEFORE + SECRET + AFTER).encode()).decode(),
    "base64 for URLs": base64.urlsafe_b64encode((BEFORE + SECRET + AFTER).encode()).decode(),
    "hex": (BEFORE + SECRET + AFTER).encode().hex(),
    "HEX": (BEFORE + SECRET + AFTER).encode().hex().upper(),
    "JSON": as_json(BEFORE + SECRET),
    "JSON in upper case": "".join(f"\\u{ord(character):04X}" for character in SECRET),
    "repr": "".join(f"\\x{byte:02x}" for byte in SECRET.encode()),
}


@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN)
def test_a_secret_is_recognised_in_every_encoding_and_place(shown: str) -> None:
    assert any(form in shown for form in forms(SECRET))


def test_there_are_six_encodings() -> None:
    assert set(ENCODINGS) == {"plain", "percent", "base64", "hex", "JSON", "repr"}


@pytest.mark.parametrize("innocent", ["", "sample", "a user's token", quote_from_bytes(b"sample")])
def test_what_is_no_secret_is_none(innocent: str) -> None:
    assert not any(form in innocent for form in forms(SECRET))


def test_a_secret_of_several_lines_is_recognised_by_each() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\n" + "A" * 64 + "\n" + "B" * 64
    shown = json.dumps({"line": "B" * 64})

    assert any(form in shown for form in disguises(pem))
