"""Made-up users who rated the items that Apple's documentation takes as examples."""

from __future__ import annotations

from typing import Final

from local.ratings_store import ResourceId

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
"""Items that are known by a library id and by a catalog id."""

RATINGS: Final = {
    ADA: {
        LIKED_SONG: 1,
        ResourceId("library-songs", "i.mmpYYzeu4J0XGD"): -1,
        ResourceId("library-albums", "l.qrRWYhq"): 1,
        ResourceId("library-music-videos", "i.NJv00rkTEaLK51"): -1,
        ResourceId("library-playlists", "p.MoGJYM3CYXW09B"): 1,
        ResourceId("songs", "900032829"): -1,
        ResourceId("albums", "310730204"): -1,
        ResourceId("music-videos", "639322181"): 1,
        ResourceId("playlists", "pl.u-8aAVZAJuxGWaRr"): -1,
        ResourceId("stations", "ra.978194965"): 1,
    },
    GRACE: {
        LIKED_SONG: -1,
        ResourceId("library-albums", "l.qrRWYhq"): -1,
        ResourceId("stations", "ra.985484166"): 1,
    },
}
"""1 for a like, -1 for a dislike; whatever is not here is not rated."""
