"""The log of `make run`: a readable line per request, without a secret."""

from __future__ import annotations

import json
import re

import pytest

from dev.http.messages import HttpRequest, HttpResponse
from dev.server.sandbox.request_log import RequestLog

SONG = "/v1/me/ratings/library-songs/i.abc"


def line(
    target: str = SONG, status: int = 200, cache: str | None = "hit; ttl=42", output: str = ""
) -> str:
    """Return the log text of one request, without the time of day."""
    written: list[str] = []
    log = RequestLog(written.append)
    log.function_output(output)
    headers = [("Music-User-Token", "made-up-token-a"), ("X-Api-Key", "made-up-token-key")]
    response_headers = [("X-Request-Id", "an-id")]
    if cache is not None:
        response_headers.append(("Cache-Status", f"apple-music-ratings; {cache}"))
    log.record(
        HttpRequest(method="GET", target=target, headers=tuple(headers)),
        HttpResponse(status=status, headers=tuple(response_headers)),
        0.0031,
    )
    text = "".join(written)
    assert "made-up-token" not in text
    return re.sub(r"\d\d:\d\d:\d\d ", "", text)


def output(**fields: object) -> str:
    return json.dumps({"request_id": "an-id", "message": "a resource", **fields}) + "\n"


@pytest.mark.parametrize(
    ("cache", "words"),
    [
        ("hit; ttl=42", "hit "),
        ("fwd=miss; stored", "fwd=miss stored "),
        ("fwd=stale; ttl=-30; detail=stale-if-error", "fwd=stale detail=stale-if-error "),
        (None, ""),
    ],
)
def test_a_request_is_one_line(cache: str | None, words: str) -> None:
    assert line(cache=cache, output=output()) == f"GET {SONG} 200 {words}3 ms an-id\n"


def test_the_query_is_not_written_and_a_long_path_is_cut() -> None:
    assert line(f"{SONG}?ids=made-up-token-b") == f"GET {SONG}?... 200 hit 3 ms an-id\n"
    assert line("/" + "x" * 200) == f"GET /{'x' * 119} 200 hit 3 ms an-id\n"


def test_the_functions_error_follows_in_the_same_line_with_warnings_that_do_not_repeat_it() -> None:
    warnings = ["UpstreamTimeout: too\nslow", "CacheReadFailed: denied"]
    failed = output(error="AppleTimeoutError", reason="too\nslow", warnings=warnings)
    assert line(status=504, cache=None, output=failed) == (
        f"GET {SONG} 504 3 ms an-id AppleTimeoutError: too slow; CacheReadFailed: denied\n"
    )
    assert line(output=output(warnings=warnings[1:])).endswith("an-id CacheReadFailed: denied\n")


@pytest.mark.parametrize("text", ["not JSON", "[]", '{"other": "JSON"}'])
def test_other_output_of_the_function_is_written_as_it_is(text: str) -> None:
    assert line(output=text).startswith(f"{text}\n")
