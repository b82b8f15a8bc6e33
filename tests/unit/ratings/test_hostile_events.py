"""Whatever the gateway hands over, the answer is one of the contract's and Apple's host is safe."""

import json
import re
import string
import time
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.ratings.api_gateway import ApiRequest
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

APPLES_PATHS = re.compile(r"/v1/me/ratings/[a-z-]+(/[A-Za-z0-9.-]+)?|/v1/test", re.ASCII)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)
ids = st.sampled_from(["i.a", "907242702", "pl.u-a", "..", "i.a/b", "%2e%2e", "i.a\n"])
ids |= st.text(string.printable + "é٣\u2028\x00", max_size=70)
tokens = st.sampled_from(["ada", "a,b", "a b", "a\r\nX: y", "é", ""]) | st.text(max_size=30)
bodies = st.sampled_from(['{"type":"rating","attributes":{"value":1}}', "{}", "[" * 900])
events = st.fixed_dictionaries(
    {},
    optional={
        "resource": st.sampled_from([ITEM_RESOURCE, COLLECTION_RESOURCE]) | anything,
        "httpMethod": st.sampled_from(["GET", "PUT", "DELETE", "POST", "HEAD"]) | anything,
        "pathParameters": st.fixed_dictionaries(
            {}, optional={"type": st.sampled_from(sorted(RATING_TYPES)) | anything, "id": ids}
        )
        | anything,
        "headers": st.dictionaries(st.sampled_from(["Music-User-Token", "x"]), tokens) | anything,
        "multiValueHeaders": st.dictionaries(
            st.sampled_from(["Music-User-Token", "music-user-token"]),
            st.lists(tokens, max_size=2),
        )
        | anything,
        "multiValueQueryStringParameters": st.dictionaries(
            st.sampled_from(["ids", "l", "include", "extend"]), st.lists(ids, max_size=2)
        )
        | anything,
        "requestContext": anything,
        "body": bodies | st.text(max_size=50) | anything,
        "isBase64Encoded": st.booleans() | anything,
    },
)


@settings(max_examples=2000, deadline=None)
@given(event=events | anything)
def test_every_event_has_an_answer_and_no_strange_call_follows(event: Any) -> None:
    apple, observer = FakeExchange(answer(404)), CacheMayNotFail()
    routes = Routes(
        RatingsService(
            cache=DynamoDBResponseCache(
                client=cast("Any", FakeDynamoDB()), table_name="ratings", policy=POLICY
            ),
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
    request = ApiRequest.from_event(event, fallback_request_id="lambda-1")

    proxy = routes.answer(request, Deadline.after(6, time)).to_proxy(request.request_id)

    assert proxy["statusCode"] in (200, 204, 400, 401, 404, 405)
    assert proxy["statusCode"] == 204 or json.loads(proxy["body"])
    assert proxy["headers"]["Cache-Control"] == "private, no-store"
    assert proxy["headers"]["X-Request-Id"]
    for asked in apple.requests:
        assert APPLES_PATHS.fullmatch(asked.path)
        assert all("\r" not in value and "\n" not in value for value in asked.query.values())
