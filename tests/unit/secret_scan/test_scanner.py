import base64

import pytest

from tests.secret_scan.encodings import forms_of_parts
from tests.secret_scan.scanner import Scanner

TEXT = "some text sample-user-token-ada more text"
SHOWN = {
    "plain": TEXT,
    "percent": "".join(f"%{byte:02X}" for byte in TEXT.encode()),
    "percent in lower case": "".join(f"%{byte:02x}" for byte in TEXT.encode()),
    "base64": base64.b64encode(TEXT.encode()).decode(),
    "base64 at offset 1": base64.b64encode(f" {TEXT}".encode()).decode(),
    "base64 at offset 2": base64.b64encode(f"  {TEXT}".encode()).decode(),
    "base64 for URLs": base64.urlsafe_b64encode(TEXT.encode()).decode(),
    "hex": TEXT.encode().hex(),
    "hex in upper case": TEXT.encode().hex().upper(),
    "JSON": "".join(f"\\u{ord(character):04x}" for character in TEXT),
    "JSON in upper case": "".join(f"\\u{ord(character):04X}" for character in TEXT),
    "repr": "".join(f"\\x{byte:02x}" for byte in TEXT.encode()),
}


@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN)
def test_a_secret_is_found_in_every_encoding_and_at_every_offset(shown: str) -> None:
    scanner = Scanner()
    scanner.record("log", shown)
    assert scanner.leaks


@pytest.mark.parametrize("harmless", ["", "sample", "a user's token", "sample-user"])
def test_a_text_without_the_secret_is_not_a_leak(harmless: str) -> None:
    scanner = Scanner()
    scanner.record("log", harmless)
    assert scanner.leaks == []


def test_each_line_of_a_key_is_found() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\n" + "A" * 64 + "\n" + "B" * 64

    assert any(form in '{"line": "' + "B" * 64 for form in forms_of_parts(pem))
