"""Checks what a request says before anything is asked of anyone; pure, and strict."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from functions.ratings.errors import (
    InvalidIdError,
    InvalidParameterError,
    UnknownTypeError,
    UserTokenMalformedError,
)
from functions.ratings.models import (
    RATING_TYPES,
    MusicUserToken,
    QueryOptions,
    RatingKey,
    RatingType,
)

# Visible ASCII without the comma, by which HTTP joins repeated headers into one.
_TOKEN: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,4096}", re.ASCII)

# RFC 5646 section 2.1, as far as Apple's storefronts go: en-GB, zh-Hans-CN.
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)
_NAMES: Final = re.compile(r"[A-Za-z][A-Za-z-]{0,39}(,[A-Za-z][A-Za-z-]{0,39}){0,9}", re.ASCII)


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
    """Check a type and an id together.

    Raises:
        UnknownTypeError: where Apple has no such type.
        InvalidIdError: where the id does not have the shape of the type's ids.
    """
    if not rating_type(type_name).id_pattern.fullmatch(item_id):
        raise InvalidIdError(f"not an id of {type_name}")
    return RatingKey(type=type_name, id=item_id)


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
