"""No user ever sees what Apple said to another, whatever happens in whatever order."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytest

from functions.ratings.api_gateway import ApiRequest
from functions.ratings.deadline import Deadline
from functions.ratings.errors import (
    AppleAnswerUnusableError,
    AppleTooSlowError,
    DeveloperTokenRefusedError,
    RatingsError,
    UserTokenRefusedError,
)
from functions.ratings.models import (
    NOT_RATED,
    MusicUserToken,
    QueryOptions,
    Rating,
    RatingKey,
    RatingValue,
    Written,
)
from functions.ratings.refused_tokens import RefusedTokens
from functions.ratings.response_cache import DynamoDBResponseCache
from functions.ratings.routes import COLLECTION_RESOURCE, ITEM_RESOURCE, Routes
from functions.ratings.service import RatingsService
from tests.contracts.response_cache import POLICY
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.observer import CacheMayNotFail

RUNS = 2000
REQUESTS = 12
USERS = ("ada", "grace", "joan")
ITEMS = (("library-songs", "i.a"), ("library-songs", "i.b"), ("songs", "1"), ("songs", "2"))
CANARY = re.compile(r"canary of (\w+) for ([\w.]+)")

Operation = Literal["get", "get many", "put", "delete"]


class CanaryApple:
    """Gives each user and id a canary, and now and then fails, refuses or mumbles."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.values: dict[tuple[str, RatingKey], RatingValue | None] = {}
        self.trouble: RatingsError | None = None
        self.mumbles = False

    def allow(self, deadline: Deadline) -> None:
        """Never hinder a request."""

    def get_one(
        self,
        token: MusicUserToken,
        key: RatingKey,
        options: QueryOptions,
        deadline: Deadline,
        *,
        stand_in: bool,
    ) -> Rating:
        self._raise_trouble()
        return self._rating(token, key)

    def get_many(
        self,
        token: MusicUserToken,
        keys: Sequence[RatingKey],
        options: QueryOptions,
        deadline: Deadline,
        *,
        stand_in: bool,
    ) -> Mapping[RatingKey, Rating]:
        self._raise_trouble()
        return {key: self._rating(token, key) for key in keys}

    def put(
        self,
        token: MusicUserToken,
        key: RatingKey,
        value: RatingValue,
        options: QueryOptions,
        deadline: Deadline,
    ) -> Written:
        return self._write(token, key, value)

    def delete(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> Written:
        return self._write(token, key, None)

    def value(self, user: str, key: RatingKey) -> RatingValue | None:
        if (user, key) not in self.values:
            self.values[user, key] = self._chance.choice((1, -1, None))
        return self.values[user, key]

    def _write(self, token: MusicUserToken, key: RatingKey, value: RatingValue | None) -> Written:
        self._raise_trouble()
        self.values[token.value, key] = value
        return Written(rating=None if self.mumbles else self._rating(token, key))

    def _rating(self, token: MusicUserToken, key: RatingKey) -> Rating:
        value = self.value(token.value, key)
        if value is None:
            return NOT_RATED
        resource = {
            "id": key.id,
            "type": "ratings",
            "attributes": {"value": value},
            "canary": f"canary of {token.value} for {key.id}",
        }
        return Rating(json.dumps(resource))

    def _raise_trouble(self) -> None:
        if self.trouble is not None:
            raise self.trouble


class Run:
    """One backend, several users, and a random life."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._clock = FakeClock()
        self.apple = CanaryApple(self._chance)
        service = RatingsService(
            cache=DynamoDBResponseCache(client=FakeDynamoDB(), table_name="ratings", policy=POLICY),
            upstream=self.apple,
            policy=POLICY,
            clock=self._clock,
            refused_tokens=RefusedTokens(self._clock),
            observer=CacheMayNotFail(),
        )
        self._routes = Routes(service)

    def live(self) -> None:
        for _ in range(REQUESTS):
            self._clock.advance(self._chance.choice((0, 0, 1, 10, 70, 4000)))
            self.apple.trouble = self._chance.choice((None, None, None, *TROUBLES))
            self.apple.mumbles = self._chance.random() < 0.2
            self._ask(
                self._chance.choice(USERS),
                self._chance.choice(("get", "get", "get many", "put", "delete")),
            )

    def _ask(self, user: str, operation: Operation) -> None:
        type_name, item_id = self._chance.choice(ITEMS)
        ids = [item_id]
        if operation == "get many":
            ids = [other for name, other in ITEMS if name == type_name]
        status, body = self._answer(user, operation, type_name, ids)

        told = CANARY.findall(body)
        assert all(owner == user and item in ids for owner, item in told), (user, body)
        if status == 200 and operation in ("get", "get many") and self.apple.trouble is None:
            resources = {resource["id"]: resource for resource in json.loads(body)["data"]}
            for asked in ids:
                truth = self.apple.value(user, RatingKey(type=type_name, id=asked))
                assert resources.get(asked, NO_VALUE)["attributes"]["value"] == truth

    def _answer(
        self, user: str, operation: Operation, type_name: str, ids: list[str]
    ) -> tuple[int, str]:
        many = operation == "get many"
        request = ApiRequest.from_event(
            {
                "resource": COLLECTION_RESOURCE if many else ITEM_RESOURCE,
                "httpMethod": operation.split()[0].upper(),
                "pathParameters": {"type": type_name, "id": ids[0]},
                "multiValueHeaders": {"Music-User-Token": [user]},
                "multiValueQueryStringParameters": {"ids": [",".join(ids)]} if many else None,
                "body": json.dumps(
                    {"type": "rating", "attributes": {"value": self._chance.choice((1, -1))}}
                ),
            },
            fallback_request_id="request-1",
        )
        answer = self._routes.answer(request, Deadline.after(6, self._clock))
        return answer.status, answer.body


NO_VALUE: Mapping[str, Any] = {"attributes": {"value": None}}
TROUBLES = (
    AppleTooSlowError("told to"),
    AppleAnswerUnusableError("told to"),
    UserTokenRefusedError("told to"),
    DeveloperTokenRefusedError("told to"),
)


@pytest.mark.parametrize("block", range(20))
def test_no_user_sees_anothers_rating_nor_an_old_one_of_their_own(block: int) -> None:
    for seed in range(block * RUNS // 20, (block + 1) * RUNS // 20):
        Run(seed).live()
