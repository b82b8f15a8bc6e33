"""Runs one function like Lambda's runtime, and reports its cost.

A program for Lambda's Python that needs only the standard library:

    python -I -S -B -u runtime.py REPORTS BUNDLE HANDLER [inspect]

It imports HANDLER from BUNDLE. Each line of standard input is a JSON list of events; the report of
each list is a line of JSON on the file descriptor REPORTS. The function's own output stays on
standard output. With `inspect` it also counts the operations of a start and of a request;
this takes time, so the times of such a run are not used.
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
    """The attributes of Lambda's context object that functions read."""

    aws_request_id = "8f507c2f-9d0c-4b8c-8f5b-6f2d4b9d7c11"
    function_name = "apple-music-ratings-dev-RatingsFunction"
    function_version = "$LATEST"
    invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function_name}"
    memory_limit_in_mb = "512"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda would end the invocation."""
        return 10_000


def start_counting() -> Counts:
    """Start to count operations; return the counts, which increase with each operation."""
    counts: Counts = dict.fromkeys(("opened", "compiled", "ca_loads", "handshakes"), 0)

    def audit(event: str, _arguments: tuple[Any, ...]) -> None:
        if event == "open":
            counts["opened"] += 1

    sys.addaudithook(audit)
    _count_calls(SourceFileLoader, "source_to_code", counts, "compiled")
    for name in ("load_verify_locations", "load_default_certs", "set_default_verify_paths"):
        _count_calls(ssl.SSLContext, name, counts, "ca_loads")
    _count_calls(ssl.SSLSocket, "do_handshake", counts, "handshakes")
    return counts


def _count_calls(owner: Any, name: str, counts: Counts, count: str) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    def counted(*arguments: Any, **named: Any) -> Any:
        counts[count] += 1
        return original(*arguments, **named)

    setattr(owner, name, counted)


def peak_memory_bytes() -> int:
    """Return this process's peak memory; `getrusage` would include its parent's."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def handle_all(
    handler: Callable[[Any, Any], Any], events: Sequence[Mapping[str, Any]], counts: Counts
) -> dict[str, Any]:
    """Handle events one after the other; return the report, with times in seconds."""
    context = Context()
    before, logged = dict(counts), os.fstat(1).st_size
    cpu, wall = time.process_time(), time.perf_counter()
    responses = [handler(event, context) for event in events]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "wall": wall,
        "cpu": cpu,
        "ended_at": time.monotonic(),
        "cpu_since_start": time.process_time(),
        "counts": {name: counts[name] - before[name] for name in counts},
        "statuses": sorted({response["statusCode"] for response in responses}),
        "last": responses[-1],
        "peak_memory": peak_memory_bytes(),
        "log": [logged, os.fstat(1).st_size],
    }


def run(reports: TextIO, bundle: str, handler_path: str, counts: Counts) -> None:
    """Import the handler, then handle events until standard input ends."""
    sys.path.insert(0, bundle)
    module, _, name = handler_path.rpartition(".")
    handler = getattr(import_module(module), name)
    init = {"counts": dict(counts), "modules": len(sys.modules)}
    for line in sys.stdin:
        report = {"init": init, **handle_all(handler, json.loads(line), counts)}
        reports.write(json.dumps(report) + "\n")
        reports.flush()


if __name__ == "__main__":
    descriptor, bundle_path, handler_name, *options = sys.argv[1:]
    run(
        os.fdopen(int(descriptor), "w"),
        bundle_path,
        handler_name,
        start_counting() if "inspect" in options else {},
    )
