from collections.abc import Sequence

import pytest

from functions.ratings.api.validation import (
    music_user_token,
    query_options,
    rating_key,
    rating_keys,
    rating_value,
)
from functions.ratings.errors import (
    InvalidBodyError,
    InvalidIdError,
    InvalidParameterError,
    InvalidUserTokenError,
    MissingParameterError,
    UnknownTypeError,
)
from functions.ratings.models import RATING_TYPES, QueryOptions, RatingKey

# Ids as Apple documents them; the last id of each type has the maximum length.
VALID_IDS = {
    "albums": ["1440935467", "1", "9" * 20],
    "library-albums": ["l.qrRWYhq", "l.1", "l." + "a" * 64],
    "library-music-videos": ["i.NJv00rkTEaLK51", "i.1", "i." + "z" * 64],
    "library-playlists": ["p.MoGJYM3CYXW09B", "p.1", "p." + "Z" * 64],
    "library-songs": ["i.7PJNN4mfXlD68R", "i.1", "i." + "Z" * 64],
    "music-videos": ["639322181", "1", "9" * 20],
    "playlists": ["pl.5b0194eaa170401e8986335d7e77aa4e", "pl.u-aBc", "pl." + "a" * 80],
    "songs": ["907242702", "1", "9" * 20],
    "stations": ["ra.978194965", "ra.q-MLC_Bw", "ra.cp-pl.u-GgA52LRcx6RVPBA", "ra." + "a" * 96],
}

INVALID_IDS = [
    *("", ".", "..", "i.", "i..", "ra.", "ra..a", "ra.a..b", "ra.a.."),  # dots
    *("i.a/../b", "i.a/b", "i.a%2Fb", "ra.a/b", "i%2E%2E/a"),  # slashes
    *("%2e%2e", "i%2", "i%252Ea", "i%2E", "i%2E%2Ea", "ra%2E%2e", "ra.a%2E.b"),  # encoded dots
    *("i.%41", "i%EF%BC%8Ea"),  # other encoded characters
    *("i.a\n", "i.a\r\nX: y", "i.a ", " i.a", "i.a\x00"),  # blanks and controls
    *("i.é", "i.１２３", "٣٤٥"),  # letters and digits beyond ASCII
    *("i.a?include=x", "i.a#b", "i.a;b", "pl.a_b", "I.abc", "-1", "1.0"),
    *("i." + "a" * 65, "9" * 21, "pl." + "a" * 81),
]


@pytest.mark.parametrize("type_name", sorted(RATING_TYPES))
def test_ids_of_each_type_are_valid_up_to_the_maximum_length(type_name: str) -> None:
    for item_id in VALID_IDS[type_name]:
        assert rating_key(type_name, item_id) == RatingKey(type=type_name, id=item_id)
    longest = VALID_IDS[type_name][-1]
    with pytest.raises(InvalidIdError):
        rating_key(type_name, longest + longest[-1])


@pytest.mark.parametrize("type_name", sorted(RATING_TYPES))
@pytest.mark.parametrize("item_id", INVALID_IDS)
def test_any_other_id_is_invalid(type_name: str, item_id: str) -> None:
    with pytest.raises(InvalidIdError):
        rating_key(type_name, item_id)


def test_an_encoded_dot_in_a_path_equals_a_dot() -> None:
    key = RatingKey(type="stations", id="ra.cp-pl.u-a")

    assert rating_key("stations", "ra%2Ecp-pl%2eu-a") == key


@pytest.mark.parametrize(
    "type_name", ["", "artists", "Library-Songs", "library-songs\n", "songs/", ".."]
)
def test_a_type_that_cannot_be_rated_is_unknown(type_name: str) -> None:
    with pytest.raises(UnknownTypeError):
        rating_key(type_name, "907242702")
    with pytest.raises(UnknownTypeError):
        rating_keys(type_name, {"ids": ["907242702"]})


@pytest.mark.parametrize("value", ["a", "A" * 4096, "Ag3k/+==", "!\"#$%&'()*+-./:;<=>?@[]^_`{|}~"])
def test_a_token_is_visible_ascii_without_a_comma(value: str) -> None:
    assert music_user_token([value]).value == value


@pytest.mark.parametrize(
    "values",
    [
        *([], ["a", "a"], ["a,b"]),
        *([""], ["a b"], ["a\r\nX-Other: b"], ["a\n"], ["a\r\n b"], ["a\x00"], ["a\x7f"], ["é"]),
        ["A" * 4097],
    ],
)
def test_any_other_token_is_invalid(values: Sequence[str]) -> None:
    with pytest.raises(InvalidUserTokenError):
        music_user_token(values)


def test_unknown_parameters_are_ignored() -> None:
    options = query_options({"l": ("en-GB",), "include": ("content",), "q": ("1",)})

    assert options == QueryOptions(language="en-GB", include="content")
    assert query_options({}) == QueryOptions()


LONGEST_NAME = "a" + "-" * 39


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("l", tag) for tag in ("de", "haw", "zh-Hans-CN", "zh-Hans-CN-abcdefgh")),
        ("include", LONGEST_NAME),
        ("extend", "artistUrl,x"),
        ("extend", ",".join(letter + "-" * 39 for letter in "abcdefghij")),
    ],
)
def test_a_parameter_is_valid_up_to_the_maximum_length(name: str, value: str) -> None:
    assert query_options({name: (value,)}).query() == {name: value}


@pytest.mark.parametrize("values", [(), ("",), ("en_US",), ("de", ""), ("_\r\nX: y",)])
def test_an_empty_language_or_one_with_an_underscore_is_ignored(values: tuple[str, ...]) -> None:
    assert query_options({"l": values}) == QueryOptions()


