"""Handlers that return, print, fail or die, as a Lambda function may."""

from __future__ import annotations

import os
import time
from typing import Any

from dev.server.lambda_runtime import LambdaContext


def describe(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Describe the invocation after the event's `seconds`; an event with `die` ends the process."""
    time.sleep(event.get("seconds", 0))
    if event.get("die"):
        os._exit(1)
    return {
        "pid": os.getpid(),
        "request_id": context.aws_request_id,
        "function_name": context.function_name,
        "remaining": context.get_remaining_time_in_millis(),
        "variables": dict(os.environ),
    }


def write(_event: dict[str, Any], _context: LambdaContext) -> str:
    os.write(1, b'{"response": "not this"}\n')
    print("printed")  # noqa: T201
    return "returned"


def fail(_event: dict[str, Any], _context: LambdaContext) -> None:
    raise LookupError("deliberate")


def return_an_object(_event: dict[str, Any], _context: LambdaContext) -> object:
    return object()
