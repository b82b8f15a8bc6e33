"""Errors of the function and of the gateway have Apple's shape, for any bytes on the wire."""

from __future__ import annotations

import pytest

from tests.e2e.running_service import RunningService

ADA = "sample-user-token-ada"
RATINGS = "/v1/me/ratings"
SONG = f"{RATINGS}/library-songs/i.7PJNN4mfXlD68R"


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        (f"{RATINGS}/podcasts/1", 400, "40008"),
        (f"{RATINGS}/library-songs/..", 400, "40008"),
        (f"{RATINGS}/library-songs/%2e%2e", 400, "40008"),
        (f"{RATINGS}/library-songs/i%252E7PJNN4mfXlD68R", 400, "40008"),
        (f"{RATINGS}/library-songs/i.a%2Fb", 400, "40008"),
        (f"{RATINGS}/library-songs/i.a%0d%0aX:%20y", 400, "40008"),
        ("/v1/", 404, "40401"),
        (f"{RATINGS}/songs/1/2", 404, "40401"),
        (f"{RATINGS}/library-songs/../../storefront", 404, "40401"),
        (f"{SONG}?l={'x' * 11_000}", 413, "41390"),
        (f"{SONG}?l={'x' * 66_000}", 413, "41390"),
    ],
)
def test_a_bad_path_or_a_long_query_is_an_error(
    service: RunningService, target: str, status: int, code: str
) -> None:
    response = service.request(target, ADA)
    assert (response.status, response.error_code) == (status, code)


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        *[(token, 401, "40190") for token in (None, "", "two words", "caf\u00e9", "x" * 4_097)],
        ("sample-user-token-eve", 403, "40300"),
    ],
)
def test_a_bad_token_is_rejected(
    service: RunningService, token: str | None, status: int, code: str
) -> None:
    response = service.request(SONG, token)
    assert (response.status, response.error_code) == (status, code)


@pytest.mark.parametrize("name", ["Music-User-Token", "music-user-token"])
def test_a_repeated_token_is_rejected(service: RunningService, name: str) -> None:
    response = service.request(SONG, ADA, (name, ADA))
    assert (response.status, response.error_code) == (401, "40190")


@pytest.mark.parametrize(
    ("method", "status", "code"),
    [("POST", 405, "40590"), ("TRACE", 404, "40401")],
)
def test_a_wrong_method_is_an_error(
    service: RunningService, method: str, status: int, code: str
) -> None:
    response = service.request(SONG, ADA, method=method)
    assert (response.status, response.error_code) == (status, code)
