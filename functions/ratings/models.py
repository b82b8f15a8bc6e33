"""The domain: rating types, keys, tokens, ratings, and requests to read or write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Literal, NamedTuple

_HASH_DOMAIN: Final = b"apple-music-ratings/owner/v1\x00"  # a change invalidates every cached item


class RatingType(NamedTuple):
    """One of Apple's rating types, named as in paths.

    The catalog type and the library type of the same items have the same `family`: Apple keeps
    their ratings equal, so a write to one also changes the other.
    """

    name: str
    family: str
    id_pattern: re.Pattern[str]


def _type(name: str, family: str, id_pattern: str) -> RatingType:
    return RatingType(name=name, family=family, id_pattern=re.compile(id_pattern, re.ASCII))


RATING_TYPES: Final[Mapping[str, RatingType]] = {
    rating_type.name: rating_type
    for rating_type in (
        _type("albums", "albums", r"[0-9]{1,20}"),
        _type("library-albums", "albums", r"l\.[A-Za-z0-9]{1,64}"),
        _type("library-music-videos", "music-videos", r"i\.[A-Za-z0-9]{1,64}"),
        _type("library-playlists", "playlists", r"p\.[A-Za-z0-9]{1,64}"),
        _type("library-songs", "songs", r"i\.[A-Za-z0-9]{1,64}"),
        _type("music-videos", "music-videos", r"[0-9]{1,20}"),
        _type("playlists", "playlists", r"pl\.[A-Za-z0-9-]{1,80}"),
        _type("songs", "songs", r"[0-9]{1,20}"),
        _type("stations", "stations", r"ra(?!.*\.\.)\.[A-Za-z0-9._-]{1,96}"),
    )
}
"""Every type of item that users can rate, by name.

Source: https://developer.apple.com/documentation/applemusicapi/ratings
"""


class RatingKey(NamedTuple):
    """The item of a rating: a type's name, and an id that matches the type's pattern."""

    type: str
    id: str

    @property
    def family(self) -> str:
        """The family of the type; a write may change other ratings of the family."""
        return RATING_TYPES[self.type].family


@dataclass(frozen=True, slots=True)
class MusicUserToken:
    """A user's `Music-User-Token`: a credential, so `repr` hides it."""

    value: str = field(repr=False)

    @property
    def hash(self) -> str:
        """The whole SHA-256 in hex; a token has too much entropy to be recovered from its hash."""
        return sha256(_HASH_DOMAIN + self.value.encode("ascii")).hexdigest()


RatingValue = Literal[1, -1]  # 1 for a like, -1 for a dislike
Value = Literal[1, 0, -1]  # 0 for not rated


class Rating(NamedTuple):
    """A value; `resource` is Apple's Ratings resource as JSON text, empty if not rated."""

    value: Value
    resource: str = ""

    @property
    def is_rated(self) -> bool:
        """Whether the user has rated the item."""
        return self.value != 0


NOT_RATED: Final = Rating(0)


def rating_of(key: RatingKey, value: Value) -> Rating:
    """Build a rating with Apple's form of the resource; valid ids need no JSON escaping."""
    if value == 0:
        return NOT_RATED
    return Rating(
        value,
        f'{{"id":"{key.id}","type":"ratings","href":"/v1/me/ratings/{key.type}/{key.id}",'
        f'"attributes":{{"value":{value}}}}}',
    )


class QueryOptions(NamedTuple):
    """The query parameters that are forwarded to Apple: `l`, `include` and `extend`."""

    language: str | None = None
    include: str | None = None
    extend: str | None = None

    @property
    def bare(self) -> bool:
        """Whether the response has only the rating: it is cacheable, and equal in all languages."""
        return self.include is None and self.extend is None

    def query(self) -> dict[str, str]:
        """The parameters that are present, by Apple's names."""
        values = {"l": self.language, "include": self.include, "extend": self.extend}
        return {name: value for name, value in values.items() if value is not None}


BARE: Final = QueryOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """A read of one item or, with `is_list`, of a list; all `keys` have the same type."""

    token: MusicUserToken
    keys: tuple[RatingKey, ...]
    options: QueryOptions = BARE
    is_list: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest:
    """A write of a rating; a `value` of None deletes it."""

    token: MusicUserToken
    key: RatingKey
    value: RatingValue | None
    language: str | None = None


class WriteResult(NamedTuple):
    """A write that Apple accepted.

    `is_confirmed`: the response proves the new rating. `outcome_unknown`: an earlier attempt of the
    same write may still take effect.
    """

    is_confirmed: bool
    outcome_unknown: bool = False
