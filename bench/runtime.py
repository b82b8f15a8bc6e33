"""Runs one function as Lambda's runtime does, and says what that took.

A program of its own, for Lambda's Python and with nothing but the standard library:

    python -I -S -B -u runtime.py REPORTS BUNDLE HANDLER [look]

It imports HANDLER from BUNDLE, then answers commands, one line of JSON each on standard input, by
one line each on the file descriptor REPORTS. What the function prints stays on standard output.
With `look` it also counts what does not waver, which takes time: nothing is to be timed then.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, TextIO

Counts = dict[str, int]


class Context:
    """What functions read of Lambda's context object."""

    aws_request_id = "8f507c2f-9d0c-4b8c-8f5b-6f2d4b9d7c11"
    function_name = "apple-music-ratings-dev-RatingsFunction"
    function_version = "$LATEST"
    invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function_name}"
    memory_limit_in_mb = "512"
    log_group_name = f"/aws/lambda/{function_name}"
    log_stream_name = "2026/01/01/[$LATEST]0123456789abcdef"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda would end the invocation."""
        return 10_000


def look() -> Counts:
    """Count, from here on, what a start and a request do; gives the counts, which go on."""
    counts: Counts = dict.fromkeys(("opened", "compiled", "ca_loads", "handshakes"), 0)

    def hear(event: str, _arguments: tuple[Any, ...]) -> None:
        if event == "open":
            counts["opened"] += 1

    sys.addaudithook(hear)
    _count_calls(SourceFileLoader, "source_to_code", counts, "compiled")
    _count_calls(ssl.SSLContext, "load_verify_locations", counts, "ca_loads")
    _count_calls(ssl.SSLContext, "load_default_certs", counts, "ca_loads")
    _count_calls(ssl.SSLContext, "set_default_verify_paths", counts, "ca_loads")
    _count_calls(ssl.SSLSocket, "do_handshake", counts, "handshakes")
    return counts


def _count_calls(owner: Any, name: str, counts: Counts, count: str) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    def counted(*arguments: Any, **named: Any) -> Any:
        counts[count] += 1
        return original(*arguments, **named)

    setattr(owner, name, counted)


def peak_memory_bytes() -> int:
    """The most memory that this program had; `getrusage` would count its parent's, too."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def answer_all(
    handler: Callable[[Any, Any], Any], events: Sequence[Mapping[str, Any]], counts: Counts
) -> dict[str, Any]:
    """Hand the events over, one after the other; times in seconds."""
    context = Context()
    before, logged = dict(counts), os.fstat(1).st_size
    cpu, wall = time.process_time(), time.perf_counter()
    answers = [handler(event, context) for event in events]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    answered_at, cpu_since_start = time.monotonic(), time.process_time()
    return {
        "wall": wall,
        "cpu": cpu,
        "answered_at": answered_at,
        "cpu_since_start": cpu_since_start,
        "counts": {name: counts[name] - before[name] for name in counts},
        "statuses": sorted({answer["statusCode"] for answer in answers}),
        "last": answers[-1],
        "peak_memory": peak_memory_bytes(),
        "log": [logged, os.fstat(1).st_size],
    }


def run(reports: TextIO, bundle: str, handler_path: str, counts: Counts) -> None:
    """Import the handler, then answer commands until there are no more."""
    sys.path.insert(0, bundle)
    module, _, name = handler_path.rpartition(".")
    handler = getattr(import_module(module), name)
    init = {
        "imported_at": time.monotonic(),
        "cpu_since_start": time.process_time(),
        "counts": dict(counts),
        "modules": len(sys.modules),
    }
    for line in sys.stdin:
        report = {"init": init, **answer_all(handler, json.loads(line), counts)}
        reports.write(json.dumps(report) + "\n")
        reports.flush()


if __name__ == "__main__":
    descriptor, bundle_path, handler_name, *options = sys.argv[1:]
    counted = look() if "look" in options else {}
    run(os.fdopen(int(descriptor), "w"), bundle_path, handler_name, counted)
