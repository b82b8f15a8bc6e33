from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial

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
ITEM = "songs/907242702"
ITEM_PATH = f"/v1/me/ratings/{ITEM}"

Change = Callable[[Reply], Reply]

checked_token = partial(checked_user_token, name="MUSIC_USER_TOKEN")


def error(status: int, code: str) -> bytes:
    return json.dumps({"errors": [{"status": str(status), "code": code}]}).encode()


def rating(value: int | None) -> bytes:
    return json.dumps({"data": [{"attributes": {"value": value}}]}).encode()


class FakeService:
    """A service that works, except that `change` alters each response to a GET."""

    def __init__(self, change: Change = lambda reply: reply) -> None:
        self.ratings: dict[str, int | None] = {}
        self.writes: list[str] = []
        self._change = change
        self._requests: list[tuple[str, str]] = []

    def send(self, method: str, path: str, user_token: str | None, value: int | None) -> Reply:
        if method == "GET":
            return self._change(self.get(path, user_token))
        self.writes.append(f"{method} {value}")
        self.ratings[path] = value
        return Reply(status=200, body=rating(value))

    def get(self, path: str, user_token: str | None) -> Reply:
        is_hit = (path, str(user_token)) in self._requests
        self._requests.append((path, str(user_token)))
        headers = {
            "cache-control": "private, no-store",
            "x-request-id": str(len(self._requests)),
            "cache-status": f"apple-music-ratings; {'hit; ttl=60' if is_hit else 'fwd=miss'}",
            "age": "0",
        }
        status, body = 404, error(404, "40400")
        if not path.startswith("/v1/me/ratings/"):
            body = error(404, "40401")
        elif user_token is None:
            status, body = 401, error(401, "40190")
        elif "?ids=" in path:
            status, body = 200, b'{"data": []}'
        elif self.ratings.get(path) is not None:
            status, body = 200, rating(self.ratings[path])
        return Reply(status=status, headers=headers, body=body)


def faults_of_writing(service: FakeService) -> dict[str, str]:
    checks = smoke_write(service.send, user_token=EVE, item=ITEM)
    return {name: fault for name, fault in checks if fault}


def failed(service: FakeService, other_token: str | None = MALLORY) -> dict[str, str]:
    checks = list(
        smoke(service.send, user_token=EVE, other_token=other_token, chance=random.Random(1))
    )
    assert len(checks) == (6 if other_token is None else 7)
    return {name: fault for name, fault in checks if fault}


@pytest.mark.parametrize("other_token", [MALLORY, None])
def test_a_working_service_passes_without_a_write(other_token: str | None) -> None:
    service = FakeService()
    assert failed(service, other_token) == {}
    assert service.writes == []


@pytest.mark.parametrize(
    ("previous", "writes"),
    [(None, ["PUT 1", "DELETE None"]), (1, ["PUT -1", "PUT 1"]), (-1, ["PUT 1", "PUT -1"])],
)
def test_a_rating_is_written_and_the_previous_one_restored(
    previous: int | None, writes: list[str]
) -> None:
    service = FakeService()
    service.ratings = {ITEM_PATH: previous}
    assert faults_of_writing(service) == {}
    assert (service.writes, service.ratings[ITEM_PATH]) == (writes, previous)


def test_a_write_that_is_not_applied_is_detected() -> None:
    service = FakeService(lambda reply: replace(reply, body=b"{}"))
    assert list(faults_of_writing(service)) == ["the written rating is read"]


def test_the_previous_rating_is_restored_even_if_the_service_fails_in_between() -> None:
    def fail_after_a_write(reply: Reply) -> Reply:
        if service.writes:
            raise OperatorError("unreachable")
        return reply

    service = FakeService(fail_after_a_write)
    with pytest.raises(OperatorError):
        faults_of_writing(service)
    assert service.writes == ["PUT 1", "DELETE None"]


def test_nothing_is_written_if_the_previous_rating_cannot_be_read() -> None:
    service = FakeService(lambda reply: replace(reply, status=502, body=error(502, "50290")))
    assert list(faults_of_writing(service)) == ["the previous rating is read"]
    assert service.writes == []


def test_a_service_that_mixes_up_users_is_detected() -> None:
    class MixingService(FakeService):
        def get(self, path: str, user_token: str | None) -> Reply:
            return super().get(path, None if user_token is None else EVE)

    assert list(failed(MixingService())) == ["another user does not get the cached rating"]


def with_header(name: str, value: str | None) -> Change:
    def change(reply: Reply) -> Reply:
        headers = {**reply.headers, name: value or ""}
        if value is None:
            del headers[name]
        return replace(reply, headers=headers)

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (with_header("cache-control", None), "every response has `no-store`"),
        (with_header("x-request-id", "the same"), "X-Request-Id is not unique"),
        (with_header("age", None), "the second read is a cache hit"),
        (
            with_header("cache-status", "apple-music-ratings; fwd=miss"),
            "the second read is a cache hit: Cache-Status is fwd=miss; the cache stores nothing",
        ),
        (lambda reply: replace(reply, body=b"<html>"), "a list of ratings is read"),
        (lambda reply: replace(reply, body=b"<html>"), "a missing user token is rejected"),
        (lambda reply: replace(reply, status=200), "an unknown path is rejected: status 200"),
        (
            lambda reply: replace(reply, status=503, body=error(503, "50390")),
            "a rating is read: status 503 (50390): the service has no working developer token",
        ),
        (lambda reply: replace(reply, status=502, body=error(502, EVE)), "status 502 (no code)"),
    ],
)
def test_a_wrong_response_is_detected_and_explained(change: Change, expected: str) -> None:
    found = "\n".join(f"{name}: {fault}" for name, fault in failed(FakeService(change)).items())
    assert expected in found
    assert EVE not in found


@pytest.mark.parametrize(
    "url", ["http://api.example", "api.example", "ftp://127.0.0.1", "https://"]
)
def test_a_token_is_sent_only_with_tls_or_on_this_machine(url: str) -> None:
    with pytest.raises(OperatorError, match="https://"):
        HttpService(url)


@pytest.mark.parametrize(
    "text", ["", "songs", "songs/", "songs/..", "songs/../x", "/songs/1", "songs/1?l=de"]
)
def test_an_invalid_item_is_rejected(text: str) -> None:
    with pytest.raises(OperatorError, match="such as songs/907242702"):
        checked_item(text)


@pytest.mark.parametrize(
    ("checked", "text", "expected"),
    [
        (checked_token, " \n", "MUSIC_USER_TOKEN is empty"),
        (checked_token, "two words", "MUSIC_USER_TOKEN is not a user token"),
        (checked_token, "a\r\nX: y", "MUSIC_USER_TOKEN is not a user token"),
        (checked_token, "x" * 4097, "MUSIC_USER_TOKEN is not a user token"),
        (checked_api_key, "short", "API_KEY is not an API key"),
        (checked_api_key, "made up key of twenty", "API_KEY is not an API key"),
        (checked_api_key, "made-up-key\r\nX-Other: 1", "API_KEY is not an API key"),
    ],
)
def test_an_invalid_token_or_key_is_rejected_and_not_quoted(
    checked: Callable[[str], str], text: str, expected: str
) -> None:
    with pytest.raises(OperatorError, match=expected) as raised:
        checked(text)
    assert text not in str(raised.value)


def test_the_line_end_after_an_api_key_is_removed() -> None:
    assert checked_api_key("made-up-api-key-0123456789\n") == "made-up-api-key-0123456789"
