"""Reads Apple's JSON documents, and lets nothing through that was not asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from functions.ratings.errors import AppleAnswerUnusableError
from functions.ratings.models import NOT_RATED, Rating, RatingKey, RatingValue
from functions.shared.documents import parse_object

_APPLE_CODE: Final = re.compile(r"[0-9]{5}", re.ASCII)
_CATALOG_PREFIX: Final = "r."


def read_ratings(body: bytes, content_type: str, asked: Collection[str]) -> Mapping[str, Rating]:
    """Read a RatingsResponse into the ratings of the ids that were asked for.

    An id may come back as `r.<id>`. An id that is left out has no rating.

    Raises:
        AppleAnswerUnusableError: where the body is no RatingsResponse, names an id twice or one
            that was not asked for, or holds a value other than 1 and -1.
    """
    if content_type and "json" not in content_type.lower():
        raise AppleAnswerUnusableError("not JSON by its content type")
    ratings: dict[str, Rating] = {}
    for resource in _resources(_parse(body)):
        item_id = _asked_id(resource.get("id"), asked)
        if item_id in ratings:
            raise AppleAnswerUnusableError("an id twice")
        ratings[item_id] = _rating(resource)
    return {item_id: ratings.get(item_id, NOT_RATED) for item_id in asked}


def read_written_rating(
    body: bytes, content_type: str, key: RatingKey, value: RatingValue
) -> Rating | None:
    """Read Apple's answer to a write; None unless it says clearly what was written."""
    try:
        rating = read_ratings(body, content_type, (key.id,))[key.id]
    except AppleAnswerUnusableError:
        return None
    if rating.resource is None or json.loads(rating.resource)["attributes"]["value"] != value:
        return None
    return rating


def write_rating(key: RatingKey, value: RatingValue) -> Rating:
    """Write a Ratings resource as Apple would, for where Apple accepted it without a word."""
    resource = {
        "id": key.id,
        "type": "ratings",
        "href": f"/v1/me/ratings/{key.type}/{key.id}",
        "attributes": {"value": value},
    }
    return Rating(json.dumps(resource, separators=(",", ":")))


def rating_request(value: RatingValue) -> bytes:
    """Write a RatingRequest, with the `type` that Apple's schema asks for.

    Source: https://developer.apple.com/documentation/applemusicapi/ratingrequest
    """
    document = {"type": "ratings", "attributes": {"value": value}}
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def read_error_code(body: bytes) -> str | None:
    """Read the `code` of the first error in Apple's `errors`, if there is one of five digits."""
    try:
        code = _parse(body)["errors"][0]["code"]
    except (AppleAnswerUnusableError, KeyError, IndexError, TypeError):
        return None
    return code if isinstance(code, str) and _APPLE_CODE.fullmatch(code) else None


def ratings_document(ratings: Collection[Rating]) -> str:
    """Write a RatingsResponse of those that are rated, in their order."""
    resources = (rating.resource for rating in ratings if rating.resource is not None)
    return '{"data":[' + ",".join(resources) + "]}"


def _parse(body: bytes) -> dict[str, Any]:
    document = parse_object(body)
    if document is None:
        raise AppleAnswerUnusableError("not a JSON object")
    return document


def _resources(document: Any) -> list[dict[str, Any]]:
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, list) or not all(isinstance(resource, dict) for resource in data):
        raise AppleAnswerUnusableError("no list of resources in `data`")
    return data


def _asked_id(item_id: Any, asked: Collection[str]) -> str:
    if isinstance(item_id, str):
        if item_id in asked:
            return item_id
        if item_id.removeprefix(_CATALOG_PREFIX) in asked:
            return item_id.removeprefix(_CATALOG_PREFIX)
    raise AppleAnswerUnusableError("an id that was not asked for")


def _rating(resource: Mapping[str, Any]) -> Rating:
    attributes = resource.get("attributes", {})
    if resource.get("type") != "ratings" or not isinstance(attributes, dict):
        raise AppleAnswerUnusableError("not a Ratings resource")
    if "value" not in attributes:
        return NOT_RATED
    value = attributes["value"]
    if type(value) is not int or value not in (1, -1):
        raise AppleAnswerUnusableError("a value other than 1 and -1")
    try:
        return Rating(json.dumps(resource, separators=(",", ":"), allow_nan=False))
    except (RecursionError, ValueError) as error:
        raise AppleAnswerUnusableError(f"not JSON: {type(error).__name__}") from None
