"""The words that every other module speaks: rating types, keys, tokens and ratings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Literal

_OWNER_DOMAIN: Final = b"apple-music-ratings/owner/v1\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingType:
    """One of Apple's rating types, as it is spelt in a path.

    `family` joins the catalog and the library form of the same thing: Apple keeps the ratings of
    the two in step, so a write to one is a write to the other.
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
"""Every type that Apple rates, by name.

Source: https://developer.apple.com/documentation/applemusicapi/ratings
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingKey:
    """Which item's rating: a type's name and an id that fits the type's pattern."""

    type: str
    id: str

    @property
    def family(self) -> str:
        """The family of the type, within which a write may change other keys' ratings."""
        return RATING_TYPES[self.type].family


@dataclass(frozen=True, slots=True)
class MusicUserToken:
    """A user's `Music-User-Token`: a credential, so its text never shows in a `repr`."""

    value: str = field(repr=False)

    @property
    def owner(self) -> str:
        """The name under which the cache keeps what belongs to this token, in hex.

        A whole SHA-256: tokens have too much entropy to be found from it.
        """
        return sha256(_OWNER_DOMAIN + self.value.encode("ascii")).hexdigest()


RatingValue = Literal[1, -1]
"""1 for a like, -1 for a dislike."""


@dataclass(frozen=True, slots=True)
class Rating:
    """What Apple Music said of one item: a Ratings resource, or that there is no rating.

    `resource` is the JSON text of the resource, as it stands inside `data`.
    """

    resource: str | None

    @property
    def is_rated(self) -> bool:
        """Whether the user has rated the item."""
        return self.resource is not None


NOT_RATED: Final = Rating(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A write that Apple accepted.

    `rating` is None if Apple's response is not clear. It was sent `once` unless an earlier attempt
    may still take effect.
    """

    rating: Rating | None
    once: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOptions:
    """The query parameters that are forwarded to Apple: `l`, `include` and `extend`."""

    language: str | None = None
    include: str | None = None
    extend: str | None = None

    @property
    def bare(self) -> bool:
        """Whether the answer is the rating alone, which has no language and may be cached."""
        return self.include is None and self.extend is None

    def for_a_write(self) -> QueryOptions:
        """What of them a write takes: the language alone."""
        return QueryOptions(language=self.language)

    def query(self) -> dict[str, str]:
        """The parameters as Apple spells them, without those that are absent."""
        given = {"l": self.language, "include": self.include, "extend": self.extend}
        return {name: value for name, value in given.items() if value is not None}
