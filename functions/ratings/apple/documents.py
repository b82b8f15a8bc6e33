"""Reads and writes Apple's JSON documents; rejects a document with unrequested resources."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, Final, cast
from urllib.parse import quote

from functions.ratings.errors import InvalidAppleResponseError
from functions.ratings.models import NOT_RATED, Rating, RatingKey, RatingValue, Value, rating_of
from functions.shared.documents import parse_object

NO_SUCH_ROUTE: Final = "40401"  # Apple's code for an unknown path; it does not prove "not rated"

_APPLE_CODE: Final = re.compile(r"[0-9]{5}", re.ASCII)
_CATALOG_PREFIX: Final = "r."
_EMPTY: Final[Collection[Any]] = ({}, {"data": []}, {"data": None})


def read_ratings(
    body: bytes, content_type: str, keys: Collection[RatingKey], *, bare: bool
) -> Mapping[RatingKey, Rating]:
    """Read a RatingsResponse into the ratings of `keys`, which have one type.

    Apple may return an id as `r.<id>`. A missing id means "not rated". With `errors` or `next`, a
    document may be incomplete, and only the ratings in it are returned. With `bare`, resources are
    rebuilt from type, id and value; without it, they stay as Apple sent them.

    Raises:
        InvalidAppleResponseError: if the body is not a RatingsResponse, repeats an id, has an id
            that was not requested, or a value other than 1, 0 and -1.
    """
    document = _parse(body, content_type)
    requested = {key.id: key for key in keys}
    ratings: dict[RatingKey, Rating] = {}
    for resource in _resources(document):
        key = _requested_key(resource.get("id"), requested)
        if key in ratings:
            raise InvalidAppleResponseError("a repeated id")
        ratings[key] = _rating(resource, key, bare=bare)
    if document.keys() & {"errors", "next"}:
        return {key: rating for key, rating in ratings.items() if rating.is_rated}
    return {key: ratings.get(key, NOT_RATED) for key in keys}


def confirms(body: bytes | None, content_type: str, key: RatingKey, value: RatingValue) -> bool:
    """Whether the body of a successful PUT contains the value, or is one of Apple's empty forms."""
    if body is None:
        return False
    try:
        if not body or _parse(body, content_type) in _EMPTY:
            return True
        ratings = read_ratings(body, content_type, (key,), bare=True)
    except InvalidAppleResponseError:
        return False
    return ratings.get(key) == rating_of(key, value)


def rating_request(value: RatingValue) -> bytes:
    """Write a RatingRequest, with the `type` of Apple's schema."""
    document = {"type": "ratings", "attributes": {"value": value}}
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def read_error_code(body: bytes | None) -> str | None:
    """Read the `code` of the first error in Apple's `errors`, if it has five digits."""
    code = next(iter(_error_codes(body)), "")
    return code if _APPLE_CODE.fullmatch(code) else None


def proves_absence(body: bytes | None) -> bool:
    """Whether a 404 is about the item: its body is empty, or has errors, but not 40401."""
    codes = _error_codes(body)
    return body == b"" or (bool(codes) and NO_SUCH_ROUTE not in codes)


def is_page(body: bytes | None, content_type: str) -> bool:
    """Whether the body of an error is an HTML page, which Apple's API does not send."""
    if not body or _error_codes(body):
        return False
    return "html" in content_type.lower() or body.lstrip().startswith(b"<")


def contains_any(body: bytes, secrets: Collection[str]) -> bool:
    """Whether a body contains one of `secrets`, plain, JSON-escaped or percent-encoded."""
    # Without a JSON parser: it would need many times the size of a hostile body in memory.
    if b"\\u00" in body:
        for code in range(0x21, 0x7F):
            for escape in (b"\\u00%02x" % code, b"\\u00%02X" % code):
                body = body.replace(escape, b"%c" % code)
    for character in (b'"', b"/", b"\\"):
        body = body.replace(b"\\" + character, character)
    forms = (form for secret in secrets for form in (secret, quote(secret, safe="")))
    return any(form.encode() in body for form in forms)


def ratings_document(ratings: Collection[Rating]) -> str:
    """Write a RatingsResponse of the rated items, in the order of `ratings`."""
    resources = (rating.resource for rating in ratings if rating.is_rated)
    return '{"data":[' + ",".join(resources) + "]}"


def _parse(body: bytes, content_type: str = "") -> dict[str, Any]:
    if content_type and "json" not in content_type.lower():
        raise InvalidAppleResponseError("the content type is not JSON")
    document = parse_object(body)
    if document is None:
        raise InvalidAppleResponseError("not a JSON object")
    return document


def _error_codes(body: bytes | None) -> list[str]:
    """Read the codes of Apple's `errors`; return none if the body does not have this form."""
    try:
        codes = [error["code"] for error in _parse(body or b"")["errors"]]
        return [code for code in codes if isinstance(code, str)]
    except (InvalidAppleResponseError, KeyError, TypeError):
        return []


def _resources(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    data = document.get("data", ...)
    if data is None:
        return []
    if not isinstance(data, list) or not all(isinstance(resource, dict) for resource in data):
        raise InvalidAppleResponseError("no list of resources in `data`")
    return data


def _requested_key(item_id: Any, requested: Mapping[str, RatingKey]) -> RatingKey:
    if isinstance(item_id, str):
        key = requested.get(item_id) or requested.get(item_id.removeprefix(_CATALOG_PREFIX))
        if key is not None:
            return key
    raise InvalidAppleResponseError("an id that was not requested")


def _rating(resource: Mapping[str, Any], key: RatingKey, *, bare: bool) -> Rating:
    attributes = resource.get("attributes", {})
    if resource.get("type") != "ratings" or not isinstance(attributes, dict):
        raise InvalidAppleResponseError("not a Ratings resource")
    value = attributes.get("value", 0)
    if type(value) is not int or value not in (1, 0, -1):
        raise InvalidAppleResponseError("a value other than 1, 0 and -1")
    known = cast("Value", value)
    if bare or known == 0:
        return rating_of(key, known)
    try:
        return Rating(known, json.dumps(resource, separators=(",", ":"), allow_nan=False))
    except (RecursionError, ValueError) as error:
        raise InvalidAppleResponseError(f"not JSON: {type(error).__name__}") from None
