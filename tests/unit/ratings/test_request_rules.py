from collections.abc import Sequence

import pytest

from functions.ratings.errors import (
    InvalidBodyError,
    InvalidIdError,
    InvalidParameterError,
    MissingParameterError,
    UnknownTypeError,
    UserTokenMalformedError,
)
from functions.ratings.models import RATING_TYPES, QueryOptions, RatingKey
from functions.ratings.request_rules import (
    music_user_token,
    query_options,
    rating_key,
    rating_keys,
    rating_value,
)

# The ids that Apple's own pages show, or are like them; the last of each is the longest taken.
GOOD_IDS = {
    "albums": ["1440935467", "1", "9" * 20],
    "library-albums": ["l.qrRWYhq", "l.1", "l." + "a" * 64],
    "library-music-videos": ["i.NJv00rkTEaLK51", "i.1", "i." + "z" * 64],
    "library-playlists": ["p.MoGJYM3CYXW09B", "p.1", "p." + "Z" * 64],
    "library-songs": ["i.7PJNN4mfXlD68R", "i.1", "i." + "Z" * 64],
    "music-videos": ["639322181", "1", "9" * 20],
    "playlists": [
        "pl.5b0194eaa170401e8986335d7e77aa4e",
        "pl.u-aBc",
        "pl.pm-20e9f373919da080",
        "pl." + "a" * 80,
    ],
    "songs": ["907242702", "1", "9" * 20],
    "stations": [
        "ra.978194965",
        "ra.u-aBc",
        "ra.q-MLC_Bw",
        "ra.cp-pl.u-GgA52LRcx6RVPBA",
        "ra." + "a" * 96,
    ],
}

# None of these is an id of any type.
ODD_IDS = [
    "",
    ".",
    "..",
    "i.",
    "i..",
    "i.a/../b",
    "i.a/b",
    "i.a%2Fb",
    "%2e%2e",
    "i.a\n",
    "i.a\r\nX: y",
    "i.a ",
    " i.a",
    "i.a\x00",
    "i.é",
    "i.１２３",
    "٣٤٥",
    "i.a?include=x",
    "i.a#b",
    "i.a;b",
    "I.abc",
    "i." + "a" * 65,
    "9" * 21,
    "-1",
    "1.0",
    "pl." + "a" * 81,
    "pl.a_b",
    "ra.",
    "ra..a",
    "ra.a..b",
    "ra.a..",
    "ra.a/b",
    "i%2",
    "i%252Ea",
    "i%2E",
    "i%2E%2Ea",
    "i%2E%2E/a",
    "ra%2E%2e",
    "ra.a%2E.b",
    "i.%41",
    "i.a%2Fb",
    "i%EF%BC%8Ea",
]


@pytest.mark.parametrize(
    ("name", "item_id"), [(name, item_id) for name in GOOD_IDS for item_id in GOOD_IDS[name]]
)
def test_the_ids_of_each_type_are_taken(name: str, item_id: str) -> None:
    assert rating_key(name, item_id) == RatingKey(type=name, id=item_id)


@pytest.mark.parametrize(("name", "longest"), [(name, GOOD_IDS[name][-1]) for name in GOOD_IDS])
def test_an_id_that_is_longer_is_not(name: str, longest: str) -> None:
    with pytest.raises(InvalidIdError):
        rating_key(name, longest + longest[-1])


@pytest.mark.parametrize(
    ("type_name", "sent", "item_id"),
    [
        ("library-songs", "i%2E7PJNN4mfXlD68R", "i.7PJNN4mfXlD68R"),
        ("library-songs", "i%2ea", "i.a"),
        ("stations", "ra%2Ecp-pl%2eu-a", "ra.cp-pl.u-a"),
    ],
)
def test_an_encoded_dot_in_a_path_equals_a_dot(type_name: str, sent: str, item_id: str) -> None:
    assert rating_key(type_name, sent) == RatingKey(type=type_name, id=item_id)


def test_every_type_has_an_example() -> None:
    assert GOOD_IDS.keys() == RATING_TYPES.keys()


