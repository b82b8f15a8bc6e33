"""Checks what a request says before anything is asked of anyone; pure, and strict."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from functions.ratings.errors import (
    InvalidBodyError,
    InvalidIdError,
    InvalidParameterError,
    MissingParameterError,
    UnknownTypeError,
    UserTokenMalformedError,
)
from functions.ratings.models import (
    RATING_TYPES,
    MusicUserToken,
    QueryOptions,
    RatingKey,
    RatingType,
    RatingValue,
)

# Visible ASCII without the comma, by which HTTP joins repeated headers into one.
_TOKEN: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,4096}", re.ASCII)

# RFC 5646 section 2.1, as far as Apple's storefronts go: en-GB, zh-Hans-CN.
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)
_NAMES: Final = re.compile(r"[A-Za-z][A-Za-z-]{0,39}(,[A-Za-z][A-Za-z-]{0,39}){0,9}", re.ASCII)


MAX_IDS: Final = 100
"""How many ids a request for many may name; Apple's own limit is not documented."""

MAX_BODY_BYTES: Final = 1024
"""How long a RatingRequest may be; Apple's examples have some 60 bytes."""


def music_user_token(values: Sequence[str]) -> MusicUserToken:
    """Take the token out of every value of its header.

    Raises:
        UserTokenMalformedError: unless there is exactly one, of the characters that tokens have.
    """
    if len(values) != 1 or not _TOKEN.fullmatch(values[0]):
        raise UserTokenMalformedError("no single well-formed token")
    return MusicUserToken(values[0])


def rating_type(name: str) -> RatingType:
    """Find a type by its name in a path.

    Raises:
        UnknownTypeError: where Apple has no such type.
    """
    try:
        return RATING_TYPES[name]
    except KeyError:
        raise UnknownTypeError("not a rating type") from None


def rating_key(type_name: str, item_id: str) -> RatingKey:
    """Check a type and an id of a path together; in the id, `%2E` equals `.` (RFC 3986).

    Raises:
        UnknownTypeError: where Apple has no such type.
        InvalidIdError: where the id does not have the shape of the type's ids.
    """
    item_id = item_id.replace("%2E", ".").replace("%2e", ".")
    if not rating_type(type_name).id_pattern.fullmatch(item_id):
        raise InvalidIdError(f"not an id of {type_name}")
    return RatingKey(type=type_name, id=item_id)


def rating_keys(type_name: str, query: Mapping[str, Sequence[str]]) -> tuple[RatingKey, ...]:
    """Check the ids of a request for many; repeats are folded, the order is kept.

    Raises:
        UnknownTypeError: where Apple has no such type.
        MissingParameterError: where no ids are given.
        InvalidParameterError: where one is not an id of the type, or there are over 100.
    """
    id_pattern = rating_type(type_name).id_pattern
    values = query.get("ids", ())
    if not any(values):
        raise MissingParameterError("ids")
    ids = tuple(dict.fromkeys(values[0].split(",")))
    if len(values) != 1 or len(ids) > MAX_IDS or not all(map(id_pattern.fullmatch, ids)):
        raise InvalidParameterError("ids")
    return tuple(RatingKey(type=type_name, id=item_id) for item_id in ids)


def rating_value(body: bytes | None) -> RatingValue:
    """Check a RatingRequest, and take its value.

    Source: https://developer.apple.com/documentation/applemusicapi/ratingrequest, whose schema
    says `ratings` and whose examples say `rating`: both are taken, and so is a missing `type`.

    Raises:
        InvalidBodyError: where it is anything else; it tells where.
    """
    if body is None or len(body) > MAX_BODY_BYTES:
        raise InvalidBodyError("")
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError):
        raise InvalidBodyError("") from None
    if not isinstance(document, dict):
        raise InvalidBodyError("")
    if document.get("type", "ratings") not in ("rating", "ratings"):
        raise InvalidBodyError("/type")
    attributes = document.get("attributes")
    if not isinstance(attributes, dict):
        raise InvalidBodyError("/attributes")
    match attributes.get("value"):
        case int(value) if type(value) is int and value in (1, -1):
            return 1 if value == 1 else -1
    raise InvalidBodyError("/attributes/value")


def _without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a repeated key")
    return members


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def query_options(query: Mapping[str, Sequence[str]]) -> QueryOptions:
    """Check the parameters that are forwarded; others are not, as Apple ignores them.

    Raises:
        InvalidParameterError: where one is repeated or has a value that it cannot have.
    """
    return QueryOptions(
        language=_single(query, "l", _LANGUAGE),
        include=_single(query, "include", _NAMES),
        extend=_single(query, "extend", _NAMES),
    )


def _single(query: Mapping[str, Sequence[str]], name: str, pattern: re.Pattern[str]) -> str | None:
    values = query.get(name)
    if values is None:
        return None
    if len(values) != 1 or not pattern.fullmatch(values[0]):
        raise InvalidParameterError(name)
    return values[0]
