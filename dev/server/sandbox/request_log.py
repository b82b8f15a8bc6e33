"""Writes one readable line for each request instead of the function's JSON."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from dev.http.messages import HttpRequest, HttpResponse

_PATH_LENGTH: Final = 120


class RequestLog:
    """Writes a line after each response, without request headers and query.

    `write` must accept whole lines from several threads.
    """

    def __init__(
        self, write: Callable[[str], object], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._write = write
        self._clock = clock
        self._lock = threading.Lock()
        self._notes: dict[str, str] = {}  # by request id, until the response

    def function_output(self, text: str) -> None:
        """Keep a log record's error and warnings for the request's line; write other text as is."""
        for line in text.splitlines():
            record = _parsed(line)
            if record is None:
                self._write(line + "\n")
            elif note := _note(record):
                with self._lock:
                    self._notes[record["request_id"]] = note

    def logged(
        self, respond: Callable[[HttpRequest], HttpResponse]
    ) -> Callable[[HttpRequest], HttpResponse]:
        """Return a function that calls `respond`, and then writes the line of the request."""

        def respond_and_log(request: HttpRequest) -> HttpResponse:
            started = time.monotonic()
            response = respond(request)
            self.record(request, response, time.monotonic() - started)
            return response

        return respond_and_log

    def record(self, request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        """Write the line of a request that took `seconds`."""
        headers = {name.lower(): value for name, value in response.headers}
        path, _, query = request.target.partition("?")
        request_id = headers.get("x-request-id", "")
        with self._lock:
            note = self._notes.pop(request_id, "")
        words = (
            time.strftime("%H:%M:%S", time.localtime(self._clock())),
            request.method,
            path[:_PATH_LENGTH] + ("?..." if query else ""),
            str(response.status),
            _cache_words(headers.get("cache-status", "")),
            f"{seconds * 1000:.0f} ms",
            request_id,
            note,
        )
        self._write(" ".join(word for word in words if word) + "\n")


def _cache_words(header: str) -> str:
    """Return Cache-Status without the cache's name and the `ttl`, such as `fwd=miss stored`."""
    words = header.split("; ")[1:]
    return " ".join(word for word in words if not word.startswith("ttl="))


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "request_id" in record else None


def _note(record: dict[str, Any]) -> str:
    """Return the error of a log record, if any, and the warnings that do not repeat the error."""
    reason = record.get("reason", "")
    notes = [f"{record['error']}: {reason}"] if "error" in record else []
    notes += [each for each in record.get("warnings", []) if not (notes and each.endswith(reason))]
    return " ".join("; ".join(notes).split())
