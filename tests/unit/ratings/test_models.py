from functions.ratings.models import RATING_TYPES, MusicUserToken, RatingKey


def test_a_token_never_shows_itself() -> None:
    token = MusicUserToken("sample-user-token-ada")

    assert "sample-user-token-ada" not in f"{token!r} {token!s} {token.owner}"


def test_two_tokens_are_two_owners() -> None:
    assert MusicUserToken("ada").owner != MusicUserToken("grace").owner
    assert MusicUserToken("ada").owner == MusicUserToken("ada").owner
    assert len(MusicUserToken("ada").owner) == 64


def test_an_owner_has_the_same_name_in_every_release() -> None:
    """Else one release would not see what the one before has stored, nor what it has written."""
    assert MusicUserToken("ada").owner == (
        "ac079bc4e899d4a9f820044ffcef483ebfe88976240aec6509e89aee9081cf92"
    )


def test_the_two_forms_of_a_thing_are_one_family() -> None:
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
