"""`make doctor` names what is missing and what to do; a deployment checks its credentials first."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from dev import doctor
from dev.doctor import Finding, check_lambda_python, check_port, check_python
from dev.setup import SetupError

PROJECT = Path(__file__).resolve().parents[3]


def no_node() -> None:
    raise SetupError("Node.js is needed, and it is not installed.")


def test_only_a_missing_requirement_fails_and_each_finding_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "check_credentials", lambda _: Finding("AWS", "none", ok=False))
    monkeypatch.setattr(doctor, "check_venv", lambda name, _: Finding(name, "usable"))
    assert doctor.main([], {"PORT": "0"}) == 0

    monkeypatch.setattr(doctor, "check_node", no_node)
    assert doctor.main([], {"PORT": "0"}) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "MISSING  Node.js, npm    Node.js is needed, and it is not installed." in lines
    assert "--       AWS             none" in lines


def test_an_old_python_a_missing_python_and_a_used_port_are_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        findings = [check_python((3, 10, 9)), check_lambda_python(lambda _: None), check_port(port)]

    assert [finding.ok for finding in findings] == [False, False, False]
    assert "3.10.9 is too old: install 3.11" in str(findings[0])
    assert "not installed: make deploy-local" in str(findings[1])
    assert f"{port} is not available: choose another" in str(findings[2])


def test_a_missing_unfinished_or_read_only_virtual_environment_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_REPOSITORY", tmp_path)
    assert "not there yet" in str(doctor.check_venv(".venv", os.environ))
    (tmp_path / ".venv").mkdir()
    assert "did not create or finish it: the next" in str(doctor.check_venv(".venv", {}))

    monkeypatch.setattr(os, "access", lambda *_: False)
    finding = doctor.check_venv(".venv", {})
    assert (finding.ok, finding.needed) == (False, True)
    assert "copy the project to a folder in which you may write" in finding.text


def test_the_account_of_working_credentials_is_shown(
    aws: None, capsys: pytest.CaptureFixture[str]
) -> None:
    account = boto3.client("sts").get_caller_identity()["Account"]
    assert doctor.main(["--aws"], {"AWS_REGION": "eu-west-1"}) == 0
    assert f"account {account}, region eu-west-1, as arn:aws:" in capsys.readouterr().out


@pytest.mark.parametrize("target", ["deploy", "bootstrap"])
def test_without_credentials_cdk_is_not_run(target: str, tmp_path: Path) -> None:
    commands = subprocess.run(  # noqa: S603 - make of this project, as a dry run
        ["make", "--dry-run", target],  # noqa: S607 - likewise
        cwd=PROJECT,
        env={**os.environ, "MAKEFLAGS": "", "MAKELEVEL": ""},  # as if no other make ran this test
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert commands[-2].endswith("python -m dev.doctor --aws")
    assert commands[-1].startswith(f"cdk {target} ")

    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("AWS_")},
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(tmp_path),
    }
    checked = subprocess.run(
        [sys.executable, "-m", "dev.doctor", "--aws"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (
        1,
        "AWS credentials are missing: sign in, or choose some with AWS_PROFILE.\n",
    )
