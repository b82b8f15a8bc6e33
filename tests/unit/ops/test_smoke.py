"""A working service passes every check, and one that breaks a promise fails the check of it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from ops.errors import OperatorError
from ops.smoke import (
    HttpService,
    Reply,
    checked_api_key,
    checked_item,
    checked_user_token,
    smoke,
    smoke_write,
)

EVE, MALLORY = "made-up-token-eve", "made-up-token-mallory"


def error(status: int, code: str) -> bytes:
    return json.dumps({"errors": [{"status": str(status), "code": code}]}).encode()


def rating(value: int) -> bytes:
    return json.dumps({"data": [{"attributes": {"value": value}}]}).encode()


class GoodService:
    """Answers as the service should."""

    def __init__(self) -> None:
        self.count = 0
        self.asked: set[tuple[str, str]] = set()
        self.ratings: dict[str, int] = {}
        self.writes: list[str] = []

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
        if path in self.ratings:
            return Reply(status=200, headers=headers, body=rating(self.ratings[path]))
        return Reply(status=404, headers=headers, body=error(404, "40400"))

    def put(self, path: str, user_token: str, value: int) -> Reply:
        self.writes.append(f"PUT {value}")
        self.ratings[path] = value
        return Reply(status=200, body=rating(value))

    def delete(self, path: str, user_token: str) -> Reply:
        self.writes.append("DELETE")
        self.ratings.pop(path, None)
        return Reply(status=204)


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


class ForgetfulService(GoodService):
    """The same, but a write is answered and not made."""

    def put(self, path: str, user_token: str, value: int) -> Reply:
        self.writes.append(f"PUT {value}")
        return Reply(status=200, body=rating(value))


class FailingService(GoodService):
    """The same, but after a write nothing answers any more, except to another write."""

    def get(self, path: str, user_token: str | None) -> Reply:
        if self.writes:
            raise OperatorError("Nothing answers")
        return super().get(path, user_token)


ITEM = "songs/907242702"
ITEM_PATH = f"/v1/me/ratings/{ITEM}"


def faults_of_writing(service: GoodService) -> dict[str, str]:
    checks = smoke_write(service, user_token=EVE, item=ITEM)
    return {check.name: check.fault for check in checks if check.fault}


def faults(service: GoodService, other_token: str | None = MALLORY) -> dict[str, str]:
    checks = list(smoke(service, user_token=EVE, other_token=other_token, chance=random.Random(1)))
    assert len(checks) == (6 if other_token is None else 7)
    return {check.name: check.fault for check in checks if check.fault}


def test_a_working_service_passes() -> None:
    assert faults(GoodService()) == {}
    assert faults(GoodService(), None) == {}


def test_right_after_a_users_write_the_miss_says_that_it_will_pass() -> None:
    def unsettled(reply: Reply) -> Reply:
        headers = {**reply.headers, "cache-status": "apple-music-ratings; fwd=miss"}
        return replace(reply, headers=headers)

    (fault,) = faults(BrokenService(unsettled)).values()

    assert fault == (
        "Cache-Status says fwd=miss; within 5 s of a user's write nothing is stored: wait, and "
        "try again"
    )


def test_nothing_is_written_unless_it_was_asked_for() -> None:
    service = GoodService()
    faults(service)
    assert service.writes == []


@pytest.mark.parametrize(
    ("had", "writes"),
    [(None, ["PUT 1", "DELETE"]), (1, ["PUT -1", "PUT 1"]), (-1, ["PUT 1", "PUT -1"])],
)
def test_a_rating_is_written_and_the_one_of_before_put_back(
    had: int | None, writes: list[str]
) -> None:
    service = GoodService()
    service.ratings = {} if had is None else {ITEM_PATH: had}
    assert faults_of_writing(service) == {}
    assert service.writes == writes
    assert service.ratings.get(ITEM_PATH) == had


def test_a_write_that_was_not_made_is_found() -> None:
    assert list(faults_of_writing(ForgetfulService())) == ["what was written is read"]


def test_the_rating_of_before_is_put_back_also_where_a_check_ends_early() -> None:
    service = FailingService()
    with pytest.raises(OperatorError):
        faults_of_writing(service)
    assert service.ratings == {}


def test_nothing_is_written_where_the_rating_of_before_cannot_be_read() -> None:
    service = BrokenService(lambda reply: replace(reply, status=502, body=error(502, "50290")))
    assert list(faults_of_writing(service)) == ["the rating of before is read"]
    assert service.writes == []


@pytest.mark.parametrize(
    "text", ["", "songs", "songs/", "songs/..", "songs/../x", "/songs/1", "songs/1?l=de"]
)
def test_what_is_no_item_is_not_written_to(text: str) -> None:
    with pytest.raises(OperatorError, match="such as songs/907242702"):
        checked_item(text)


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


@pytest.mark.parametrize("text", ["", " \n"])
def test_no_token_is_told_as_none(text: str) -> None:
    with pytest.raises(OperatorError, match="MUSIC_USER_TOKEN is empty"):
        checked_user_token(text, "MUSIC_USER_TOKEN")


@pytest.mark.parametrize("text", ["two words", "a\r\nX: y", "x" * 4097])
def test_what_is_no_token_is_not_sent_nor_quoted(text: str) -> None:
    with pytest.raises(OperatorError, match="is no user token") as refused:
        checked_user_token(text, "MUSIC_USER_TOKEN")
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "short", "made up key of twenty", "made-up-key\r\nX-Other: 1"]
)
def test_what_is_no_api_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(OperatorError, match="API_KEY is no API key") as refused:
        checked_api_key(text)

    assert not text or text not in str(refused.value)


def test_an_api_key_is_taken_without_the_line_end_of_its_file() -> None:
    assert checked_api_key("made-up-api-key-0123456789\n") == "made-up-api-key-0123456789"
