"""Lambda's runtime within one process: it imports a handler and passes it events.

Events are lines of JSON on standard input. Responses are lines of JSON on standard output, with the
text that the handler printed. Other output goes to standard error. The process ends with its input.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any, BinaryIO

Handler = Callable[[dict[str, Any], "LambdaContext"], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaContext:
    """The context object of one invocation, with the attributes that handlers read."""

    function_name: str
    aws_request_id: str
    deadline: float
    function_version: str = "$LATEST"

    def get_remaining_time_in_millis(self) -> int:
        """Return the time until the function's timeout."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def main() -> None:
    """Serve events until the input ends."""
    # The parent ends this process, so it ignores Ctrl-C, which reaches it too. It unblocks the
    # stop signals, which it inherited as blocked.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    with (
        os.fdopen(os.dup(sys.stdin.fileno()), "rb") as events,
        os.fdopen(os.dup(sys.stdout.fileno()), "wb") as responses,
    ):
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device, opened for its descriptor
            os.dup2(nothing.fileno(), sys.stdin.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        module, _, function = os.environ["_HANDLER"].rpartition(".")
        handler: Handler = getattr(importlib.import_module(module), function)
        _send(responses, {"ready": True})
        for line in events:
            _send(responses, _invoke(handler, json.loads(line)))


def _invoke(handler: Handler, invocation: dict[str, Any]) -> dict[str, Any]:
    context = LambdaContext(
        function_name=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        aws_request_id=invocation["request_id"],
        deadline=time.monotonic() + invocation["timeout_seconds"],
    )
    output = io.StringIO()
    try:
        with redirect_stdout(output):
            response = handler(invocation["event"], context)
        json.dumps(response)
    except Exception as error:  # noqa: BLE001 - as in Lambda, the process survives any exception
        traceback.print_exc()
        return {"error": type(error).__name__, "output": output.getvalue()}
    return {"response": response, "output": output.getvalue()}


def _send(responses: BinaryIO, message: dict[str, Any]) -> None:
    responses.write(json.dumps(message).encode() + b"\n")
    responses.flush()


if __name__ == "__main__":
    main()
