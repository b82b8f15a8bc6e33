"""Made-up users, one for each case that an app must handle, and the items that they rated.

The items are those in the examples of Apple's documentation, and a library of 300 songs. All titles
are made up. docs/local.md lists the users and the items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Final

from dev.apple_music.faults import Fault
from dev.apple_music.ratings_store import ResourceId

ADA: Final = "sample-user-token-ada"
GRACE: Final = "sample-user-token-grace"

LIKED_SONG: Final = ResourceId("library-songs", "i.7PJNN4mfXlD68R")
DISLIKED_SONG: Final = ResourceId("library-songs", "i.mmpYYzeu4J0XGD")


@dataclass(frozen=True, slots=True)
class SampleItem:
    """An item and its ids; for Apple, a library id and a catalog id may mean the same item."""

    title: str
    ids: tuple[ResourceId, ...]


@dataclass(frozen=True, slots=True)
class SampleUser:
    """A user, the case that the user is for, and the response that an app receives.

    `ratings` are 1 for a like and -1 for a dislike; with None, Apple does not know the token. The
    cache has a stale copy of `stale` from the start.
    """

    token: str
    _: KW_ONLY
    case: str
    response: str
    ratings: Mapping[ResourceId, int] | None
    fault: Fault | None = None
    stale: ResourceId | None = None


def _item(title: str, *names: str) -> SampleItem:
    return SampleItem(title, tuple(ResourceId(*name.split("/")) for name in names))


SAMPLE_ITEMS: Final = (
    SampleItem("The Liked Song", (LIKED_SONG, ResourceId("songs", "907242702"))),
    SampleItem("The Disliked Song", (DISLIKED_SONG,)),
    _item("First Album", "library-albums/l.qrRWYhq", "albums/907242701"),
    _item("Second Album", "albums/310730204"),
    _item("First Video", "library-music-videos/i.NJv00rkTEaLK51", "music-videos/1553279848"),
    _item("Second Video", "music-videos/639322181"),
    _item(
        "Morning Playlist",
        *("library-playlists/p.MoGJYM3CYXW09B", "playlists/pl.5b0194eaa170401e8986335d7e77aa4e"),
    ),
    _item("Night Radio", "stations/ra.978194965"),
)

LIBRARY_ITEMS: Final = (
    *(
        _item(f"Song {n:03}", f"library-songs/i.SampleSong{n:03}", f"songs/1700000{n:03}")
        for n in range(1, 301)
    ),
    *(
        _item(f"Album {n:02}", f"library-albums/l.SampleAlbum{n:02}", f"albums/16000000{n:02}")
        for n in range(1, 26)
    ),
    *(_item(f"Playlist {n:02}", f"library-playlists/p.SamplePlaylist{n:02}") for n in range(1, 11)),
)

ITEMS: Final = tuple(item.ids for item in (*SAMPLE_ITEMS, *LIBRARY_ITEMS) if len(item.ids) > 1)
"""Items with a library id and a catalog id."""

_LIKED: Final = {LIKED_SONG: 1}

USERS: Final = (
    SampleUser(
        ADA,
        case="ratings of every kind",
        response="200; the value of The Liked Song is 1",
        ratings={
            LIKED_SONG: 1,
            DISLIKED_SONG: -1,
            ResourceId("library-albums", "l.qrRWYhq"): 1,
            ResourceId("library-music-videos", "i.NJv00rkTEaLK51"): -1,
            ResourceId("library-playlists", "p.MoGJYM3CYXW09B"): 1,
            ResourceId("albums", "310730204"): -1,
            ResourceId("music-videos", "639322181"): 1,
            ResourceId("stations", "ra.978194965"): 1,
        },
    ),
    SampleUser(
        GRACE,
        case="a second user",
        response="200; the value of The Liked Song is -1",
        ratings={LIKED_SONG: -1},
    ),
    SampleUser(
        "sample-user-token-library",
        case="a library of 300 songs, 25 albums and 10 playlists",
        response="200; two thirds of the items are rated, mostly with likes",
        ratings={
            item.ids[0]: -1 if n % 5 == 0 else 1
            for n, item in enumerate(LIBRARY_ITEMS, start=1)
            if n % 3 != 0
        },
    ),
    SampleUser(
        "sample-user-token-new",
        case="no ratings",
        response="404 / `40400` for one item, 200 with an empty list for several",
        ratings={},
    ),
    SampleUser(
        "sample-user-token-expired",
        case="expired or revoked token",
        response="403 / `40300`",
        ratings=None,
    ),
    SampleUser(
        "sample-user-token-no-subscription",
        case="not signed in, or no subscription",
        response="401 / `40191`",
        ratings={},
        fault=Fault.NO_SUBSCRIPTION,
    ),
    SampleUser(
        "sample-user-token-subscription-ended",
        case="the subscription ended, the token is still valid",
        response="400 / `40015`, Apple's own code",
        ratings={},
        fault=Fault.SUBSCRIPTION_ENDED,
    ),
    SampleUser(
        "sample-user-token-throttled",
        case="Apple's rate limit is reached",
        response="429 / `42991` with `Retry-After`",
        ratings=_LIKED,
        fault=Fault.THROTTLED,
    ),
    SampleUser(
        "sample-user-token-down",
        case="Apple is down",
        response=(
            "The Liked Song: 200, a stale copy. Other items: 502 / `50290`; after errors for three "
            "items, 503 / `50391` with `Retry-After`"
        ),
        ratings=_LIKED,
        fault=Fault.DOWN,
        stale=LIKED_SONG,
    ),
    SampleUser(
        "sample-user-token-slow",
        case="Apple is too slow",
        response=(
            "The Liked Song: 200, a stale copy, after 1.5 s. Other items: 504 / `50490`; the "
            "first after 4 s, the second after 1.5 s; then 503 / `50391` with `Retry-After`"
        ),
        ratings=_LIKED,
        fault=Fault.SLOW,
        stale=LIKED_SONG,
    ),
    SampleUser(
        "sample-user-token-write-unknown",
        case="the outcome of a write is unknown",
        response="GET: 200. PUT and DELETE: 504 / `50490`, but Apple applied the write",
        ratings=_LIKED,
        fault=Fault.WRITE_UNKNOWN,
    ),
)
"""Apple rejects every other token like the expired token."""

RATINGS: Final = {user.token: user.ratings for user in USERS if user.ratings is not None}
FAULTS: Final = {user.token: user.fault for user in USERS if user.fault is not None}
