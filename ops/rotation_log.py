"""The log of the rotation function about one rotation: its steps, and why a step failed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import boto3
import click
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ops.errors import OperatorError

_CLOCK_SKEW_SECONDS: Final = 300
_LONGEST_TEXT: Final = 200


class RotationLog:
    """The log of a rotation function.

    Reading it is optional: without the permissions `lambda:GetFunctionConfiguration` and
    `logs:FilterLogEvents`, it is empty.
    """

    def __init__(self, session: boto3.Session, function: str, config: Config) -> None:
        self._function = function
        self._lambda: Any = session.client("lambda", config=config)
        self._logs: Any = session.client("logs", config=config)
        self._start_milliseconds = int((time.time() - _CLOCK_SKEW_SECONDS) * 1000)
        self._group = ""
        self._shown: set[str] = set()

    def follow(self, version: str) -> None:
        """Print the new lines about a version of the secret.

        Raises:
            OperatorError: if a line says that a step failed.
        """
        for line in self._new_lines(version):
            step = str(line.get("step"))
            if line.get("message") == "failed":
                raise OperatorError(_describe_failure(step, str(line.get("reason"))))
            click.echo(f"{step:14} {str(line.get('message'))[:_LONGEST_TEXT]}")

    def _new_lines(self, version: str) -> Iterator[Mapping[str, Any]]:
        try:
            self._group = self._group or self._find_group()
            pages = self._logs.get_paginator("filter_log_events").paginate(
                logGroupName=self._group,
                filterPattern=f'"{version}"',
                startTime=self._start_milliseconds,
            )
            events = [event for page in pages for event in page["events"]]
        except (BotoCoreError, ClientError, KeyError):
            return
        for text in (str(event.get("message")) for event in events):
            if text not in self._shown:
                self._shown.add(text)
                try:
                    line = json.loads(text)
                except ValueError:
                    continue
                if isinstance(line, dict) and version in text:
                    yield line

    def _find_group(self) -> str:
        found = self._lambda.get_function_configuration(FunctionName=self._function)
        return str(found["LoggingConfig"]["LogGroup"])


def _describe_failure(step: str, reason: str) -> str:
    if reason.startswith("TokenRejectedError"):
        remedy = (
            "The key, its key id or its team id is wrong, or the key was revoked: put the right "
            "one with `put-signing-key`, then rotate again."
        )
    else:
        remedy = "docs/rotation.md lists reasons and fixes: fix the cause, then rotate again."
    return (
        f"The rotation failed in {step} ({reason[:_LONGEST_TEXT]}); the old token stays in use. "
        f"{remedy}"
    )
