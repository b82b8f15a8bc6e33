"""Prints which tests were not run, and how to run them: after the leaks, before the counts."""

from __future__ import annotations

from collections import Counter

import pytest
from _pytest.terminal import TerminalReporter


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Print why tests were skipped, or the command that runs the long tests."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", ())
        if isinstance(report.longrepr, tuple)
    )
    for reason, count in reasons.items():
        terminalreporter.line(f"Skipped: {count} tests. {reason}")
    if not reasons and config.option.markexpr == "not long":
        terminalreporter.line("Not run: the long tests. Run them with: make test-long")
