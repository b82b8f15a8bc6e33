"""Maps each request of the gateway to one read or write, and the result to a response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from functions.ratings import errors, models
from functions.ratings.api import validation
from functions.ratings.api.gateway import ApiRequest, Response, error_response
from functions.ratings.apple.documents import ratings_document
from functions.ratings.cache.lookup import ReadResult
from functions.shared.deadline import Deadline

# The gateway's resources for one rating and for a list of ratings.
ITEM_RESOURCE: Final = "/v1/me/ratings/{type}/{id}"
COLLECTION_RESOURCE: Final = "/v1/me/ratings/{type}"

Operation = Callable[[ApiRequest, Deadline], Response]
Read = Callable[[models.ReadRequest, Deadline], ReadResult]
Write = Callable[[models.WriteRequest, Deadline], models.Rating]


class Routes:
    """The operations, by resource and method.

    The gateway has already matched the path to a resource. A second match in this code could
    have a different result.
    """

    def __init__(self, *, read: Read, write: Write) -> None:
        self._read = read
        self._write = write
        self.operations: Final[Mapping[tuple[str, str], Operation]] = {
            (ITEM_RESOURCE, "GET"): self._get_one,
            (ITEM_RESOURCE, "PUT"): self._put,
            (ITEM_RESOURCE, "DELETE"): self._delete,
            (COLLECTION_RESOURCE, "GET"): self._get_list,
        }

    def respond(self, request: ApiRequest, deadline: Deadline) -> Response:
        """Respond to one request; every `RatingsError` becomes a response here."""
        try:
            return self._operation(request)(request, deadline)
        except errors.RatingsError as error:
            return error_response(error, request.request_id)

    def _operation(self, request: ApiRequest) -> Operation:
        # HEAD is a GET whose body the gateway does not send (RFC 9110 section 9.3.2).
        method = "GET" if request.method == "HEAD" else request.method
        operation = self.operations.get((request.resource, method))
        if operation is not None:
            return operation
        allowed = [method for resource, method in self.operations if resource == request.resource]
        if allowed:
            raise errors.MethodNotAllowedError((*allowed, "HEAD"))
        raise errors.RouteNotFoundError("not a resource of this API")

    def _get_one(self, request: ApiRequest, deadline: Deadline) -> Response:
        token, key = _token(request), _key(request)
        options = _options(request)
        read = models.ReadRequest(token=token, keys=(key,), options=options)
        result = self._read(read, deadline)
        error = result.error
        if error is None and not result.ratings[0].is_rated:
            error = errors.NotRatedError("no rating")
        return _read_response(request, result, error)

    def _get_list(self, request: ApiRequest, deadline: Deadline) -> Response:
        token = _token(request)
        keys = validation.rating_keys(request.path_parameters.get("type", ""), request.query)
        options = _options(request)
        read = models.ReadRequest(token=token, keys=keys, options=options, is_list=True)
        result = self._read(read, deadline)
        return _read_response(request, result, result.error)

    def _put(self, request: ApiRequest, deadline: Deadline) -> Response:
        token, key = _token(request), _key(request)
        options, value = _options(request), validation.rating_value(request.body)
        write = models.WriteRequest(token=token, key=key, value=value, language=options.language)
        return Response(status=200, body=ratings_document((self._write(write, deadline),)))

    def _delete(self, request: ApiRequest, deadline: Deadline) -> Response:
        token, key = _token(request), _key(request)
        language = _options(request).language
        write = models.WriteRequest(token=token, key=key, value=None, language=language)
        self._write(write, deadline)
        return Response(status=204)


def _token(request: ApiRequest) -> models.MusicUserToken:
    return validation.music_user_token(request.headers.get("music-user-token", ()))


def _key(request: ApiRequest) -> models.RatingKey:
    parameters = request.path_parameters
    return validation.rating_key(parameters.get("type", ""), parameters.get("id", ""))


def _options(request: ApiRequest) -> models.QueryOptions:
    return validation.query_options(request.query)


def _read_response(
    request: ApiRequest, result: ReadResult, error: errors.RatingsError | None
) -> Response:
    headers = {} if result.age is None else {"Age": str(result.age)}
    cache_status = result.cache_status
    if error is not None:
        return error_response(error, request.request_id, headers=headers, cache_status=cache_status)
    body = ratings_document(result.ratings)
    return Response(status=200, body=body, headers=headers, cache_status=cache_status)
