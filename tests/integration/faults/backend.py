"""The service as deployed but for its table, with Apple on a real socket."""

from __future__ import annotations

import json
import time

from functions.ratings.api_gateway import Answer, ApiRequest
from functions.ratings.apple_music import AppleMusic
from functions.ratings.cache_policy import CachedRating
from functions.ratings.deadline import Deadline
from functions.ratings.models import MusicUserToken, Rating
from functions.ratings.refused_tokens import RefusedTokens
from functions.ratings.response_cache import DynamoDBResponseCache
from functions.ratings.retrying import RetryingExchange
from functions.ratings.routes import COLLECTION_RESOURCE, ITEM_RESOURCE, Routes
from functions.ratings.service import RatingsService
from functions.ratings.upstream import Upstream
from tests.contracts.response_cache import POLICY
from tests.fakes.developer_tokens import FakeDeveloperTokens
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.observer import CacheMayNotFail
from tests.integration.faults.apple_behaviours import (
    ADA,
    AGES,
    DEADLINE_SECONDS,
    SONG,
    State,
    resource,
)


class Backend:
    """Everything but DynamoDB as deployed, with Apple at `url`."""

    def __init__(self, url: str, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._deadline_seconds = deadline_seconds
        self.cache = DynamoDBResponseCache(
            client=FakeDynamoDB(), table_name="ratings", policy=POLICY
        )
        self._apple = AppleMusic(url, clock=time)
        self.observer = CacheMayNotFail()
        exchange = RetryingExchange(
            self._apple, clock=time, sleep=time.sleep, chance=lambda: 0.1, observer=self.observer
        )
        self._routes = Routes(
            RatingsService(
                cache=self.cache,
                upstream=Upstream(
                    exchange=exchange, developer_tokens=FakeDeveloperTokens(), clock=time
                ),
                policy=POLICY,
                clock=time,
                refused_tokens=RefusedTokens(time),
                observer=self.observer,
            )
        )

    def hold(self, state: State, token: MusicUserToken = ADA) -> None:
        if state == "nothing cached":
            return
        cached = CachedRating(
            rating=Rating(json.dumps(resource())),
            requested_at=time.time() - AGES[state],
            generation=None,
        )
        self.cache.store(token.owner, {SONG: cached})

    def get(self, token: MusicUserToken = ADA) -> Answer:
        return self._answer("GET", token)

    def get_many(self, *ids: str) -> Answer:
        return self._answer("GET", ADA, resource=COLLECTION_RESOURCE, ids=ids)

    def write(self, method: str) -> Answer:
        body = json.dumps({"type": "rating", "attributes": {"value": 1}})
        return self._answer(method, ADA, body if method == "PUT" else None)

    def close(self) -> None:
        self._apple.close()

    def _answer(
        self,
        method: str,
        token: MusicUserToken,
        body: str | None = None,
        *,
        resource: str = ITEM_RESOURCE,
        ids: tuple[str, ...] = (),
    ) -> Answer:
        event = {
            "resource": resource,
            "queryStringParameters": {"ids": ",".join(ids)},
            "httpMethod": method,
            "pathParameters": {"type": SONG.type, "id": SONG.id},
            "multiValueHeaders": {"Music-User-Token": [token.value]},
            "body": body,
        }
        request = ApiRequest.from_event(event, fallback_request_id="request-1")
        return self._routes.answer(request, Deadline.after(self._deadline_seconds, time))