def test_the_last_of_several_languages_is_used() -> None:
    assert query_options({"l": ("x y", "de")}).language == "de"


@pytest.mark.parametrize("name", ["include", "extend"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [((), None), (("",), None), ((",",), None), (("a,",), "a"), (("a", "b,a"), "a,b")],
)
def test_the_names_in_include_and_extend_are_joined_without_duplicates(
    name: str, values: tuple[str, ...], expected: str | None
) -> None:
    for parameter in (name, f"{name}[]"):
        assert query_options({parameter: values}).query().get(name) == expected


@pytest.mark.parametrize(
    ("name", "values"),
    [
        *(("l", (tag,)) for tag in ("e", "dede", "de-A", "de-abcdefghi", "zh-Hans-CN-x1-x2")),
        *(("l", values) for values in (("de,en",), ("de", "e"), ("-de",))),
        *(("include", (names,)) for names in (LONGEST_NAME + "-", "-a", "a_b")),
        ("extend", (",".join("abcdefghijk"),)),
        *(
            (name, (value,))
            for name in ("l", "include", "extend")
            for value in ("a&b", "a b", "../x", "e\n")
        ),
    ],
)
def test_the_error_names_the_invalid_parameter(name: str, values: tuple[str, ...]) -> None:
    with pytest.raises(InvalidParameterError) as raised:
        query_options({name: values})

    assert raised.value.source == {"parameter": name}
    accepted = "a language tag such as en-GB" if name == "l" else "1 to 10 names"
    assert raised.value.detail.startswith(f"The query parameter {name} must be {accepted}")


@pytest.mark.parametrize(
    "query",
    [
        {"ids": ["3,1,3,2,1"]},
        {"ids": ["3,1,", ",,2"]},
        {"ids[]": ["3", "1", "2"]},
        {"ids": ["3"], "ids[]": ["1,2"]},
    ],
)
def test_ids_keep_their_order_and_duplicates_are_removed(query: dict[str, list[str]]) -> None:
    keys = rating_keys("songs", query)

    assert keys == tuple(RatingKey(type="songs", id=item_id) for item_id in ("3", "1", "2"))


def test_a_list_has_at_most_a_hundred_ids() -> None:
    hundred = ",".join(str(number) for number in range(100))

    assert len(rating_keys("songs", {"ids": [hundred]})) == 100
    assert len(rating_keys("songs", {"ids": [f"{hundred},99"]})) == 100
    with pytest.raises(InvalidParameterError):
        rating_keys("songs", {"ids": [f"{hundred},100"]})


@pytest.mark.parametrize(
    ("error", "query"),
    [
        *((MissingParameterError, query) for query in ({}, {"id": ["1"]}, {"ids[songs]": ["1"]})),
        *(
            (InvalidParameterError, {"ids": ids})
            for ids in ([], [""], [","], ["1,i.a"], ["1, 2"], ["*"], ["1", "x"])
        ),
        (InvalidParameterError, {"ids[]": ["x"]}),
    ],
)
def test_a_list_needs_ids_of_its_type(
    error: type[MissingParameterError | InvalidParameterError], query: dict[str, list[str]]
) -> None:
    with pytest.raises(error) as raised:
        rating_keys("songs", query)

    assert raised.value.source == {"parameter": "ids"}
    if error is InvalidParameterError:
        accepted = "1 to 100 ids of songs, separated by commas."
        assert raised.value.detail == f"The query parameter ids must be {accepted}"


LIKE = b'{"type":"rating","attributes":{"value":1}}'


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (LIKE, 1),
        (b'{"type":"ratings","attributes":{"value":-1}}', -1),
        (b' {"attributes": {"value": 1, "x": {}}, "type": "ratings", "id": "i.a"}\n', 1),
        (LIKE.ljust(1024), 1),
        *((b'{"attributes":{"value":' + value + b"}}", -1) for value in b"-1 -1.0 -1e0".split()),
    ],
)
def test_each_valid_form_of_a_body_is_read(body: bytes, value: int) -> None:
    assert rating_value(body) == value


@pytest.mark.parametrize(
    ("pointer", "body"),
    [
        ("", None),
        *(("", body) for body in (b"", b"like", b"[]", b"1", b"[" * 1000)),
        *(("", LIKE + rest) for rest in (b" x", b"{}", b" " * (1025 - len(LIKE)))),
        ("", b'{"type":"rating","type":"rating","attributes":{"value":1}}'),
        ("", b'{"type":"rating","attributes":{"value":-1,"value":1}}'),
        ("", b'{"type":"rating","attributes":{"value":NaN}}'),
        ("", b'{"type":"rating","attributes":{"value":1},"x":-Infinity}'),
        ("", LIKE.decode().encode("utf-16")),
        ("", b"\xef\xbb\xbf" + LIKE),
        ("", b'{"type":"rating\xff","attributes":{"value":1}}'),
        *(
            ("/type", b'{"type":' + name + b',"attributes":{"value":1}}')
            for name in (b"null", b'"songs"', b'["rating"]')
        ),
        ("/attributes", b'{"type":"rating"}'),
        ("/attributes", b'{"type":"rating","attributes":[1]}'),
        ("/attributes/value", b'{"type":"rating","attributes":{}}'),
        *(
            ("/attributes/value", b'{"type":"rating","attributes":{"value":' + value + b"}}")
            for value in b'0 2 -2 1.5 "1" true null [1] {}'.split()
        ),
    ],
)
def test_any_other_body_is_invalid_and_the_error_locates_the_fault(
    pointer: str, body: bytes | None
) -> None:
    with pytest.raises(InvalidBodyError) as raised:
        rating_value(body)

    assert raised.value.source == {"pointer": pointer}
