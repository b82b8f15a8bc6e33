"""What a client gets wrong is told in Apple's error shape, by the function or by the gateway."""

from __future__ import annotations

import pytest

from tests.e2e.local_service import LocalService

ADA = "sample-user-token-ada"
RATINGS = "/v1/me/ratings"
SONG = f"{RATINGS}/library-songs/i.7PJNN4mfXlD68R"


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        (f"{RATINGS}/podcasts/1", 400, "40008"),
        (f"{RATINGS}/Library-songs/i.7PJNN4mfXlD68R", 400, "40008"),
        (f"{RATINGS}/songs/i.7PJNN4mfXlD68R", 400, "40090"),
        (f"{RATINGS}/library-songs/l.qrRWYhq", 400, "40090"),
        (f"{RATINGS}/library-songs/..", 400, "40090"),
        (f"{RATINGS}/library-songs/%2e%2e", 400, "40090"),
        (f"{RATINGS}/library-songs/i%252E7PJNN4mfXlD68R", 400, "40090"),
        (f"{RATINGS}/library-songs/i.a%2Fb", 400, "40090"),
        (f"{RATINGS}/library-songs/i.a%0d%0aX:%20y", 400, "40090"),
        (f"{RATINGS}/library-songs/i.a%0a", 400, "40090"),
        (f"{RATINGS}/library-songs/i.%D9%A1", 400, "40090"),
        (f"{RATINGS}/songs/{'1' * 21}", 400, "40090"),
        ("/", 404, "40401"),
        ("/v1/test", 404, "40401"),
        (f"{RATINGS}/songs/1/2", 404, "40401"),
        (f"{RATINGS}/library-songs/../../storefront", 404, "40401"),
        (f"{SONG}?l={'x' * 11_000}", 413, "41390"),
    ],
)
def test_a_bad_path(service: LocalService, target: str, status: int, code: str) -> None:
    reply = service.ask(target, ADA)
    assert (reply.status, reply.error_code) == (status, code)


@pytest.mark.parametrize("token", ["", "two words", "a,b", "caf\u00e9", "x" * 4_097])
def test_a_malformed_token(service: LocalService, token: str) -> None:
    reply = service.ask(SONG, token)
    assert (reply.status, reply.error_code) == (401, "40190")


def test_no_token(service: LocalService) -> None:
    reply = service.ask(SONG)
    assert (reply.status, reply.error_code) == (401, "40190")


@pytest.mark.parametrize("name", ["Music-User-Token", "music-user-token"])
def test_a_repeated_token(service: LocalService, name: str) -> None:
    reply = service.ask(SONG, ADA, (name, ADA))
    assert (reply.status, reply.error_code) == (401, "40190")


@pytest.mark.parametrize("method", ["POST", "PATCH", "OPTIONS"])
def test_a_wrong_method_is_told_the_right_ones(service: LocalService, method: str) -> None:
    reply = service.ask(SONG, ADA, method=method)
    assert (reply.status, reply.error_code) == (405, "40590")
    assert "GET" in reply.headers["Allow"]


def test_a_head_request_gets_no_body(service: LocalService) -> None:
    reply = service.ask(SONG, ADA, method="HEAD")
    assert (reply.status, reply.body) == (405, b"")


def test_a_method_that_the_gateway_lacks(service: LocalService) -> None:
    reply = service.ask(SONG, ADA, method="TRACE")
    assert (reply.status, reply.error_code) == (404, "40401")


def test_a_body_over_ten_megabytes(service: LocalService) -> None:
    reply = service.ask(SONG, ADA, method="PUT", body=b"x" * (10 * 1024 * 1024 + 1))
    assert (reply.status, reply.error_code) == (413, "41390")
