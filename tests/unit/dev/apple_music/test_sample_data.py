"""The sample users and items, and the page that lists them."""

from __future__ import annotations

import re
from pathlib import Path

from dev.apple_music.ratings_api import ID_PATTERNS
from dev.apple_music.sample_data import FAULTS, LIBRARY_ITEMS, RATINGS, SAMPLE_ITEMS, USERS
from functions.ratings.models import RATING_TYPES

PAGE = Path(__file__).parents[4] / "docs" / "local.md"


def rows(heading: str) -> list[str]:
    """Return the rows of the tables under a heading, without their first two lines."""
    section = PAGE.read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    tables = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    return [row for table in tables for row in table.splitlines()[2:]]


def test_the_page_lists_exactly_the_sample_users() -> None:
    assert rows("Sample users") == [
        f"| `{user.token}` | {user.case} | {user.response} |" for user in USERS
    ]


def test_the_page_lists_each_sample_item_and_the_first_and_last_library_item_of_each_type() -> None:
    listed = [
        f"| {item.title} | " + ", ".join(f"`{name.type}/{name.id}`" for name in item.ids) + " |"
        for item in SAMPLE_ITEMS
    ]
    *single, songs, albums, playlists = rows("Sample items")
    assert single == listed
    for row, first, last in (
        (songs, LIBRARY_ITEMS[0], LIBRARY_ITEMS[299]),
        (albums, LIBRARY_ITEMS[300], LIBRARY_ITEMS[324]),
        (playlists, LIBRARY_ITEMS[325], LIBRARY_ITEMS[334]),
    ):
        ids = ", ".join(f"`{name.type}/{name.id}`" for name in first.ids)
        assert row == f"| {first.title} to {last.title} | {ids} and so on |"


def test_every_user_has_its_own_token_which_the_secret_scan_knows() -> None:
    tokens = [user.token for user in USERS]
    assert len(set(tokens)) == len(tokens)
    assert all(token.startswith("sample-user-token-") for token in tokens)
    assert set(FAULTS) < set(RATINGS) < set(tokens)


def test_every_id_is_unique_and_valid_for_the_service_and_the_local_apple_music() -> None:
    names = [name for item in (*SAMPLE_ITEMS, *LIBRARY_ITEMS) for name in item.ids]
    assert len(set(names)) == len(names)
    for name in names:
        assert RATING_TYPES[name.type].id_pattern.fullmatch(name.id)
        assert ID_PATTERNS[name.type].fullmatch(name.id)
    assert {name for ratings in RATINGS.values() for name in ratings} <= set(names)
