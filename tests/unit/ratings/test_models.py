from functions.ratings.models import RATING_TYPES, MusicUserToken, RatingKey


def test_a_token_is_hidden_and_its_hash_is_the_same_in_every_release() -> None:
    """A release must find the ratings and writes of the previous release."""
    token = MusicUserToken("ada")

    assert "ada" not in f"{token!r} {token!s}"
    assert token.hash == "ac079bc4e899d4a9f820044ffcef483ebfe88976240aec6509e89aee9081cf92"


def test_the_catalog_and_the_library_type_of_an_item_are_one_family() -> None:
    families = {name: rating_type.family for name, rating_type in RATING_TYPES.items()}

    assert families == {
        "albums": "albums",
        "library-albums": "albums",
        "library-music-videos": "music-videos",
        "library-playlists": "playlists",
        "library-songs": "songs",
        "music-videos": "music-videos",
        "playlists": "playlists",
        "songs": "songs",
        "stations": "stations",
    }
    assert RatingKey(type="library-songs", id="i.a").family == "songs"
