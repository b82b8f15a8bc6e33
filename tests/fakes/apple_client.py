"""Calls an AppleClient; tests script Apple's responses."""

from __future__ import annotations

from typing import Final

import pytest

from functions.ratings.errors import RatingsError
from functions.ratings.models import QueryOptions, ReadRequest, WriteRequest
from functions.shared.deadline import Deadline
from functions.shared.http.messages import Response, TransportError
from tests.fakes.apple_music import response
from tests.fakes.ratings_function import ADA, SONG, InMemoryFunction, developer_jwt

Result = Response | TransportError

NEW_JWT: Final = developer_jwt("two")
GET: Final = ReadRequest(token=ADA, keys=(SONG,), options=QueryOptions(language="de"))
PUT: Final = WriteRequest(token=ADA, key=SONG, value=-1, language="de")
PAGE: Final = response(200, "<html>", content_type="text/html")


def environment(*script: Result, retries: bool = False) -> InMemoryFunction:
    """Return an environment; without `retries`, its retry budget is spent."""
    function = InMemoryFunction()
    function.apple.respond_with(*script)
    while not retries and function.resilient_client.budget.spend():
        pass
    return function


def renewed(*script: Result, retries: bool = False) -> InMemoryFunction:
    """Return an environment whose secret changed to `NEW_JWT` after it read the secret."""
    function = environment(response(404), retries=retries)
    call(function)
    function.apple.requests.clear()
    function.apple.respond_with(*script)
    function.secret.text = NEW_JWT
    function.clock.advance(10)
    return function


def call(function: InMemoryFunction, request: ReadRequest | WriteRequest = GET) -> object:
    deadline = Deadline.after(6, function.clock)
    if isinstance(request, WriteRequest):
        return function.client.write(request, deadline)
    return function.client.read(request, deadline, has_stale=False)


def failure(
    function: InMemoryFunction, error: type[RatingsError], request: ReadRequest | WriteRequest = GET
) -> RatingsError:
    """Expect a call to fail with this error, and return it."""
    with pytest.raises(error) as raised:
        call(function, request)
    assert type(raised.value) is error
    return raised.value
