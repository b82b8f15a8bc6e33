import pytest

from tests.fakes.ratings_function import ADA, GRACE, SONG, InMemoryFunction


@pytest.fixture
def function() -> InMemoryFunction:
    """Ada likes four songs, Grace dislikes one of them."""
    function = InMemoryFunction()
    for item_id in ("i.a", "i.b", "i.c", "i.d"):
        function.apple.rate(ADA.value, item_id, 1)
    function.apple.rate(GRACE.value, SONG.id, -1)
    return function
