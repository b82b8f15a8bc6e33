"""Compares an answer with a cell of the tables, and allows for a machine that is busy."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.integration.faults.apple_behaviours import Told, resource
from tests.patience import LATE_SECONDS


def assert_told(told: Told, proxy: Mapping[str, Any], taken: float) -> None:
    """Compare what API Gateway gets, `taken` seconds after the request, with what is expected."""
    headers = proxy["headers"]
    assert proxy["statusCode"] == told.status
    late = _seconds_late(told, headers, taken)
    assert _cache(headers) == re.sub(
        r"ttl=(-?\d+)", lambda ttl: f"ttl={int(ttl[1]) - late}", told.cache
    )
    assert headers.get("Age") == (None if told.age is None else str(told.age + late))
    assert ("Retry-After" in headers) == (told.retry_after is not None)
    if told.retry_after is not None:
        assert int(headers["Retry-After"]) in told.retry_after
    if told.code is None:
        assert json.loads(proxy["body"]) == {"data": [resource()]}
    else:
        assert json.loads(proxy["body"])["errors"][0]["code"] == told.code
    assert taken < told.seconds + LATE_SECONDS


def _seconds_late(told: Told, headers: Mapping[str, str], taken: float) -> int:
    """By how many whole seconds a copy has grown older than on an idle machine."""
    if told.age is None or "Age" not in headers:
        return 0
    late = int(headers["Age"]) - told.age
    # A copy is made some moments before the request, in which a second may end.
    assert 0 <= late <= taken + 1
    return late


def _cache(headers: Mapping[str, str]) -> str:
    return headers.get("Cache-Status", "").removeprefix("apple-music-ratings; ")
