"""A working service passes every check, and one that breaks a promise fails the check of it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from ops.errors import OperatorError
from ops.smoke import HttpService, Reply, checked_user_token, smoke

EVE, MALLORY = "made-up-token-eve", "made-up-token-mallory"


def error(status: int, code: str) -> bytes:
    return json.dumps({"errors": [{"status": str(status), "code": code}]}).encode()


class GoodService:
    """Answers as the service should."""

    def __init__(self) -> None:
        self.count = 0
        self.asked: set[tuple[str, str]] = set()

    def get(self, path: str, user_token: str | None) -> Reply:
        self.count += 1
        headers = {"cache-control": "private, no-store", "x-request-id": str(self.count)}
        if not path.startswith("/v1/me/ratings/"):
            return Reply(status=404, headers=headers, body=error(404, "40401"))
        if user_token is None:
            return Reply(status=401, headers=headers, body=error(401, "40190"))
        is_hit = (path, user_token) in self.asked
        self.asked.add((path, user_token))
        cache = "hit; ttl=60" if is_hit else "fwd=miss; stored"
        headers["cache-status"] = f"apple-music-ratings; {cache}"
        if is_hit:
            headers["age"] = "0"
        if "?ids=" in path:
            return Reply(status=200, headers=headers, body=b'{"data": []}')
        return Reply(status=404, headers=headers, body=error(404, "40400"))


class BrokenService(GoodService):
    """The same, but for what `harm` does to each answer."""

    def __init__(self, harm: Callable[[Reply], Reply]) -> None:
        super().__init__()
        self._harm = harm

    def get(self, path: str, user_token: str | None) -> Reply:
        return self._harm(super().get(path, user_token))


class MixingService(GoodService):
    """The same, but it gives one user what it keeps for another."""

    def get(self, path: str, user_token: str | None) -> Reply:
        return super().get(path, None if user_token is None else EVE)


def faults(service: GoodService, other_token: str | None = MALLORY) -> dict[str, str]:
    checks = list(smoke(service, user_token=EVE, other_token=other_token, chance=random.Random(1)))
    assert len(checks) == (6 if other_token is None else 7)
    return {check.name: check.fault for check in checks if check.fault}


def test_a_working_service_passes() -> None:
    assert faults(GoodService()) == {}
    assert faults(GoodService(), None) == {}


def test_users_that_are_mixed_up_are_found() -> None:
    assert list(faults(MixingService())) == ["another user gets nothing of it"]


def without(name: str) -> Callable[[Reply], Reply]:
    def harm(reply: Reply) -> Reply:
        return replace(
            reply, headers={key: value for key, value in reply.headers.items() if key != name}
        )

    return harm


@pytest.mark.parametrize(
    ("harm", "failing"),
    [
        (without("cache-control"), "no answer may be kept, and each has an id"),
        (without("x-request-id"), "no answer may be kept, and each has an id"),
        (without("age"), "the second read comes from the cache"),
        (lambda reply: replace(reply, body=b"<html>"), "many ratings are read at once"),
        (lambda reply: replace(reply, body=b"<html>"), "no user token is refused"),
        (lambda reply: replace(reply, status=200), "another path is refused"),
    ],
)
def test_a_broken_promise_is_found(harm: Callable[[Reply], Reply], failing: str) -> None:
    assert failing in faults(BrokenService(harm))


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (503, "50390", "answered 503 (50390): there is no working developer token"),
        (403, "40300", "answered 403 (40300): Apple refuses the user token"),
        (502, f"{EVE}", "answered 502 (no code)"),
    ],
)
def test_a_failure_says_what_it_means_and_quotes_nothing(status: int, code: str, told: str) -> None:
    service = BrokenService(lambda reply: replace(reply, status=status, body=error(status, code)))
    assert faults(service)["a rating is read"].startswith(told)


@pytest.mark.parametrize(
    "url", ["http://api.example", "api.example", "ftp://127.0.0.1", "https://"]
)
def test_a_token_is_sent_over_tls_or_on_this_machine_alone(url: str) -> None:
    with pytest.raises(OperatorError, match="https://"):
        HttpService(url)


@pytest.mark.parametrize("text", ["", "two words", "a\r\nX: y", "x" * 4097])
def test_what_is_no_token_is_not_sent_nor_quoted(text: str) -> None:
    with pytest.raises(OperatorError, match="is no user token") as refused:
        checked_user_token(text, "MUSIC_USER_TOKEN")
    assert not text or text not in str(refused.value)
