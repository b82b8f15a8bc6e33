"""Has pytest look through all that a run writes, with every debug switch of Powertools on.

Looked through are what the code writes to standard output and error, every answer, every request
to DynamoDB, the templates, and what the processes of `tests/e2e` write, answer and store. A leak
fails the run.
"""

from __future__ import annotations

import os
from typing import Any, Final

import pytest
from _pytest.capture import CaptureFixture
from _pytest.terminal import TerminalReporter
from botocore.endpoint import Endpoint

from tests.canaries.ledger import LEDGER

DEBUG_SWITCHES: Final = {
    "POWERTOOLS_DEBUG": "true",
    "POWERTOOLS_DEV": "true",
    "POWERTOOLS_METRICS_DISABLED": "false",  # which POWERTOOLS_DEV alone would make true
    "POWERTOOLS_LOG_LEVEL": "DEBUG",
    "POWERTOOLS_LOGGER_LOG_EVENT": "true",
    "POWERTOOLS_TRACER_CAPTURE_RESPONSE": "true",
    "POWERTOOLS_TRACER_CAPTURE_ERROR": "true",
}

# Before anything imports Powertools, which reads some of them once.
os.environ.update(DEBUG_SWITCHES)


def pytest_configure(config: pytest.Config) -> None:
    """Put a watch on everything that writes."""
    # Once the switches are set; and now, for Powertools' own log keeps the output that it finds at
    # its import, which of a test's would be closed after that test.
    import aws_lambda_powertools.logging  # noqa: PLC0415, F401

    from functions.ratings.api_gateway import Answer  # noqa: PLC0415
    from functions.ratings.aws_json import AwsJson  # noqa: PLC0415

    _watch_captures()
    _watch_answers(Answer)
    _watch_dynamodb()
    _watch_aws_json(AwsJson)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Look through what a test left in the captures; its last report has all of that."""
    if report.when == "teardown":
        for _, text in report.sections:
            LEDGER.record("output", text)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a leak fail the run."""
    if LEDGER.leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Say what was looked through, and what was found."""
    terminalreporter.section("secrets", sep="=")
    for source, characters in sorted(LEDGER.characters.items()):
        terminalreporter.line(f"{characters:>12,} characters of {source}")
    for leak in LEDGER.leaks:
        terminalreporter.line(f"LEAK in {leak}", red=True)
    terminalreporter.line(f"{len(LEDGER.leaks)} leaks")


def _watch_captures() -> None:
    fixture: Any = CaptureFixture
    read = fixture.readouterr

    def watched(self: Any) -> Any:
        captured = read(self)
        for text in captured:
            LEDGER.record("output", text if isinstance(text, str) else text.decode("latin-1"))
        return captured

    fixture.readouterr = watched


def _watch_answers(answer: Any) -> None:
    to_proxy = answer.to_proxy

    def watched(self: Any, request_id: str) -> Any:
        proxy = to_proxy(self, request_id)
        LEDGER.record("answers", str(proxy))
        return proxy

    answer.to_proxy = watched


def _watch_dynamodb() -> None:
    endpoint: Any = Endpoint
    make_request = endpoint.make_request

    def watched(self: Any, operation_model: Any, request: Any) -> Any:
        if operation_model.service_model.service_name == "dynamodb":
            LEDGER.record("requests to DynamoDB", request["body"].decode())
        return make_request(self, operation_model, request)

    endpoint.make_request = watched


def _watch_aws_json(aws_json: Any) -> None:
    call = aws_json.call

    def watched(self: Any, operation: str, request: Any) -> Any:
        if self.name == "dynamodb":
            LEDGER.record("requests to DynamoDB", str(request))
        return call(self, operation, request)

    aws_json.call = watched
