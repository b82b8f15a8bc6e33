"""RotationLog prints only the lines of one rotation, even if the log is not filtered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.config import Config

from ops.errors import OperatorError
from ops.rotation_log import RotationLog

VERSION, OTHER = "made-up-version-1", "made-up-version-2"


class FakeSession:
    """Returns all lines of the log, without event ids and without a filter, as an emulator does."""

    def __init__(self) -> None:
        self.lines: list[dict[str, str]] = []

    def client(self, name: str, **_: Any) -> FakeSession:
        assert name in {"lambda", "logs"}
        return self

    def get_function_configuration(self, **_: Any) -> dict[str, Any]:
        return {"LoggingConfig": {"LogGroup": "a-group"}}

    def get_paginator(self, _: str) -> FakeSession:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"events": [{"message": json.dumps(line)} for line in self.lines]}]


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


@pytest.fixture
def log(session: FakeSession) -> RotationLog:
    return RotationLog(session, "a-function", Config())  # type: ignore[arg-type]  # a fake


def line(version: str, step: str, message: str) -> dict[str, str]:
    return {"version": version, "step": step, "message": message, "reason": "a reason"}


def test_each_step_is_shown_once(
    session: FakeSession, log: RotationLog, capsys: pytest.CaptureFixture[str]
) -> None:
    session.lines.append(line(VERSION, "createSecret", "signed"))
    log.follow(VERSION)
    session.lines.append(line(VERSION, "testSecret", "accepted"))
    log.follow(VERSION)

    assert capsys.readouterr().out.split() == ["createSecret", "signed", "testSecret", "accepted"]


def test_only_a_failed_step_of_this_version_is_an_error(
    session: FakeSession, log: RotationLog, capsys: pytest.CaptureFixture[str]
) -> None:
    session.lines.append(line(OTHER, "testSecret", "failed"))
    log.follow(VERSION)
    assert capsys.readouterr().out == ""

    session.lines.append(line(VERSION, "testSecret", "failed"))
    with pytest.raises(OperatorError, match="failed in testSecret"):
        log.follow(VERSION)
