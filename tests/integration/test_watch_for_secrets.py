"""The watch over the whole run finds a leak that is planted, and fails the run for it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.canaries.encodings import ENCODINGS
from tests.canaries.ledger import CANARIES, Ledger
from tests.canaries.plugin import DEBUG_SWITCHES

PROJECT = Path(__file__).resolve().parents[2]
PLANTED = "sample-user-token-" + "planted"

LEAKS = {
    "printed": f"print({PLANTED!r})",
    "encoded": f"print({base64.b64encode(PLANTED.encode()).decode()!r})",
    "captured": f"print({PLANTED!r}); capsys.readouterr()",
    "answered": f"Answer(status=200, body={PLANTED!r}).to_proxy('request-1')",
    "stored": f"dynamodb.put_item(TableName='ratings', Item={{'pk': {{'S': {PLANTED!r}}}, "
    "'sk': {'S': 'x'}})",
}


@pytest.fixture
def test_file() -> Iterator[Path]:
    """A file of tests beside this one, for as long as the test takes."""
    file = Path(__file__).with_name(f"test_planted_leak_{os.getpid()}.py")
    yield file
    file.unlink(missing_ok=True)


def run_tests(
    file: Path, statements: Mapping[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    tests = "".join(
        f"\n\ndef test_{name}(capsys, dynamodb):\n    {statement}\n"
        for name, statement in statements.items()
    )
    file.write_text(f"from functions.ratings.api_gateway import Answer\n{tests}", "utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, str(file)]
    return subprocess.run(  # noqa: S603 - nothing of it comes from outside
        command, cwd=PROJECT, capture_output=True, text=True, check=False
    )


def test_each_planted_leak_is_found_in_a_worker_and_fails_a_run_whose_tests_all_pass(
    test_file: Path,
) -> None:
    run = run_tests(test_file, LEAKS, "--numprocesses=1")

    assert f"{len(LEAKS)} passed" in run.stdout
    leaks = [line.partition(":")[0] for line in run.stdout.splitlines() if line.startswith("LEAK")]
    assert Counter(leaks) >= Counter(
        {"LEAK in output": 3, "LEAK in answers": 1, "LEAK in requests to DynamoDB": 1}
    )
    assert run.returncode == 1


@pytest.mark.parametrize("options", [(), ("--secret-scan",)], ids=["not-asked", "asked"])
def test_a_run_without_a_leak_passes_and_if_asked_says_how_much_was_searched(
    test_file: Path, options: tuple[str, ...]
) -> None:
    run = run_tests(test_file, {"nothing": "Answer(status=200).to_proxy('request-1')"}, *options)

    assert "Secrets: 0 leaks" in run.stdout
    assert ("characters of answers" in run.stdout) == bool(options)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_each_canary_is_found_in_each_encoding(canary: str, encoding: str) -> None:
    ledger = Ledger()
    shown = max(ENCODINGS[encoding](canary))

    ledger.record("log", json.dumps({"innocent": 1}) + shown)

    assert ledger.leaks


def test_powertools_is_at_its_most_talkative() -> None:
    assert (
        DEBUG_SWITCHES.items()
        >= {
            "POWERTOOLS_DEBUG": "true",
            "POWERTOOLS_DEV": "true",
            "POWERTOOLS_LOGGER_LOG_EVENT": "true",
        }.items()
    )
