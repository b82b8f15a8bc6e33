"""The service rejects invalid options, and says what to change."""

from __future__ import annotations

import pytest

from dev.server.run import run


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"DEVELOPER_TOKEN": "a-p8-key"}, "Set both APPLE_MUSIC_URL"),
        ({"DATA": "/dev/null"}, "/dev/null is not JSON"),
        (
            {"HOST": "203.0.113.1", "PORT": "0"},
            "HOST=203.0.113.1 is not an address of this machine",
        ),
    ],
)
def test_an_invalid_option_is_reported_in_one_line(
    variables: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(dict(variables)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(message)
    assert printed.err.count("\n") == 1
