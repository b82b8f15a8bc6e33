"""Reads a developer's own users and items, which are added to the sample data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dev.apple_music.ratings_api import ID_PATTERNS
from dev.apple_music.ratings_store import ResourceId

_TOKEN: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,4096}")
_EXAMPLE: Final = '{"users": {"my-token": {"library-songs/i.abc": 1}}}'


class DataError(Exception):
    """The file cannot be used; the message says what to change, and contains no token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Ratings by user token and item, and the ids of each item that has several ids."""

    ratings: Mapping[str, Mapping[ResourceId, int]] = field(default_factory=dict)
    items: tuple[tuple[ResourceId, ...], ...] = ()


def read_data(file: Path) -> Data:
    """Read a file in the format of docs/local.md.

    Raises:
        DataError: if the file cannot be read or has another format.
    """
    try:
        return _data(file)
    except DataError as error:
        raise DataError(f"{file} {error}.") from None


def _data(file: Path) -> Data:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise DataError(f"is not JSON in UTF-8: {error}") from None
    match document:
        case {"users": dict(users), **others} if set(others) <= {"items"}:
            items = others.get("items", [])
            ratings = {_token(token): _ratings(values) for token, values in users.items()}
            return Data(ratings=ratings, items=_items(items))
        case _:
            raise DataError(
                f"needs `users`, may have `items`, and nothing else, for example {_EXAMPLE}"
            )


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise DataError(
            "has a user token with a space, a comma or another character that no header can "
            "carry: use letters, digits and hyphens"
        )
    return text


def _ratings(values: Any) -> dict[ResourceId, int]:
    if not isinstance(values, dict):
        raise DataError(f"needs an object of ratings for each user, for example {_EXAMPLE}")
    ratings = {_resource_id(name): value for name, value in values.items()}
    for name, value in ratings.items():
        if type(value) is not int or value not in {1, -1}:
            raise DataError(f"rates {name.type}/{name.id} with neither 1 (like) nor -1 (dislike)")
    return ratings


def _items(groups: Any) -> tuple[tuple[ResourceId, ...], ...]:
    if not (isinstance(groups, list) and all(isinstance(group, list) for group in groups)):
        raise DataError('needs `items` as lists of ids: [["library-songs/i.abc", "songs/123"]]')
    items = tuple(tuple(_resource_id(name) for name in group) for group in groups)
    names = [name for item in items for name in item]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"has {name.type}/{name.id} twice in `items`: list it once")
    return items


def _resource_id(text: Any) -> ResourceId:
    kind, _, id_ = text.partition("/") if isinstance(text, str) else ("", "", "")
    if kind not in ID_PATTERNS or not ID_PATTERNS[kind].fullmatch(id_):
        raise DataError(
            f"has {json.dumps(text)} in place of a type and an id of this type, such as "
            "library-songs/i.7PJNN4mfXlD68R"
        )
    return ResourceId(kind, id_)