@pytest.mark.parametrize("name", sorted(RATING_TYPES))
@pytest.mark.parametrize("item_id", ODD_IDS)
def test_nothing_else_is_an_id(name: str, item_id: str) -> None:
    with pytest.raises(InvalidIdError):
        rating_key(name, item_id)


@pytest.mark.parametrize(
    "name", ["", "artists", "Library-Songs", "library-songs\n", "songs/", ".."]
)
def test_a_type_that_apple_does_not_rate_is_unknown(name: str) -> None:
    with pytest.raises(UnknownTypeError):
        rating_key(name, "907242702")


@pytest.mark.parametrize("value", ["a", "A" * 4096, "Ag3k/+==", "!\"#$%&'()*+-./:;<=>?@[]^_`{|}~"])
def test_a_token_is_visible_ascii(value: str) -> None:
    assert music_user_token([value]).value == value


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["a", "a"],
        ["a,b"],
        ["a b"],
        ["a\r\nX-Other: b"],
        ["a\n"],
        ["a\r\n b"],
        ["a\x00"],
        ["a\x7f"],
        ["é"],
        ["A" * 4097],
    ],
)
def test_any_other_token_is_malformed(values: Sequence[str]) -> None:
    with pytest.raises(UserTokenMalformedError):
        music_user_token(values)


def test_the_parameters_that_apple_knows_are_taken_and_others_left() -> None:
    query = {"l": ("en-GB",), "include": ("content",), "extend": ("artistUrl,x",), "q": ("1",)}

    options = query_options(query)

    assert options == QueryOptions(language="en-GB", include="content", extend="artistUrl,x")
    assert options.query() == {"l": "en-GB", "include": "content", "extend": "artistUrl,x"}


def test_what_was_not_asked_for_is_not_sent() -> None:
    assert query_options({}) == QueryOptions()
    assert QueryOptions().query() == {}
    assert QueryOptions(extend="artistUrl").query() == {"extend": "artistUrl"}


def test_only_a_bare_rating_may_be_cached() -> None:
    assert query_options({"l": ("de",)}).bare
    assert not query_options({"include": ("content",)}).bare
    assert not query_options({"extend": ("artistUrl",)}).bare


FORTY = "a" + "-" * 39


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("l", "de"),
        ("l", "haw"),
        ("l", "zh-Hans-CN"),
        ("l", "zh-Hans-CN-abcdefgh"),
        ("include", FORTY),
        ("extend", ",".join([FORTY] * 10)),
    ],
)
def test_a_parameter_may_be_as_long_as_this(name: str, value: str) -> None:
    assert query_options({name: (value,)}).query() == {name: value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("l", "e"),
        ("l", "dede"),
        ("l", "de-A"),
        ("l", "de-abcdefghi"),
        ("l", "zh-Hans-CN-x1-x2"),
        ("l", "de,en"),
        ("include", FORTY + "-"),
        ("include", "-a"),
        ("include", "a,"),
        ("extend", ",".join(["a"] * 11)),
    ],
)
def test_a_parameter_may_not_be_longer_or_of_another_form(name: str, value: str) -> None:
    with pytest.raises(InvalidParameterError):
        query_options({name: (value,)})


@pytest.mark.parametrize("name", ["l", "include", "extend"])
@pytest.mark.parametrize("values", [(), ("",), ("a", "b"), ("a&b",), ("a b",), ("../x",), ("e\n",)])
def test_a_parameter_that_makes_no_sense_is_named(name: str, values: tuple[str, ...]) -> None:
    with pytest.raises(InvalidParameterError) as raised:
        query_options({name: values})

    assert raised.value.source is not None
    assert raised.value.source.document() == {"parameter": name}


def ids(*values: str) -> dict[str, Sequence[str]]:
    return {"ids": values}


def test_ids_keep_their_order_and_repeats_are_folded() -> None:
    keys = rating_keys("songs", ids("3,1,3,2,1"))

    assert keys == tuple(RatingKey(type="songs", id=item_id) for item_id in ("3", "1", "2"))


