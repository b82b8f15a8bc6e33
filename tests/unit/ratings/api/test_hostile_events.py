"""For any event, the response matches the contract, and calls to Apple are valid."""

import json
import re
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.ratings.api.gateway import ApiRequest
from functions.ratings.api.routes import COLLECTION_RESOURCE, ITEM_RESOURCE
from functions.ratings.models import RATING_TYPES
from functions.shared.deadline import Deadline
from functions.shared.http.messages import Request
from tests.fakes.apple_music import response
from tests.fakes.observer import CacheMustNotFail
from tests.fakes.ratings_function import InMemoryFunction

VALID_TARGETS = re.compile(
    r"(/v1/me/ratings/[a-z-]+(/[A-Za-z0-9._-]+)?|/v1/test)(\?[a-z]+=[\w.,-]+(&[a-z]+=[\w.,-]+)*)?",
    re.ASCII,
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)
ids = st.sampled_from(["i.a", "1", "ra.q-M_c.d", "ra.a..b", "i%2Ea", "..", "i.a/b", "i.a\n"])
ids |= st.text(string.printable + "é٣\u2028\x00", max_size=70)
tokens = st.sampled_from(["ada", "a,b", "a b", "a\r\nX: y", "é", ""]) | st.text(max_size=30)
bodies = st.sampled_from(["{}", "[" * 900]) | st.text(max_size=50)


def mostly(
    valid: st.SearchStrategy[Any], hostile: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    """Draw a hostile part in one of eight cases, so that many events are valid as a whole."""
    return st.integers(0, 7).flatmap(lambda number: hostile if number == 7 else valid)


def query(*valid: str) -> st.SearchStrategy[Any]:
    hostile = ids.map(lambda value: [value]) | st.lists(ids, max_size=2)
    return mostly(st.sampled_from([[value] for value in valid]), hostile)


header_names = st.sampled_from(["Music-User-Token", "music-user-token", "x"])
path_parameters = st.fixed_dictionaries(
    {
        "type": mostly(st.just("library-songs"), st.sampled_from(sorted(RATING_TYPES)) | anything),
        "id": mostly(st.just("i.a"), ids | anything),
    }
)
query_parameters = st.fixed_dictionaries(
    {"ids": query("i.a", "i.a,i.b")},
    optional={
        "ids[]": query("i.c"),
        "l": query("de"),
        "include": query("content"),
        "extend": query("artistUrl"),
    },
)
events = st.fixed_dictionaries(
    {
        "resource": mostly(st.sampled_from([ITEM_RESOURCE, COLLECTION_RESOURCE]), anything),
        "httpMethod": mostly(
            st.sampled_from(["GET", "PUT", "DELETE"]), st.sampled_from(["POST", "HEAD"]) | anything
        ),
        "pathParameters": mostly(path_parameters, anything),
        "headers": mostly(
            st.just({"Music-User-Token": "ada"}), st.dictionaries(header_names, tokens) | anything
        ),
        "multiValueHeaders": mostly(
            st.sampled_from([{"Music-User-Token": ["ada"]}, None]),
            st.dictionaries(header_names, st.lists(tokens, max_size=2)) | anything,
        ),
        "multiValueQueryStringParameters": mostly(query_parameters, anything),
        "body": mostly(st.just('{"type":"rating","attributes":{"value":1}}'), bodies | anything),
        "isBase64Encoded": mostly(st.sampled_from([False, None]), st.booleans() | anything),
    },
    optional={"requestContext": anything},
)


@pytest.mark.long
def test_every_event_gets_a_response_and_only_valid_requests_reach_apple() -> None:
    sent: list[Request] = []

    @settings(max_examples=2000, deadline=None)
    @given(event=events | anything)
    def holds_for(event: Any) -> None:
        function = InMemoryFunction(observer=CacheMustNotFail())
        function.apple.respond_with(response(404))
        request = ApiRequest.from_event(event, fallback_request_id="lambda-1")
        deadline = Deadline.after(6, function.clock)

        proxy = function.routes.respond(request, deadline).to_proxy(request.request_id)

        assert proxy["statusCode"] in (200, 204, 400, 401, 404, 405)
        assert proxy["statusCode"] == 204 or json.loads(proxy["body"])
        assert proxy["headers"]["Cache-Control"] == "private, no-store"
        assert proxy["headers"]["X-Request-Id"]
        sent.extend(function.apple.requests)

    holds_for()

    assert {request.method for request in sent} == {"GET", "PUT", "DELETE"}
    assert len(sent) > 100, "too few events are valid"
    for request in sent:
        assert VALID_TARGETS.fullmatch(request.target)
        assert ".." not in request.target
