"""A client writes ratings, and reads what it wrote."""

from __future__ import annotations

import pytest

from tests.e2e.running_service import RunningService

ADA, GRACE = "sample-user-token-ada", "sample-user-token-grace"
RATINGS = "/v1/me/ratings"


@pytest.mark.parametrize(
    "item",  # no other test reads or writes these items
    [
        "albums/1440000001",
        "library-albums/l.written1",
        "library-music-videos/i.written2",
        "library-playlists/p.written3",
        "library-songs/i.written4",
        "music-videos/1440000005",
        "playlists/pl.u-written6",
        "songs/1440000007",
        "stations/ra.cp-pl.u-written_8",
    ],
)
def test_a_client_reads_what_it_last_wrote(service: RunningService, item: str) -> None:
    target = f"{RATINGS}/{item}"
    for value in (1, -1, 1):
        written = service.put(target, ADA, value)
        assert (written.status, written.value) == (200, value)
        read = service.request(target, ADA)
        assert (read.status, read.value) == (200, value)
        assert "hit" in read.cache

    deleted = service.request(target, ADA, method="DELETE")
    assert (deleted.status, deleted.body) == (204, b"")
    assert service.request(target, ADA).error_code == "40400"
    assert service.request(target, ADA, method="DELETE").status == 204
    assert service.request(target, GRACE).error_code == "40400"


def test_a_write_with_a_library_id_is_read_with_the_catalog_id(service: RunningService) -> None:
    library, catalog = f"{RATINGS}/library-albums/l.qrRWYhq", f"{RATINGS}/albums/907242701"
    before = service.request(catalog, ADA).value

    service.put(library, ADA, -before)

    assert service.request(catalog, ADA).value == -before
    service.put(library, ADA, before)
