"""A pytest plugin that scans a whole run for secrets, with Powertools' debug switches on.

It scans standard output and error, every response, every request to DynamoDB, the templates, and
what the processes of `tests/e2e` print, answer and store. A leak fails the run. The one exception
is the token in a response of the sign-in function.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final

import pytest
from _pytest.capture import CaptureFixture
from _pytest.terminal import TerminalReporter

from tests.secret_scan.scanner import SCANNER, without_sign_in_token

DEBUG_SWITCHES: Final = {
    "POWERTOOLS_DEBUG": "true",
    "POWERTOOLS_DEV": "true",
    "POWERTOOLS_METRICS_DISABLED": "false",  # without it, POWERTOOLS_DEV would disable them
    "POWERTOOLS_LOG_LEVEL": "DEBUG",
    "POWERTOOLS_LOGGER_LOG_EVENT": "true",
    "POWERTOOLS_TRACER_CAPTURE_RESPONSE": "true",
    "POWERTOOLS_TRACER_CAPTURE_ERROR": "true",
}

# Powertools reads some of the switches at import.
os.environ.update(DEBUG_SWITCHES)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--secret-scan", action="store_true", help="print how much was searched for secrets"
    )


def pytest_configure(config: pytest.Config) -> None:
    # Imported here, after the switches are set, and before a test: Powertools' own log keeps the
    # output stream of the import, and pytest closes the stream of a test after the test.
    import aws_lambda_powertools.logging  # noqa: PLC0415, F401

    from functions.ratings.api.gateway import Response  # noqa: PLC0415
    from functions.shared.aws.json_client import JsonClient  # noqa: PLC0415

    _scan_captures(CaptureFixture)
    _scan_responses(Response, str)
    _scan_dynamodb(JsonClient)
    if find_spec("functions.sign_in"):  # not in the ratings function's bundle
        from functions.sign_in import api  # noqa: PLC0415

        _scan_responses(api.Response, without_sign_in_token)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Scan a test's captured output; the last report contains all of it."""
    # A worker of pytest-xdist scans its own tests; the reports of workers have a node.
    if report.when == "teardown" and not hasattr(report, "node"):
        for _, text in report.sections:
            SCANNER.record("output", text)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Merge a worker's findings; a crashed worker has none, and its test has failed."""
    findings = getattr(node, "workeroutput", {}).get("secrets")
    if findings is not None:
        SCANNER.merge(*findings)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config: Any = session.config
    if hasattr(config, "workerinput"):
        config.workeroutput["secrets"] = (dict(SCANNER.characters), SCANNER.leaks)
    elif SCANNER.leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Print the number of leaks; after a leak or on request, also the searched sources."""
    if SCANNER.leaks or config.getoption("--secret-scan"):
        terminalreporter.section("secrets", sep="=")
        for source, characters in sorted(SCANNER.characters.items()):
            terminalreporter.line(f"{characters:>12,} characters of {source}")
        for leak in SCANNER.leaks:
            terminalreporter.line(f"LEAK in {leak}", red=True)
    terminalreporter.line(f"Secrets: {len(SCANNER.leaks)} leaks in the tests' output and data.")


def _scan_captures(fixture: Any) -> None:
    readouterr = fixture.readouterr

    def scanned(self: Any) -> Any:
        captured = readouterr(self)
        for text in captured:
            SCANNER.record("output", text if isinstance(text, str) else text.decode("latin-1"))
        return captured

    fixture.readouterr = scanned


def _scan_responses(response: Any, text: Callable[[Any], str]) -> None:
    to_proxy = response.to_proxy

    def scanned(self: Any, *arguments: Any) -> Any:
        proxy = to_proxy(self, *arguments)
        SCANNER.record("responses", text(proxy))
        return proxy

    response.to_proxy = scanned


def _scan_dynamodb(client: Any) -> None:
    call = client.call

    def scanned(self: Any, operation: str, request: Any) -> Any:
        if self.name == "dynamodb":
            SCANNER.record("requests to DynamoDB", str(request))
        return call(self, operation, request)

    client.call = scanned
