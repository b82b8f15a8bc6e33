"""Turns each request that the gateway hands over into one call of the service, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from functions.ratings.api_gateway import Answer, ApiRequest, error_answer
from functions.ratings.deadline import Deadline
from functions.ratings.errors import (
    MethodNotAllowedError,
    NotRatedError,
    RatingsError,
    RouteNotFoundError,
)
from functions.ratings.models import (
    MusicUserToken,
    QueryOptions,
    Rating,
    RatingKey,
    RatingValue,
)
from functions.ratings.ratings_document import ratings_document
from functions.ratings.read_plan import Reading
from functions.ratings.request_rules import (
    music_user_token,
    query_options,
    rating_key,
    rating_keys,
    rating_value,
)

ITEM_RESOURCE: Final = "/v1/me/ratings/{type}/{id}"
"""The gateway's name for the path of one rating."""

COLLECTION_RESOURCE: Final = "/v1/me/ratings/{type}"
"""The gateway's name for the path of many ratings."""

Operation = Callable[[ApiRequest, Deadline], Answer]


class Ratings(Protocol):
    """What the routes ask of the service."""

    def get_one(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> Reading:
        """Give one rating, or raise a `RatingsError`."""
        ...

    def get_many(
        self,
        token: MusicUserToken,
        keys: Sequence[RatingKey],
        options: QueryOptions,
        deadline: Deadline,
    ) -> Reading:
        """Give the ratings of several keys, or raise a `RatingsError`."""
        ...

    def put(
        self,
        token: MusicUserToken,
        key: RatingKey,
        value: RatingValue,
        options: QueryOptions,
        deadline: Deadline,
    ) -> Rating:
        """Rate an item, or raise a `RatingsError`."""
        ...

    def delete(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> None:
        """Take a rating away, or raise a `RatingsError`."""
        ...


class Routes:
    """The operations by the gateway's resource and the method.

    The gateway has already matched the path, and gives its parts apart; matching it again here
    could only differ from what the gateway did.
    """

    def __init__(self, ratings: Ratings) -> None:
        """Answer by `ratings`."""
        self._ratings = ratings
        self.operations: Final[Mapping[tuple[str, str], Operation]] = {
            (ITEM_RESOURCE, "GET"): self._get_one,
            (ITEM_RESOURCE, "PUT"): self._put,
            (ITEM_RESOURCE, "DELETE"): self._delete,
            (COLLECTION_RESOURCE, "GET"): self._get_many,
        }

    def answer(self, request: ApiRequest, deadline: Deadline) -> Answer:
        """Answer one request; every `RatingsError` becomes its HTTP answer here."""
        try:
            return self._operation(request)(request, deadline)
        except RatingsError as error:
            return error_answer(error, request.request_id)

    def _operation(self, request: ApiRequest) -> Operation:
        operation = self.operations.get((request.resource, request.method))
        if operation is not None:
            return operation
        allowed = tuple(m for resource, m in self.operations if resource == request.resource)
        if allowed:
            raise MethodNotAllowedError(allowed)
        raise RouteNotFoundError("not a resource of this API")

    def _get_one(self, request: ApiRequest, deadline: Deadline) -> Answer:
        token, key = _token(request), _key(request)
        reading = self._ratings.get_one(token, key, query_options(request.query), deadline)
        if not reading.ratings[0].is_rated:
            not_rated = NotRatedError("no rating")
            not_rated.cache_status = reading.cache_status
            return error_answer(not_rated, request.request_id, _age(reading))
        return _reading_answer(reading)

    def _get_many(self, request: ApiRequest, deadline: Deadline) -> Answer:
        token = _token(request)
        keys = rating_keys(request.path_parameters.get("type", ""), request.query)
        reading = self._ratings.get_many(token, keys, query_options(request.query), deadline)
        return _reading_answer(reading)

    def _put(self, request: ApiRequest, deadline: Deadline) -> Answer:
        token, key = _token(request), _key(request)
        options, value = query_options(request.query), rating_value(request.body)
        rating = self._ratings.put(token, key, value, options.for_a_write(), deadline)
        return Answer(status=200, body=ratings_document((rating,)))

    def _delete(self, request: ApiRequest, deadline: Deadline) -> Answer:
        token, key = _token(request), _key(request)
        options = query_options(request.query)
        self._ratings.delete(token, key, options.for_a_write(), deadline)
        return Answer(status=204)


def _token(request: ApiRequest) -> MusicUserToken:
    return music_user_token(request.headers.get("music-user-token", ()))


def _key(request: ApiRequest) -> RatingKey:
    parameters = request.path_parameters
    return rating_key(parameters.get("type", ""), parameters.get("id", ""))


def _reading_answer(reading: Reading) -> Answer:
    return Answer(
        status=200,
        body=ratings_document(reading.ratings),
        headers=_age(reading),
        cache_status=reading.cache_status,
    )


def _age(reading: Reading) -> dict[str, str]:
    return {} if reading.age is None else {"Age": str(reading.age)}
