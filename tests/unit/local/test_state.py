"""A running service says in a file where it is, and takes back only what it said itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from local.state import LocalState, StateError

STATE = LocalState(
    api_url="http://127.0.0.1:1",
    aws_url="http://127.0.0.1:2",
    region="us-east-1",
    developer_token_secret="a-token",
    signing_key_secret=None,
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "new-folder" / "local.json"
    STATE.write(file)
    assert LocalState.read(file) == STATE


def test_it_is_gone_after_the_service(tmp_path: Path) -> None:
    file = tmp_path / "local.json"
    STATE.write(file)
    STATE.remove(file)
    STATE.remove(file)
    assert not file.exists()


def test_a_service_that_stops_leaves_what_a_later_one_wrote(tmp_path: Path) -> None:
    file = tmp_path / "local.json"
    later = replace(STATE, api_url="http://127.0.0.1:3")
    later.write(file)
    STATE.remove(file)
    assert LocalState.read(file) == later


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"api_url": "http://127.0.0.1:1"}'])
def test_anything_else_is_no_state(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "local.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(StateError):
        LocalState.read(file)
