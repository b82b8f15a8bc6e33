"""The state file of `make run`, from start to stop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ops.errors import OperatorError
from ops.local_service import LocalService

SERVICE = LocalService(
    api_url="http://127.0.0.1:1",
    aws_url="http://127.0.0.1:2",
    region="us-east-1",
    developer_token_secret="a-token",
)


def test_a_written_file_can_be_read_and_only_its_own_service_removes_it(tmp_path: Path) -> None:
    file = tmp_path / "new-folder" / "local.json"
    SERVICE.write(file)
    assert LocalService.read(file) == SERVICE
    replace(SERVICE, api_url="http://127.0.0.1:3").remove(file)
    assert file.exists()
    SERVICE.remove(file)
    SERVICE.remove(file)
    assert not file.exists()


def test_a_service_that_still_runs_keeps_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, other = tmp_path / "local.json", replace(SERVICE, api_url="http://127.0.0.1:3")
    SERVICE.write(file)
    monkeypatch.setattr(LocalService, "is_running", lambda _self: True)
    assert other.write(file) == SERVICE
    assert LocalService.read(file) == SERVICE

    monkeypatch.setattr(LocalService, "is_running", lambda _self: False)
    assert other.write(file) is None
    assert LocalService.read(file) == other


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"api_url": "http://127.0.0.1:1"}'])
def test_a_missing_or_invalid_file_is_an_error(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "local.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(OperatorError, match="not running"):
        LocalService.read(file)


def test_a_state_file_that_cannot_be_written_is_reported_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        OperatorError, match=r"\((File exists|Not a directory)\): name another with"
    ):
        SERVICE.write(tmp_path / "file" / "local.json")
