"""`make run` returns developer tokens to apps, and to pages of listed origins."""

from __future__ import annotations

from datetime import datetime

import jwt
import pytest

from tests.api_client import SIGN_IN_PATH
from tests.e2e.running_service import RunningService

PAGE = "http://localhost:5173"


@pytest.mark.parametrize(("headers", "origin"), [((), None), ((("Origin", PAGE),), [PAGE])])
def test_an_app_and_a_page_of_a_listed_origin_get_a_token_for_15_minutes(
    service: RunningService, headers: tuple[tuple[str, str], ...], origin: list[str] | None
) -> None:
    response = service.request(SIGN_IN_PATH, None, *headers)

    assert response.status == 200
    claims = jwt.decode(response.document["token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 900
    assert claims.get("origin") == origin
    assert datetime.fromisoformat(response.document["expiresAt"]).timestamp() == claims["exp"]
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["Access-Control-Allow-Origin"] == (PAGE if headers else None)


@pytest.mark.parametrize("origin", ["https://app.example", "null", "http://localhost:1"])
def test_a_page_of_an_unlisted_origin_gets_no_token(service: RunningService, origin: str) -> None:
    response = service.request(SIGN_IN_PATH, None, ("Origin", origin))

    assert (response.status, response.error_code) == (403, "40391")
    assert response.headers["X-Request-Id"] == response.error["id"]
    assert response.headers["Access-Control-Allow-Origin"] is None
