"""Whatever the gateway hands over, the answer is one of the contract's and Apple's host is safe."""

import json
import re
import string
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.ratings.api_gateway import ApiRequest
from functions.ratings.apple_music import AppleRequest
from functions.ratings.deadline import Deadline
from functions.ratings.models import RATING_TYPES
from functions.ratings.refused_tokens import RefusedTokens
from functions.ratings.response_cache import DynamoDBResponseCache
from functions.ratings.retrying import RetryingExchange
from functions.ratings.routes import COLLECTION_RESOURCE, ITEM_RESOURCE, Routes
from functions.ratings.service import RatingsService
from functions.ratings.upstream import Upstream
from tests.contracts.response_cache import POLICY
from tests.fakes.apple_music import FakeExchange, answer
from tests.fakes.developer_tokens import FakeDeveloperTokens
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.observer import CacheMayNotFail

APPLES_PATHS = re.compile(r"/v1/me/ratings/[a-z-]+(/[A-Za-z0-9._-]+)?|/v1/test", re.ASCII)
APPLES_VALUES = re.compile(r"[A-Za-z0-9._,-]+", re.ASCII)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)
ids = st.sampled_from(
    [
        "i.a",
        "907242702",
        "pl.u-a",
        "ra.q-M_c.d",
        "ra.a..b",
        "i%2Ea",
        "..",
        "i.a/b",
        "%2e%2e",
        "i.a\n",
    ]
)
ids |= st.text(string.printable + "é٣\u2028\x00", max_size=70)
tokens = st.sampled_from(["ada", "a,b", "a b", "a\r\nX: y", "é", ""]) | st.text(max_size=30)
bodies = st.sampled_from(["{}", "[" * 900]) | st.text(max_size=50)


def mostly(good: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Something good, and now and then something odd: what is odd in every way gets nowhere."""
    return st.integers(0, 7).flatmap(lambda number: odd if number == 7 else good)


def query(*good: str) -> st.SearchStrategy[Any]:
    odd = ids.map(lambda value: [value]) | st.lists(ids, max_size=2)
    return mostly(st.sampled_from([[value] for value in good]), odd)


types = st.sampled_from(sorted(RATING_TYPES))
events = st.fixed_dictionaries(
    {
        "resource": mostly(st.sampled_from([ITEM_RESOURCE, COLLECTION_RESOURCE]), anything),
        "httpMethod": mostly(
            st.sampled_from(["GET", "PUT", "DELETE"]), st.sampled_from(["POST", "HEAD"]) | anything
        ),
        "pathParameters": mostly(
            st.fixed_dictionaries(
                {
                    "type": mostly(st.just("library-songs"), types | anything),
                    "id": mostly(st.just("i.a"), ids | anything),
                }
            ),
            anything,
        ),
        "headers": mostly(
            st.just({"Music-User-Token": "ada"}),
            st.dictionaries(st.sampled_from(["Music-User-Token", "x"]), tokens) | anything,
        ),
        "multiValueHeaders": mostly(
            st.sampled_from([{"Music-User-Token": ["ada"]}, None]),
            st.dictionaries(
                st.sampled_from(["Music-User-Token", "music-user-token"]),
                st.lists(tokens, max_size=2),
            )
            | anything,
        ),
        "multiValueQueryStringParameters": mostly(
            st.fixed_dictionaries(
                {"ids": query("i.a", "i.a,i.b")},
                optional={
                    "l": query("de"),
                    "include": query("content"),
                    "extend": query("artistUrl"),
                },
            ),
            anything,
        ),
        "body": mostly(st.just('{"type":"rating","attributes":{"value":1}}'), bodies | anything),
        "isBase64Encoded": mostly(st.sampled_from([False, None]), st.booleans() | anything),
    },
    optional={"requestContext": anything},
)


@pytest.mark.long
def test_every_event_has_an_answer_and_no_strange_call_follows() -> None:
    asked: list[AppleRequest] = []

    @settings(max_examples=2000, deadline=None)
    @given(event=events | anything)
    def holds_for(event: Any) -> None:
        apple = FakeExchange(answer(404))
        request = ApiRequest.from_event(event, fallback_request_id="lambda-1")

        proxy = routes(apple).answer(request, Deadline.after(6, time)).to_proxy(request.request_id)

        assert proxy["statusCode"] in (200, 204, 400, 401, 404, 405)
        assert proxy["statusCode"] == 204 or json.loads(proxy["body"])
        assert proxy["headers"]["Cache-Control"] == "private, no-store"
        assert proxy["headers"]["X-Request-Id"]
        asked.extend(apple.requests)

    holds_for()

    assert {request.method for request in asked} == {"GET", "PUT", "DELETE"}
    assert len(asked) > 100, "else the events are too odd to tell"
    for request in asked:
        assert APPLES_PATHS.fullmatch(request.path)
        assert ".." not in f"{request.path}{request.query}"
        assert all(APPLES_VALUES.fullmatch(value) for value in request.query.values())


def routes(apple: FakeExchange) -> Routes:
    observer = CacheMayNotFail()
    return Routes(
        RatingsService(
            cache=DynamoDBResponseCache(client=FakeDynamoDB(), table_name="ratings", policy=POLICY),
            upstream=Upstream(
                exchange=RetryingExchange(
                    apple,
                    clock=time,
                    sleep=lambda _: None,
                    chance=lambda: 0.0,
                    observer=observer,
                ),
                developer_tokens=FakeDeveloperTokens(),
                clock=time,
            ),
            policy=POLICY,
            clock=time,
            refused_tokens=RefusedTokens(time),
            observer=observer,
        )
    )
