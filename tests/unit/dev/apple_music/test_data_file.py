"""A developer's own users and items, and the errors of an invalid file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dev.apple_music.data_file import Data, DataError, read_data
from dev.apple_music.ratings_store import ResourceId

SONG, CATALOG_SONG = ResourceId("library-songs", "i.abc"), ResourceId("songs", "123")


def read(tmp_path: Path, text: str) -> Data:
    file = tmp_path / "data.json"
    file.write_text(text, encoding="latin-1")
    return read_data(file)


def test_users_and_items_are_read(tmp_path: Path) -> None:
    users = '{"made-up-token-a": {"library-songs/i.abc": 1}, "made-up-token-b": {}}'
    ratings = {"made-up-token-a": {SONG: 1}, "made-up-token-b": {}}
    items = '[["library-songs/i.abc", "songs/123"]]'
    assert read(tmp_path, f'{{"users": {users}}}') == Data(ratings=ratings)
    assert read(tmp_path, f'{{"users": {users}, "items": {items}}}') == Data(
        ratings=ratings, items=((SONG, CATALOG_SONG),)
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ('{"users": {"\xff": {}}}', "is not JSON in UTF-8"),
        ("[]", "needs `users`"),
        ('{"items": []}', "needs `users`"),
        ('{"users": {}, "user": {}}', "nothing else"),
        ('{"users": {"made-up-token-a b": {}}}', "letters, digits and hyphens"),
        ('{"users": {"made-up-token-a": []}}', "needs an object of ratings for each user"),
        ('{"users": {"made-up-token-a": {"i.abc": 1}}}', '"i.abc" in place of a type and an id'),
        ('{"users": {"made-up-token-a": {"songs/i.abc": 1}}}', "in place of a type and an id"),
        ('{"users": {"made-up-token-a": {"songs/1": 2}}}', "neither 1 .like. nor -1"),
        ('{"users": {"made-up-token-a": {"songs/1": true}}}', "neither 1 .like. nor -1"),
        ('{"users": {}, "items": ["songs/1"]}', "lists of ids"),
        ('{"users": {}, "items": [[1]]}', "1 in place of a type and an id"),
        ('{"users": {}, "items": [["songs/1"], ["songs/1"]]}', "songs/1 twice"),
    ],
)
def test_an_invalid_file_is_reported_with_what_to_change_and_without_a_token(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path, text)
    assert "made-up-token" not in str(error.value)
    assert "\n" not in str(error.value)


def test_the_example_on_the_page_is_a_valid_file(tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs" / "local.md").read_text("utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert set(read(tmp_path, example).ratings) == {"my-token", "my-empty-token"}


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_data(tmp_path / "missing.json")
