"""No user sees a rating of another user, with any failures in any order."""

import json
import random
from contextlib import suppress
from typing import Final

import pytest

from functions.ratings import errors
from functions.ratings.models import BARE, MusicUserToken, QueryOptions, Rating, RatingKey
from tests.fakes.apple_music import FakeAppleMusic, Value, response
from tests.fakes.observer import CacheMustNotFail
from tests.fakes.ratings_function import InMemoryFunction, developer_jwt

RUNS: Final = 2000
REQUESTS: Final = 12
TOKENS: Final = [developer_jwt(str(number)) for number in range(REQUESTS)]
USERS: Final[dict[str, Value]] = {"ada": 1, "grace": -1, "joan": None}
"""Each user rates with this value only, so that another user's rating is recognised."""

ITEMS: Final = {"library-songs": ("i.a", "i.b"), "songs": ("1", "2")}
FAILURES: Final = (
    errors.AppleTimeoutError,
    errors.InvalidAppleResponseError,
    errors.UserTokenRejectedError,
    errors.DeveloperTokenRejectedError,
)


class Run:
    """One environment, several users, and random requests and failures."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._apple = FakeAppleMusic()
        self._function = InMemoryFunction(apple=self._apple, observer=CacheMustNotFail())
        for user, value in USERS.items():
            for item_id in (*ITEMS["songs"], *ITEMS["library-songs"]):
                self._apple.rate(user, item_id, self._chance.choice((value, None)))

    def run(self) -> None:
        for number in range(REQUESTS):
            self._function.secret.text = TOKENS[number]  # a token that Apple has not rejected
            self._apple.clock.advance(self._chance.choice((0, 0, 1, 10, 70, 4000)))
            self._apple.fail_with(self._chance.choice((None, None, None, *FAILURES)))
            user, type_name = self._chance.choice(tuple(USERS)), self._chance.choice(tuple(ITEMS))
            item_id = self._chance.choice(ITEMS[type_name])
            with suppress(errors.RatingsError):
                match self._chance.choice(("read", "read", "read list", "write")):
                    case "write":
                        self._write(user, RatingKey(type=type_name, id=item_id))
                    case "read":
                        self._read(user, type_name, item_id)
                    case _:
                        self._read(user, type_name, *ITEMS[type_name])

    def _read(self, user: str, type_name: str, *ids: str) -> None:
        options = self._chance.choice((BARE, BARE, BARE, QueryOptions(include="content")))
        result = self._function.read(
            *ids, token=MusicUserToken(user), type_name=type_name, options=options
        )
        if result.error is None:
            assert len(result.ratings) == len(ids)
            for item_id, rating in zip(ids, result.ratings, strict=True):
                self._check(user, item_id, rating)

    def _write(self, user: str, key: RatingKey) -> None:
        value = self._chance.choice((USERS[user], None))
        is_unclear = self._chance.random() < 0.2
        if is_unclear:
            self._apple.respond_with(response(200, "an unclear response"))
        written = self._function.write(value, token=MusicUserToken(user), key=key)
        if is_unclear:
            self._apple.rate(user, key.id, value)
        self._check(user, key.id, written)

    def _check(self, user: str, item_id: str, rating: Rating) -> None:
        assert (rating.value or None) == self._apple.value(user, item_id)
        if rating.is_rated:
            resource = json.loads(rating.resource)
            assert (resource["id"], resource["attributes"]) == (item_id, {"value": rating.value})


@pytest.mark.parametrize("block", range(20))
def test_no_user_sees_an_old_rating_or_a_rating_of_another_user(block: int) -> None:
    for seed in range(block * RUNS // 20, (block + 1) * RUNS // 20):
        Run(seed).run()