def test_a_hundred_ids_are_taken_and_one_more_is_not() -> None:
    hundred = ",".join(str(number) for number in range(100))

    assert len(rating_keys("songs", ids(hundred))) == 100
    assert len(rating_keys("songs", ids(f"{hundred},99"))) == 100
    with pytest.raises(InvalidParameterError):
        rating_keys("songs", ids(f"{hundred},100"))


@pytest.mark.parametrize("query", [{}, ids(""), ids()])
def test_no_ids_are_a_missing_parameter(query: dict[str, Sequence[str]]) -> None:
    with pytest.raises(MissingParameterError) as raised:
        rating_keys("songs", query)

    assert raised.value.source is not None
    assert raised.value.source.document() == {"parameter": "ids"}


@pytest.mark.parametrize(
    "query", [ids("1,i.a"), ids("1,"), ids(",1"), ids("1,,2"), ids("1, 2"), ids("1", "2"), ids("*")]
)
def test_a_bad_id_spoils_the_list(query: dict[str, Sequence[str]]) -> None:
    with pytest.raises(InvalidParameterError) as raised:
        rating_keys("songs", query)

    assert raised.value.source is not None
    assert raised.value.source.document() == {"parameter": "ids"}


def test_the_type_of_many_is_checked_too() -> None:
    with pytest.raises(UnknownTypeError):
        rating_keys("artists", ids("1"))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"type":"rating","attributes":{"value":1}}', 1),
        (b'{"type":"ratings","attributes":{"value":-1}}', -1),
        (b' {"attributes": {"value": 1, "x": {}}, "type": "ratings", "id": "i.a"}\n', 1),
        (b'{"type":"rating","attributes":{"value":1}}'.ljust(1024), 1),
        (b'{"attributes":{"value":-1}}', -1),
    ],
)
def test_a_rating_request_is_taken_as_apples_clients_write_it(body: bytes, value: int) -> None:
    assert rating_value(body) == value


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (None, ""),
        (b"", ""),
        (b"like", ""),
        (b"[]", ""),
        (b"1", ""),
        (b'{"type":"rating","attributes":{"value":1}} x', ""),
        (b'{"type":"rating","attributes":{"value":1}}{}', ""),
        (b'{"type":"rating","type":"rating","attributes":{"value":1}}', ""),
        (b'{"type":"rating","attributes":{"value":-1,"value":1}}', ""),
        (b'{"type":"rating","attributes":{"value":NaN}}', ""),
        (b'{"type":"rating","attributes":{"value":1},"x":-Infinity}', ""),
        ('{"type":"rating","attributes":{"value":1}}'.encode("utf-16"), ""),
        (b'\xef\xbb\xbf{"type":"rating","attributes":{"value":1}}', ""),
        (b'{"type":"rating\xff","attributes":{"value":1}}', ""),
        (b'{"type":"rating","attributes":{"value":1}}'.ljust(1025), ""),
        (b"[" * 1000, ""),
        (b'{"type":null,"attributes":{"value":1}}', "/type"),
        (b'{"type":"songs","attributes":{"value":1}}', "/type"),
        (b'{"type":["rating"],"attributes":{"value":1}}', "/type"),
        (b'{"type":"rating"}', "/attributes"),
        (b'{"type":"rating","attributes":[1]}', "/attributes"),
        *(
            (b'{"type":"rating","attributes":{"value":' + value + b"}}", "/attributes/value")
            for value in (
                b"0",
                b"2",
                b"-2",
                b"1.0",
                b"1e0",
                b'"1"',
                b"true",
                b"null",
                b"[1]",
                b"{}",
            )
        ),
        (b'{"type":"rating","attributes":{}}', "/attributes/value"),
    ],
)
def test_anything_else_is_no_rating_request_and_is_told_where(
    body: bytes | None, pointer: str
) -> None:
    with pytest.raises(InvalidBodyError) as raised:
        rating_value(body)

    assert raised.value.source is not None
    assert raised.value.source.document() == {"pointer": pointer}
