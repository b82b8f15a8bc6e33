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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that asks for figures."""
    parser.addoption(
        "--secret-scan", action="store_true", help="print how much was searched for secrets"
    )


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
    config.pluginmanager.register(_Workers() if _has_workers(config) else _Outputs())


class _Outputs:
    """Searches what each test of this process wrote."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Search what a test left in the captures; its last report has all of that."""
        if report.when == "teardown":
            for _, text in report.sections:
                LEDGER.record("output", text)


class _Workers:
    """Collects what the worker processes of pytest-xdist have searched."""

    def pytest_testnodedown(self, node: Any) -> None:
        """Take a worker's findings; one that crashed has none, and has failed its test."""
        findings = getattr(node, "workeroutput", {}).get("secrets")
        if findings is not None:
            LEDGER.add(*findings)


def _has_workers(config: pytest.Config) -> bool:
    return bool(getattr(config.option, "numprocesses", None)) and not _is_worker(config)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a leak fail the run."""
    config: Any = session.config
    if _is_worker(config):
        config.workeroutput["secrets"] = (dict(LEDGER.characters), LEDGER.leaks)
    elif LEDGER.leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Say in one line that no secret was found; on request or for a leak say what was searched."""
    if LEDGER.leaks or config.getoption("--secret-scan"):
        terminalreporter.section("secrets", sep="=")
        for source, characters in sorted(LEDGER.characters.items()):
            terminalreporter.line(f"{characters:>12,} characters of {source}")
        for leak in LEDGER.leaks:
            terminalreporter.line(f"LEAK in {leak}", red=True)
    terminalreporter.line(f"Secrets: {len(LEDGER.leaks)} leaks in what the tests wrote.")


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
