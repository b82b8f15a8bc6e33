"""What runs inside one environment: Lambda's runtime, which imports a handler and feeds it.

Events come in as lines of JSON on standard input and answers leave on standard output; whatever
the handler itself prints goes to standard error. The environment ends when its input does.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

Handler = Callable[[dict[str, Any], "LambdaContext"], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaContext:
    """What Lambda tells a handler about one invocation."""

    function_name: str
    function_version: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    aws_request_id: str
    log_group_name: str
    log_stream_name: str
    deadline: float

    def get_remaining_time_in_millis(self) -> int:
        """Say how long the handler may still take."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def main() -> None:
    """Serve events until there are no more; the environment's variables say with what."""
    # Ctrl-C in a terminal reaches this process too, but is for the one that started it, which had
    # blocked it and so handed it down blocked.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    with (
        os.fdopen(os.dup(sys.stdin.fileno()), "rb") as events,
        os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers,
    ):
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device, opened for its descriptor
            os.dup2(nothing.fileno(), sys.stdin.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        module, _, function = os.environ["_HANDLER"].rpartition(".")
        handler: Handler = getattr(importlib.import_module(module), function)
        _say(answers, {"ready": True})
        for line in events:
            _say(answers, _invoke(handler, json.loads(line)))


def _invoke(handler: Handler, invocation: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = handler(invocation["event"], _context(invocation))
        json.dumps(answer)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises, its environment lives on
        traceback.print_exc()
        return {"error": type(error).__name__}
    return {"answer": answer}


def _context(invocation: dict[str, Any]) -> LambdaContext:
    environment = os.environ
    name = environment["AWS_LAMBDA_FUNCTION_NAME"]
    return LambdaContext(
        function_name=name,
        function_version=environment["AWS_LAMBDA_FUNCTION_VERSION"],
        invoked_function_arn=invocation["function_arn"],
        memory_limit_in_mb=int(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
        aws_request_id=invocation["request_id"],
        log_group_name=environment["AWS_LAMBDA_LOG_GROUP_NAME"],
        log_stream_name=environment["AWS_LAMBDA_LOG_STREAM_NAME"],
        deadline=time.monotonic() + invocation["timeout_seconds"],
    )


def _say(answers: BinaryIO, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
