"""Validates a request before any call to another service; pure, and strict.

Each function returns a valid value, or raises the `RequestError` that names the fault.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from functions.ratings import errors, models

# Visible ASCII except the comma, with which HTTP joins repeated headers.
_TOKEN: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,4096}", re.ASCII)

# The part of RFC 5646 section 2.1 that Apple's storefronts use: en-GB, zh-Hans-CN.
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)
_NAMES: Final = re.compile(r"[A-Za-z][A-Za-z-]{0,39}(,[A-Za-z][A-Za-z-]{0,39}){0,9}", re.ASCII)

MAX_IDS: Final = 100  # Ids per list; Apple does not document its own limit
MAX_BODY_BYTES: Final = 1024  # Of a RatingRequest; Apple's examples have about 60 bytes


def music_user_token(values: Sequence[str]) -> models.MusicUserToken:
    """Return the token from all values of its header."""
    if len(values) != 1 or not _TOKEN.fullmatch(values[0]):
        raise errors.InvalidUserTokenError("not exactly one well-formed token")
    return models.MusicUserToken(values[0])


def rating_type(name: str) -> models.RatingType:
    """Return the rating type that has this name in paths."""
    try:
        return models.RATING_TYPES[name]
    except KeyError:
        raise errors.UnknownTypeError("not a rating type") from None


def rating_key(type_name: str, item_id: str) -> models.RatingKey:
    """Validate the type and the id in a path; `%2E` in the id equals `.` (RFC 3986)."""
    item_id = item_id.replace("%2E", ".").replace("%2e", ".")
    if not rating_type(type_name).id_pattern.fullmatch(item_id):
        raise errors.InvalidIdError(f"not an id of {type_name}")
    return models.RatingKey(type=type_name, id=item_id)


def rating_keys(type_name: str, query: Mapping[str, Sequence[str]]) -> tuple[models.RatingKey, ...]:
    """Validate the ids of a list; repeated ids count once, and the order is kept."""
    id_pattern = rating_type(type_name).id_pattern
    if not query.keys() & {"ids", "ids[]"}:
        raise errors.MissingParameterError("ids")
    ids = _elements(query, "ids")
    if not 0 < len(ids) <= MAX_IDS or not all(map(id_pattern.fullmatch, ids)):
        accepted = f"1 to {MAX_IDS} ids of {type_name}, separated by commas"
        raise errors.InvalidParameterError("ids", accepted)
    return tuple(models.RatingKey(type=type_name, id=item_id) for item_id in ids)


def rating_value(body: bytes | None) -> models.RatingValue:
    """Validate a RatingRequest, and return its value.

    Source: https://developer.apple.com/documentation/applemusicapi/ratingrequest. Its schema has
    the `type` `ratings`, its examples have `rating`: both are accepted, and `type` may be absent.
    JSON does not distinguish 1.0 from 1.
    """
    if body is None or len(body) > MAX_BODY_BYTES:
        raise errors.InvalidBodyError("")
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_without_repeats,
            parse_constant=int,  # raises a ValueError for NaN and Infinity
        )
    except (ValueError, RecursionError):
        raise errors.InvalidBodyError("") from None
    if not isinstance(document, dict):
        raise errors.InvalidBodyError("")
    if document.get("type", "ratings") not in ("rating", "ratings"):
        raise errors.InvalidBodyError("/type")
    attributes = document.get("attributes")
    if not isinstance(attributes, dict):
        raise errors.InvalidBodyError("/attributes")
    value = attributes.get("value")
    if type(value) not in (int, float) or value not in (1, -1):  # True equals 1
        raise errors.InvalidBodyError("/attributes/value")
    return 1 if value == 1 else -1


def _without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a repeated key")
    return members


def query_options(query: Mapping[str, Sequence[str]]) -> models.QueryOptions:
    """Validate the parameters that are forwarded to Apple; ignore all others."""
    if not query:
        return models.BARE
    return models.QueryOptions(
        language=_language(query), include=_names(query, "include"), extend=_names(query, "extend")
    )


def _language(query: Mapping[str, Sequence[str]]) -> str | None:
    tag = (query.get("l") or ("",))[-1]
    # Apple ignores an empty tag, and the name of a locale (en_US), which an app may send.
    if not tag or "_" in tag:
        return None
    if not _LANGUAGE.fullmatch(tag):
        raise errors.InvalidParameterError("l", "a language tag such as en-GB")
    return tag


def _names(query: Mapping[str, Sequence[str]], name: str) -> str | None:
    names = ",".join(_elements(query, name))
    if names and not _NAMES.fullmatch(names):
        raise errors.InvalidParameterError(name, "1 to 10 names, separated by commas")
    return names or None


def _elements(query: Mapping[str, Sequence[str]], name: str) -> tuple[str, ...]:
    """Return the distinct elements of a list: `n=a,b`, `n=a&n=b` or `n[]=a&n[]=b`.

    Empty elements are ignored: `n=a,` has one element.
    """
    values = (*query.get(name, ()), *query.get(f"{name}[]", ()))
    return tuple(dict.fromkeys(filter(None, ",".join(values).split(","))))
