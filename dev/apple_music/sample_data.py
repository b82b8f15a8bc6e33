"""Made-up users, and their ratings of the items in the examples of Apple's documentation."""

from __future__ import annotations

from typing import Final

from dev.apple_music.ratings_store import ResourceId

ADA: Final = "sample-user-token-ada"
GRACE: Final = "sample-user-token-grace"

LIKED_SONG: Final = ResourceId("library-songs", "i.7PJNN4mfXlD68R")

ITEMS: Final = (
    (LIKED_SONG, ResourceId("songs", "907242702")),
    (ResourceId("library-albums", "l.qrRWYhq"), ResourceId("albums", "907242701")),
    (
        ResourceId("library-music-videos", "i.NJv00rkTEaLK51"),
        ResourceId("music-videos", "1553279848"),
    ),
    (
        ResourceId("library-playlists", "p.MoGJYM3CYXW09B"),
        ResourceId("playlists", "pl.5b0194eaa170401e8986335d7e77aa4e"),
    ),
)
"""Items with a library id and a catalog id."""

RATINGS: Final = {
    ADA: {
        LIKED_SONG: 1,
        ResourceId("library-songs", "i.mmpYYzeu4J0XGD"): -1,
        ResourceId("library-albums", "l.qrRWYhq"): 1,
        ResourceId("library-music-videos", "i.NJv00rkTEaLK51"): -1,
        ResourceId("library-playlists", "p.MoGJYM3CYXW09B"): 1,
        ResourceId("albums", "310730204"): -1,
        ResourceId("music-videos", "639322181"): 1,
        ResourceId("stations", "ra.978194965"): 1,
    },
    GRACE: {
        LIKED_SONG: -1,
    },
}
"""1 is a like, -1 a dislike; all other items are not rated."""
