"""Real pytest runs with planted leaks."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
PLANTED = "sample-user-token-" + "planted"
NAMES = """\
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from functions.ratings.api.gateway import Response
from functions.shared.aws.json_client import JsonClient
from functions.sign_in import api, tokens
DYNAMODB = SimpleNamespace(name="dynamodb")
JWT = "eyJhbGciOiJ" + "FUzI1NiJ9.planted.token"
TOKEN = tokens.DeveloperToken(jwt=JWT, issued_at=0, expires_at=900)
SIGNED_IN = api.Response(
    request_id="request-1", result=tokens.IssuedToken(TOKEN, is_new=True), origin=None
)
"""
LEAKS = {
    "printed": f"print({PLANTED!r})",
    "encoded": f"print({base64.b64encode(PLANTED.encode()).decode()!r})",
    "captured": f"print({PLANTED!r}); capsys.readouterr()",
    "returned": f"Response(status=200, body={PLANTED!r}).to_proxy('request-1')",
    "logged": "print(SIGNED_IN.to_proxy()['body'])",
    "quoted": "Response(status=200, body=SIGNED_IN.to_proxy()['body']).to_proxy('request-1')",
    "in_an_id": "replace(SIGNED_IN, request_id=JWT).to_proxy()",
    "stored": f"with suppress(AttributeError): JsonClient.call(DYNAMODB, 'PutItem', [{PLANTED!r}])",
}


def run_tests(
    folder: Path, statements: Mapping[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    file = folder / "test_planted.py"
    tests = (f"\n\ndef test_{name}(capsys):\n    {body}\n" for name, body in statements.items())
    file.write_text(NAMES + "".join(tests), "utf-8")
    command = [
        *(sys.executable, "-m", "pytest", "--config-file=pyproject.toml"),
        *("-p", "no:cacheprovider", "-p", "tests.secret_scan.plugin", *options, str(file)),
    ]
    return subprocess.run(  # noqa: S603 - this interpreter, on a file of this test
        command, cwd=PROJECT, capture_output=True, text=True, check=False
    )


def test_all_leaks_in_a_worker_are_reported_and_fail_a_run_whose_tests_pass(tmp_path: Path) -> None:
    run = run_tests(tmp_path, LEAKS, "--numprocesses=1")

    assert f"{len(LEAKS)} passed" in run.stdout
    leaks = [line.partition(":")[0] for line in run.stdout.splitlines() if line.startswith("LEAK")]
    assert Counter(leaks) >= Counter(
        {"LEAK in output": 4, "LEAK in responses": 3, "LEAK in requests to DynamoDB": 1}
    )
    assert run.returncode == 1


@pytest.mark.parametrize("options", [(), ("--secret-scan",)], ids=["default", "--secret-scan"])
def test_a_run_without_leaks_passes_and_on_request_prints_what_was_searched(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    nothing = "Response(status=200).to_proxy('request-1'); SIGNED_IN.to_proxy()"
    run = run_tests(tmp_path, {"nothing": nothing}, *options)

    assert "Secrets: 0 leaks" in run.stdout
    assert ("characters of responses" in run.stdout) == bool(options)
    assert run.returncode == 0, run.stdout
