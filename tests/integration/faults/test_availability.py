"""How one environment limits its calls after failures of Apple or of the developer token."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from functions.ratings.resilience import SHORT_SECONDS
from tests.fakes.lambda_function import (
    AS_DEPLOYED,
    PLENTY_SECONDS,
    SECRET,
    LambdaFunction,
    aws_json,
    cache_status,
    error_code,
    found,
    secret,
)
from tests.fakes.origin import Answering, after, http, sends, stays_silent
from tests.fakes.ratings_function import SONG, developer_jwt
from tests.integration.conftest import Deploy
from tests.integration.faults.cells import holding

STALE = holding("stale")
DOWN, UNAUTHORIZED = sends(http(500)), sends(http(401))
NOT_RATED = sends(http(404))


def get(function: LambdaFunction, item: str = SONG.id, **more: Any) -> dict[str, Any]:
    return function.call(pathParameters={"type": SONG.type, "id": item}, **more)


def assert_apple_is_not_called(
    function: LambdaFunction, status: int, code: str, retry_after: range
) -> None:
    """Check that a stale copy is a hit, and that other requests fail without a call to Apple."""
    function.calls()
    assert "hit; ttl=-" in cache_status(get(function))
    for response in (get(function, "i.z"), function.call("PUT"), function.call("DELETE")):
        assert (response["statusCode"], error_code(response)) == (status, code)
        assert int(response["headers"]["Retry-After"]) in retry_after
    operations, _, requests = function.calls()
    assert (operations, requests) == (["BatchGetItem"] * 2, [])


def test_an_open_breaker_prevents_calls_to_apple(deploy: Deploy) -> None:
    function = deploy(apple=(DOWN,), items=STALE())
    for item in ("i.c", "i.d", "i.e"):
        assert get(function, item)["statusCode"] == 502
    assert len(function.calls()[2]) == 5

    assert_apple_is_not_called(function, 503, "50391", range(5, 11))


def test_500s_for_one_item_do_not_prevent_calls_for_other_items(deploy: Deploy) -> None:
    function = deploy(apple=(*[DOWN] * 8, NOT_RATED))
    for _ in range(4):
        assert get(function)["statusCode"] == 502

    assert get(function, "i.b")["statusCode"] == 404


def test_a_read_times_out_after_4_seconds_and_the_next_read_after_1_5_seconds(
    deploy: Deploy,
) -> None:
    late = after(3.9, NOT_RATED)
    function = deploy(
        apple=(stays_silent, late, NOT_RATED), items=STALE(), apple_seconds=AS_DEPLOYED
    )

    started = time.monotonic()
    assert error_code(get(function, "i.c")) == "50490"
    assert time.monotonic() - started >= 4
    assert error_code(get(function, "i.c")) == "50490", "3.9 s is over 1.5 s"
    assert_apple_is_not_called(function, 503, "50391", range(5, 11))


def test_while_apple_is_slow_it_is_called_only_for_misses_and_writes(deploy: Deploy) -> None:
    function = deploy(
        apple=(stays_silent, stays_silent, stays_silent, found()),
        items=STALE(),
        apple_seconds=(SHORT_SECONDS, PLENTY_SECONDS),
    )
    for _ in range(3):
        assert cache_status(get(function)).startswith("fwd=stale; ttl=-")
    function.calls()

    assert cache_status(get(function)).startswith("hit; ttl=-")
    assert function.calls()[2] == []
    assert function.call(token="grace")["statusCode"] == 200
    assert function.call("PUT")["statusCode"] == 200


@pytest.mark.parametrize(
    ("header", "seconds"), [((), range(1, 2)), (("Retry-After: 7",), range(4, 8))]
)
def test_apple_is_not_called_until_the_cool_off_ends(
    deploy: Deploy, header: tuple[str, ...], seconds: range
) -> None:
    function = deploy(apple=(sends(http(429, b"", *header)), found()), items=STALE())
    assert cache_status(get(function)).startswith("fwd=stale; ttl=-")

    if header:
        assert_apple_is_not_called(function, 429, "42991", seconds)
    else:
        time.sleep(1)
        assert get(function)["statusCode"] == 200


def test_apple_is_not_called_after_it_rejected_the_developer_token(deploy: Deploy) -> None:
    function = deploy(apple=(UNAUTHORIZED,), items=STALE())
    assert error_code(get(function, "i.b")) == "50390"
    assert len(function.calls()[2]) == 2

    assert_apple_is_not_called(function, 503, "50390", range(3, 11))


@pytest.mark.parametrize(
    "answers",
    [
        lambda: (aws_json({"__type": "InternalServiceError"}, 500),),
        lambda: secret("not a JWT"),
        lambda: secret(developer_jwt(expires_at=1_000_000_000)),
    ],
    ids=["an AWS error", "not a JWT", "expired"],
)
def test_without_a_developer_token_the_secret_is_read_once_in_two_seconds(
    deploy: Deploy, answers: Callable[[], tuple[Answering, ...]]
) -> None:
    function = deploy(secrets=(*answers(), *SECRET), apple=(NOT_RATED,), items=STALE())
    started = time.monotonic()
    responses = [get(function, "i.b"), get(function), function.call("PUT")]
    if time.monotonic() - started < 2:  # a busy machine may take longer
        assert [each["statusCode"] for each in responses] == [503, 200, 503]
        assert function.calls()[1:] == (1, [])

    time.sleep(2)
    assert get(function, "i.b")["statusCode"] == 404
