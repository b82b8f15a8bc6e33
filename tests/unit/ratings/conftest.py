from enum import Enum
from functools import partial

import pytest

from functions.ratings.api.gateway import ApiRequest
from functions.ratings.cache.status import CacheStatus
from functions.ratings.errors import RatingsError
from functions.ratings.models import ReadRequest, WriteRequest
from functions.shared.http.messages import Response, TransportError
from tests.fakes.ratings_function import ADA, GRACE, SONG, InMemoryFunction


def pytest_make_parametrize_id(val: object) -> str | None:
    """Describe the parameters that pytest would only number."""
    described = None
    match val:
        case Enum():
            described = val.name
        case ApiRequest():
            described = f"{val.method} {val.resource}"
        case ReadRequest():
            described = "GET list" if val.is_list else "GET"
        case WriteRequest():
            described = "DELETE" if val.value is None else "PUT"
        case Response():
            body = b"unreadable" if val.body is None else val.body
            described = f"{val.status} {body[:40].decode('latin-1')}".strip()
        case TransportError() | RatingsError():
            described = type(val).__name__
        case partial(args=(partial(keywords=world), *kinds)):
            options = {**world, **val.keywords}.items()
            described = ", ".join([*kinds, *(f"{name} {each}" for name, each in options if each)])
        case CacheStatus() | dict() | list() | tuple():
            described = str(val)[:60]
    return described


@pytest.fixture
def function() -> InMemoryFunction:
    """Ada likes four songs, Grace dislikes one of them."""
    function = InMemoryFunction()
    for item_id in ("i.a", "i.b", "i.c", "i.d"):
        function.apple.rate(ADA.value, item_id, 1)
    function.apple.rate(GRACE.value, SONG.id, -1)
    return function
