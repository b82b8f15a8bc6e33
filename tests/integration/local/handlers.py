"""Handlers that behave in the ways in which a Lambda function can."""

from __future__ import annotations

import os
import time
from typing import Any

from local.runtime import LambdaContext


def process(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer from which process, after a while that the event sets."""
    time.sleep(event.get("seconds", 0))
    return {"pid": os.getpid(), "request_id": context.aws_request_id}


def describe(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer with what the function is told of itself."""
    return {
        "function_name": context.function_name,
        "memory_limit_in_mb": context.memory_limit_in_mb,
        "invoked_function_arn": context.invoked_function_arn,
        "remaining": context.get_remaining_time_in_millis(),
        "variables": dict(os.environ),
    }


def speak(_event: dict[str, Any], _context: LambdaContext) -> str:
    """Write to standard output, as a logger does."""
    os.write(1, b'{"answer": "not this"}\n')
    return "answered"


def fail(_event: dict[str, Any], _context: LambdaContext) -> None:
    """Raise."""
    raise LookupError("deliberate")


def answer_no_json(_event: dict[str, Any], _context: LambdaContext) -> object:
    """Answer with what JSON cannot say."""
    return object()


def die(event: dict[str, Any], _context: LambdaContext) -> int:
    """End the whole process if the event says so."""
    if event["die"]:
        os._exit(1)
    return os.getpid()
