import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pytest

from functions.ratings.apple_music import AppleRequest, AppleResponse
from functions.ratings.deadline import Deadline
from functions.ratings.errors import (
    AppleAnswerUnusableError,
    AppleNotAskedError,
    AppleThrottlesError,
    AppleTooSlowError,
    AppleUnavailableError,
    AppleUnreachableError,
    DependencyError,
    DeveloperTokenMissingError,
    DeveloperTokenRefusedError,
    ItemNotFoundError,
    NotSignedInError,
    RatingsError,
    RequestRefusedError,
    RequestRejectedError,
    UserTokenRefusedError,
)
from functions.ratings.models import (
    NOT_RATED,
    MusicUserToken,
    QueryOptions,
    Rating,
    RatingKey,
    Written,
)
from functions.ratings.ratings_document import write_rating
from functions.ratings.retrying import RetryingExchange
from functions.ratings.upstream import Upstream, retry_after_seconds
from tests.fakes.apple_music import FakeExchange, answer, ok, rating
from tests.fakes.clock import FakeClock
from tests.fakes.developer_tokens import FakeDeveloperTokens
from tests.fakes.observer import RecordingObserver

KEY = RatingKey(type="library-songs", id="i.a")
ADA = MusicUserToken("sample-user-token-ada")
RATED = ok(rating("i.a"))
REFUSED = answer(401)
NOT_FOUND = '{"errors":[{"code":"40400"}]}'
NO_SUCH_ROUTE = '{"errors":[{"code":"40401"}]}'
TEST = "/v1/test"
ITEM = "/v1/me/ratings/library-songs/i.a"


def get_one(
    exchange: FakeExchange,
    tokens: FakeDeveloperTokens | None = None,
    options: QueryOptions | None = None,
) -> Rating:
    return upstream(exchange, tokens)(options=options or QueryOptions())


def upstream(
    exchange: FakeExchange,
    tokens: FakeDeveloperTokens | None = None,
    clock: FakeClock | None = None,
) -> "partial[Rating]":
    clock = clock or FakeClock()
    asking = Upstream(
        exchange=once_only(exchange, clock),
        developer_tokens=tokens or FakeDeveloperTokens(),
        clock=clock,
    )
    return partial(
        asking.get_one,
        ADA,
        KEY,
        options=QueryOptions(),
        deadline=Deadline.after(3600, clock),
        stand_in=True,
    )


def once_only(exchange: FakeExchange, clock: FakeClock) -> RetryingExchange:
    """An exchange whose budget for retries is spent: what is asked is asked once."""
    exchanging = retrying(exchange, clock)
    for _ in range(10):
        assert exchanging.budget.spend()
    return exchanging


def retrying(exchange: FakeExchange, clock: FakeClock) -> RetryingExchange:
    return RetryingExchange(
        exchange,
        clock=clock,
        sleep=clock.advance,
        chance=lambda: 0.5,
        observer=RecordingObserver(),
    )


def paths(exchange: FakeExchange) -> list[str]:
    return [request.path for request in exchange.requests]


OTHER = RatingKey(type="library-songs", id="i.b")
GERMAN = QueryOptions(language="de")


class Asking:
    """An upstream, and what is needed to ask it for anything, in German."""

    def __init__(
        self,
        exchange: FakeExchange,
        *,
        tokens: FakeDeveloperTokens | None = None,
        retries: bool = False,
    ) -> None:
        clock = FakeClock()
        self._upstream = Upstream(
            exchange=retrying(exchange, clock) if retries else once_only(exchange, clock),
            developer_tokens=tokens or FakeDeveloperTokens(),
            clock=clock,
        )
        self._deadline = Deadline.after(6, clock)

    def get_one(self, *, stand_in: bool = False) -> Rating:
        return self._upstream.get_one(ADA, KEY, GERMAN, self._deadline, stand_in=stand_in)

    def get_many(
        self, keys: Sequence[RatingKey] | None = None, *, stand_in: bool = False
    ) -> Mapping[RatingKey, Rating]:
        return self._upstream.get_many(
            ADA, keys or [KEY, OTHER], GERMAN, self._deadline, stand_in=stand_in
        )

    def put(self) -> Written:
        return self._upstream.put(ADA, KEY, -1, GERMAN, self._deadline)

    def delete(self) -> Written:
        return self._upstream.delete(ADA, KEY, GERMAN, self._deadline)


def test_apple_is_asked_once_with_both_tokens() -> None:
    exchange = FakeExchange(RATED)

    assert get_one(exchange, options=QueryOptions(language="en-GB", include="content")).is_rated
    assert exchange.requests == [
        AppleRequest(
            method="GET",
            path=ITEM,
            query={"l": "en-GB", "include": "content"},
            max_body_bytes=1_572_864,
        )
    ]
    assert exchange.headers == [
        {
            "Authorization": "Bearer developer.token.one",
            "Music-User-Token": "sample-user-token-ada",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }
    ]


@pytest.mark.parametrize(
    ("options", "cap"),
    [
        (QueryOptions(), 262_144),
        (QueryOptions(language="de"), 262_144),
        (QueryOptions(include="content"), 1_572_864),
        (QueryOptions(extend="artistUrl"), 1_572_864),
    ],
)
def test_the_cap_on_the_body_follows_the_request(options: QueryOptions, cap: int) -> None:
    exchange = FakeExchange(RATED)

    get_one(exchange, options=options)

    assert exchange.requests[0].max_body_bytes == cap


@pytest.mark.parametrize("body", ["", NOT_FOUND])
def test_a_404_to_a_single_get_means_not_rated(body: str) -> None:
    assert get_one(FakeExchange(answer(404, body))) == NOT_RATED


UNREADABLE = AppleTooSlowError("the body never came")
"""Why a body is unreadable: an error of its own kind, to see that it is the one that is raised."""


def unreadable(status: int, content_type: str = "application/json") -> AppleResponse:
    return answer(status, None, content_type=content_type, body_error=UNREADABLE)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (unreadable(400), RequestRefusedError),
        (unreadable(401), NotSignedInError),
        (unreadable(403), UserTokenRefusedError),
        (unreadable(403, "text/html"), UserTokenRefusedError),
        (unreadable(404), AppleAnswerUnusableError),
        (unreadable(405), RequestRejectedError),
        (unreadable(429), AppleThrottlesError),
        (unreadable(500), AppleUnreachableError),
        (unreadable(502), AppleUnreachableError),
        (unreadable(503), AppleUnavailableError),
        (unreadable(204), AppleAnswerUnusableError),
        (unreadable(302), AppleAnswerUnusableError),
    ],
)
def test_the_status_decides_also_if_the_body_is_unreadable(
    response: AppleResponse, error: type[RatingsError]
) -> None:
    with pytest.raises(error) as raised:
        get_one(FakeExchange(response, answer(200)))

    assert type(raised.value) is error


def test_a_200_without_a_readable_body_raises_why() -> None:
    for ask in (Asking.get_one, Asking.get_many):
        with pytest.raises(AppleTooSlowError) as raised:
            ask(Asking(FakeExchange(unreadable(200))))
        assert raised.value is UNREADABLE
    with pytest.raises(AppleAnswerUnusableError, match="unreadable"):
        get_one(FakeExchange(answer(200, None)))


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer(403, "<html>"), AppleAnswerUnusableError),
        (answer(403, "denied", content_type="text/html"), AppleAnswerUnusableError),
        (answer(403, content_type="text/html"), UserTokenRefusedError),
        (answer(403, '{"errors":[{"code":"40300"}]}'), UserTokenRefusedError),
        (answer(403, "denied", content_type=""), UserTokenRefusedError),
        (answer(404, "<html>", content_type="text/html"), AppleAnswerUnusableError),
        (answer(404, NO_SUCH_ROUTE), AppleAnswerUnusableError),
        (answer(404, "{}"), AppleAnswerUnusableError),
    ],
)
def test_an_edges_page_is_neither_a_rejection_nor_a_proof(
    response: AppleResponse, error: type[RatingsError]
) -> None:
    for ask in (Asking.get_one, Asking.get_many, Asking.put, Asking.delete):
        with pytest.raises(error) as raised:
            ask(Asking(FakeExchange(response)))
        assert type(raised.value) is error
        assert not raised.value.outcome_unknown or ask in (Asking.get_one, Asking.get_many)


TOKENS = {"user": "sample-user-token-ada", "ours": "developer.token.one", "new": "dev.token.two"}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
@pytest.mark.parametrize("escape", [str, lambda text: "".join(f"\\u{ord(c):04x}" for c in text)])
@pytest.mark.parametrize("options", [QueryOptions(), QueryOptions(include="content")])
def test_a_body_that_repeats_a_token_is_unusable(
    token: str, escape: Callable[[str], str], options: QueryOptions
) -> None:
    body = json.dumps({"data": [rating("i.a", x="TOKEN")]}).replace("TOKEN", escape(token))
    exchange = FakeExchange(answer(200, body))
    tokens = FakeDeveloperTokens(renewed="dev.token.two")
    if token == TOKENS["new"]:
        exchange.answers.insert(0, REFUSED)

    with pytest.raises(AppleAnswerUnusableError, match=r"^the body repeats a token$"):
        get_one(exchange, tokens, options)


def test_a_response_to_a_put_that_repeats_a_token_is_not_clear() -> None:
    body = json.dumps({"data": [rating("i.a", -1, x="sample-user-token-ada")]})

    assert Asking(FakeExchange(answer(200, body))).put() == Written(rating=None)


def test_a_403_that_repeats_a_token_is_a_rejection() -> None:
    with pytest.raises(UserTokenRefusedError):
        get_one(FakeExchange(answer(403, "<html>sample-user-token-ada")))


@pytest.mark.parametrize("member", ["errors", "next"])
def test_a_single_get_answered_by_errors_or_next_needs_its_rating(member: str) -> None:
    with_rating = answer(200, json.dumps({"data": [rating("i.a")], member: "x"}))
    without = answer(200, json.dumps({"data": [], member: "x"}))

    assert get_one(FakeExchange(with_rating)).is_rated
    with pytest.raises(AppleAnswerUnusableError):
        get_one(FakeExchange(without))


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer(400), RequestRefusedError),
        (answer(403), UserTokenRefusedError),
        (answer(429), AppleThrottlesError),
        (answer(500), AppleUnreachableError),
        (answer(502), AppleUnreachableError),
        (answer(503), AppleUnavailableError),
        (answer(504, "<html>"), AppleTooSlowError),
        (answer(200, "<html>"), AppleAnswerUnusableError),
        (answer(200, RATED.body, content_type="text/html"), AppleAnswerUnusableError),
        (ok(rating("i.other")), AppleAnswerUnusableError),
        *(
            (answer(status), AppleAnswerUnusableError)
            for status in (204, 206, 299, 301, 302, 304, 307, 308, 418, 520)
        ),
        *((answer(status), RequestRejectedError) for status in (402, 405, 406, 414, 431)),
    ],
)
def test_each_failure_has_its_meaning(response: AppleResponse, error: type[RatingsError]) -> None:
    exchange = FakeExchange(response)

    with pytest.raises(error) as raised:
        get_one(exchange)

    assert type(raised.value) is error
    assert len(exchange.requests) == 1


@pytest.mark.parametrize("status", [403, 405, 418, 500, 503])
def test_the_log_is_told_what_apple_answered(status: int) -> None:
    with pytest.raises(RatingsError, match=f"^{status} from Apple Music$"):
        get_one(FakeExchange(answer(status)))


def test_apples_code_for_a_bad_request_is_kept() -> None:
    with pytest.raises(RequestRefusedError) as raised:
        get_one(FakeExchange(answer(400, '{"errors":[{"code":"40015"}]}')))

    assert raised.value.code == "40015"


@pytest.mark.parametrize("status", [429, 503])
def test_what_apple_says_of_waiting_is_passed_on(status: int) -> None:
    with pytest.raises(DependencyError) as raised:
        get_one(FakeExchange(answer(status, retry_after="7")))

    assert raised.value.retry_after == 7


def test_a_date_to_wait_for_is_counted_from_now() -> None:
    with pytest.raises(AppleUnavailableError) as raised:
        get_one(FakeExchange(answer(503, retry_after="Fri, 15 Jan 2027 08:00:30 GMT")))

    assert raised.value.retry_after == 30


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 5),
        ("7", 7),
        (" 7 ", 7),
        ("0", 1),
        ("61", 60),
        ("9" * 400, 60),
        ("-5", 5),
        ("soon", 5),
        ("", 5),
        ("1.5", 5),
        ("٣", 5),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 1),
        ("Fri, 15 Jan 2038 08:00:30 GMT", 60),
        ("Fri, 99 Jan 2027 08:00:30 GMT", 5),
    ],
)
def test_retry_after_is_read_within_bounds(header: str | None, seconds: int) -> None:
    assert retry_after_seconds(header, now=1_800_000_000) == seconds


def test_a_401_to_a_good_developer_token_is_about_the_user() -> None:
    exchange = FakeExchange(REFUSED, answer(200))

    with pytest.raises(NotSignedInError):
        get_one(exchange)

    assert paths(exchange) == [ITEM, TEST]
    assert exchange.requests[1] == AppleRequest(method="GET", path=TEST)
    assert "Music-User-Token" not in exchange.headers[1]


@pytest.mark.parametrize("status", [401, 403])
def test_a_401_to_a_bad_developer_token_is_ours(status: int) -> None:
    with pytest.raises(DeveloperTokenRefusedError):
        get_one(FakeExchange(REFUSED, answer(status)))


def test_after_a_401_a_newer_developer_token_is_tried_once() -> None:
    tokens = FakeDeveloperTokens(renewed="developer.token.two")
    exchange = FakeExchange(REFUSED, RATED)

    assert get_one(exchange, tokens).is_rated
    assert exchange.headers[1] == {
        **exchange.headers[0],
        "Authorization": "Bearer developer.token.two",
    }
    assert tokens.seconds == [3600, 3600]


def test_a_401_costs_at_most_one_more_call_and_one_probe() -> None:
    exchange = FakeExchange(REFUSED, REFUSED, answer(200))

    with pytest.raises(NotSignedInError):
        get_one(exchange, FakeDeveloperTokens(renewed="developer.token.two"))

    assert paths(exchange) == [ITEM, ITEM, TEST]


def test_the_verdict_on_a_developer_token_is_kept_for_a_minute() -> None:
    clock = FakeClock()
    exchange = FakeExchange(REFUSED, answer(200), REFUSED, REFUSED, answer(401))
    ask = upstream(exchange, clock=clock)

    with pytest.raises(NotSignedInError):
        ask()
    clock.advance(59)
    with pytest.raises(NotSignedInError):
        ask()
    clock.advance(1)
    with pytest.raises(DeveloperTokenRefusedError):
        ask()

    assert paths(exchange) == [ITEM, TEST, ITEM, ITEM, TEST]


def test_a_verdict_is_about_one_token() -> None:
    tokens = FakeDeveloperTokens()
    exchange = FakeExchange(REFUSED, answer(401), REFUSED, REFUSED, answer(200))
    ask = upstream(exchange, tokens)

    with pytest.raises(DeveloperTokenRefusedError):
        ask()
    tokens.renewed = "developer.token.two"
    with pytest.raises(NotSignedInError):
        ask()


@pytest.mark.parametrize(
    "trouble", [answer(500), answer(404), answer(403, "<html>"), AppleTooSlowError("late")]
)
def test_a_401_that_cannot_be_settled_is_no_reason_for_an_old_answer(
    trouble: AppleResponse | DependencyError,
) -> None:
    with pytest.raises(DeveloperTokenRefusedError):
        get_one(FakeExchange(REFUSED, trouble))


def test_what_becomes_of_a_newer_tokens_call_is_told_as_it_is() -> None:
    """The 401 was about the older token: a write that is lost now may still have been made."""
    tokens = FakeDeveloperTokens(renewed="developer.token.two")

    with pytest.raises(AppleTooSlowError):
        get_one(FakeExchange(REFUSED, AppleTooSlowError("late")), tokens)


def test_without_a_developer_token_apple_is_not_asked() -> None:
    exchange = FakeExchange(RATED)

    with pytest.raises(DeveloperTokenMissingError):
        get_one(exchange, FakeDeveloperTokens(token=None))

    assert exchange.requests == []


def test_many_are_asked_for_in_one_call() -> None:
    exchange = FakeExchange(ok(rating("i.b", -1)))

    ratings = Asking(exchange).get_many()

    assert ratings[KEY] == NOT_RATED
    assert ratings[OTHER].is_rated
    assert exchange.requests == [
        AppleRequest(
            method="GET",
            path="/v1/me/ratings/library-songs",
            query={"ids": "i.a,i.b", "l": "de"},
        )
    ]
    assert exchange.headers[0]["Music-User-Token"] == "sample-user-token-ada"


@pytest.mark.parametrize("member", ["errors", "next"])
def test_of_many_only_what_is_rated_is_known_if_there_are_errors_or_next(member: str) -> None:
    body = json.dumps({"data": [rating("i.b")], member: [{"code": "50000"}]})

    ratings = Asking(FakeExchange(answer(200, body))).get_many()

    assert ratings.keys() == {OTHER}
    assert ratings[OTHER].is_rated


def test_many_may_be_one() -> None:
    exchange = FakeExchange(RATED)

    assert Asking(exchange).get_many([KEY])[KEY].is_rated
    assert exchange.requests[0].path == "/v1/me/ratings/library-songs"


@pytest.mark.parametrize("ask", [Asking.get_one, Asking.get_many])
@pytest.mark.parametrize(("stand_in", "requests"), [(False, 2), (True, 1)])
def test_a_throttled_read_is_tried_again_unless_there_is_a_copy(
    ask: Callable[..., object], stand_in: bool, requests: int
) -> None:
    exchange = FakeExchange(answer(429))

    with pytest.raises(AppleThrottlesError):
        ask(Asking(exchange, retries=True), stand_in=stand_in)

    assert len(exchange.requests) == requests


@pytest.mark.parametrize("ask", [Asking.put, Asking.delete])
def test_a_throttled_write_is_tried_again(ask: Callable[[Asking], Written]) -> None:
    exchange = FakeExchange(answer(429), answer(204))

    assert ask(Asking(exchange, retries=True)).once
    assert len(exchange.requests) == 2


LOST = [
    AppleUnreachableError("ProtocolError"),
    answer(500),
    answer(502),
    answer(503),
    answer(504, None),
]


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("ask", [Asking.put, Asking.delete])
def test_a_write_after_an_attempt_of_unknown_outcome_may_have_been_made_twice(
    ask: Callable[[Asking], Written], lost: AppleResponse | DependencyError
) -> None:
    assert ask(Asking(FakeExchange(lost, answer(204)), retries=True)).once is False
    assert ask(Asking(FakeExchange(answer(204)))).once is True


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("ask", [Asking.put, Asking.delete])
@pytest.mark.parametrize(
    ("then", "error"),
    [
        (answer(200, "<html>", content_type="text/html"), AppleAnswerUnusableError),
        (answer(200, None), AppleAnswerUnusableError),
        (answer(206), AppleAnswerUnusableError),
        (answer(302), AppleAnswerUnusableError),
        (answer(400), RequestRefusedError),
        (answer(403), UserTokenRefusedError),
        (answer(404, "<html>"), AppleAnswerUnusableError),
        (answer(405), RequestRejectedError),
        (answer(429), AppleThrottlesError),
        (answer(504), AppleTooSlowError),
        (AppleUnreachableError("ProtocolError"), AppleUnreachableError),
    ],
)
def test_after_an_attempt_of_unknown_outcome_an_unclear_retry_leaves_it_unknown(
    ask: Callable[[Asking], Written],
    lost: AppleResponse | DependencyError,
    then: AppleResponse | DependencyError,
    error: type[RatingsError],
) -> None:
    with pytest.raises(error) as raised:
        ask(Asking(FakeExchange(lost, then), retries=True))

    assert raised.value.outcome_unknown


def test_a_put_to_no_item_after_an_attempt_of_unknown_outcome_leaves_it_unknown() -> None:
    with pytest.raises(ItemNotFoundError) as raised:
        Asking(FakeExchange(answer(504), answer(404)), retries=True).put()

    assert raised.value.outcome_unknown


@pytest.mark.parametrize("ask", [Asking.put, Asking.delete])
def test_a_401_after_an_attempt_of_unknown_outcome_leaves_it_unknown(
    ask: Callable[[Asking], Written],
) -> None:
    with pytest.raises(NotSignedInError) as raised:
        ask(Asking(FakeExchange(answer(502), REFUSED, answer(200)), retries=True))
    assert raised.value.outcome_unknown

    with pytest.raises(NotSignedInError) as raised:
        ask(Asking(FakeExchange(REFUSED, answer(200))))
    assert not raised.value.outcome_unknown


@pytest.mark.parametrize("ask", [Asking.put, Asking.delete])
@pytest.mark.parametrize(
    ("response", "unknown"),
    [
        *((answer(status), False) for status in (301, 400, 403, 405, 409, 418, 429)),
        *((answer(status), True) for status in (500, 502, 503, 504, 520)),
        (AppleTooSlowError("late"), True),
        (AppleUnreachableError("reset"), True),
        (AppleAnswerUnusableError("framing"), True),
    ],
)
def test_the_outcome_of_a_single_attempt_is_unknown_without_a_definite_result(
    ask: Callable[[Asking], Written], response: AppleResponse | DependencyError, unknown: bool
) -> None:
    with pytest.raises(RatingsError) as raised:
        ask(Asking(FakeExchange(response)))

    assert raised.value.outcome_unknown is unknown


@pytest.mark.parametrize("ask", [Asking.put, Asking.delete])
def test_the_outcome_is_known_where_nothing_was_sent(ask: Callable[[Asking], Written]) -> None:
    with pytest.raises(DeveloperTokenMissingError) as raised:
        ask(Asking(FakeExchange(answer(204)), tokens=FakeDeveloperTokens(token=None)))

    assert not raised.value.outcome_unknown


def test_the_outcome_of_a_newer_tokens_call_counts() -> None:
    tokens = FakeDeveloperTokens(renewed="developer.token.two")

    with pytest.raises(AppleTooSlowError) as raised:
        Asking(FakeExchange(REFUSED, answer(504)), tokens=tokens).put()

    assert raised.value.outcome_unknown


def test_a_lost_try_is_not_forgotten_over_a_newer_developer_token() -> None:
    exchange = FakeExchange(AppleUnreachableError("ProtocolError"), REFUSED, answer(204))
    tokens = FakeDeveloperTokens(renewed="developer.token.two")

    assert Asking(exchange, tokens=tokens, retries=True).put().once is False


@pytest.mark.parametrize(
    "none_rated", [answer(404), answer(404, NOT_FOUND), ok(), answer(200, '{"data":null}')]
)
def test_that_none_of_many_is_rated_may_be_told_in_two_ways(none_rated: AppleResponse) -> None:
    ratings = Asking(FakeExchange(none_rated)).get_many()

    assert ratings == {KEY: NOT_RATED, OTHER: NOT_RATED}


@pytest.mark.parametrize(
    "response",
    [
        answer(500),
        answer(200, "<html>"),
        answer(200, RATED.body, content_type="text/html"),
        ok(rating("i.c")),
    ],
)
def test_many_fail_as_a_whole(response: AppleResponse) -> None:
    with pytest.raises(DependencyError):
        Asking(FakeExchange(response)).get_many()


def test_a_rating_is_put_as_apples_schema_asks() -> None:
    exchange = FakeExchange(ok(rating("i.a", -1)))

    written = Asking(exchange).put().rating

    assert written is not None
    assert written.is_rated
    assert exchange.requests == [
        AppleRequest(
            method="PUT",
            path=ITEM,
            query={"l": "de"},
            body=b'{"type":"ratings","attributes":{"value":-1}}',
        )
    ]
    assert exchange.headers[0]["Content-Type"] == "application/json"
    assert exchange.headers[0]["Music-User-Token"] == "sample-user-token-ada"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("body", ["", "{}", '{"data":[]}', ok(rating("i.a", -1)).body])
def test_a_put_is_accepted_by_four_statuses_and_a_clear_or_empty_body(
    status: int, body: str
) -> None:
    assert Asking(FakeExchange(answer(status, body))).put() == Written(rating=write_rating(KEY, -1))


@pytest.mark.parametrize(
    "odd",
    [
        answer(200, None),
        answer(201, "<html>", content_type="text/html"),
        answer(200, ok(rating("i.a", -1)).body, content_type="text/html"),
        ok(rating("x")),
        ok(rating("i.a", 1)),
        answer(203),
        answer(206),
        answer(299, "{}"),
    ],
)
def test_a_put_that_apple_accepts_in_another_way_is_a_success_without_an_answer(
    odd: AppleResponse,
) -> None:
    assert Asking(FakeExchange(odd)).put() == Written(rating=None)


@pytest.mark.parametrize("response", [answer(204), answer(404), answer(404, NOT_FOUND)])
def test_a_deleted_rating_is_not_rated_and_neither_is_one_that_never_was(
    response: AppleResponse,
) -> None:
    exchange = FakeExchange(response)

    assert Asking(exchange).delete() == Written(rating=NOT_RATED)
    assert exchange.requests == [AppleRequest(method="DELETE", path=ITEM, query={"l": "de"})]
    assert exchange.headers[0]["Music-User-Token"] == "sample-user-token-ada"


def test_a_delete_that_apple_accepts_without_a_clear_word_is_a_success() -> None:
    for response in (answer(200, "<html>"), answer(200), answer(202), answer(206, None)):
        assert Asking(FakeExchange(response)).delete() == Written(rating=None)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer(400), RequestRefusedError),
        (answer(403), UserTokenRefusedError),
        (answer(429), AppleThrottlesError),
        (answer(500), AppleUnreachableError),
        (answer(503), AppleUnavailableError),
        (answer(504), AppleTooSlowError),
        (answer(302), AppleAnswerUnusableError),
    ],
)
def test_a_failed_write_is_never_a_success(
    response: AppleResponse, error: type[RatingsError]
) -> None:
    with pytest.raises(error):
        Asking(FakeExchange(response)).put()
    with pytest.raises(error):
        Asking(FakeExchange(response)).delete()


def test_a_put_to_an_item_that_is_not_there_is_a_404() -> None:
    with pytest.raises(ItemNotFoundError) as raised:
        Asking(FakeExchange(answer(404))).put()
    assert not raised.value.outcome_unknown


def test_whether_a_request_would_be_sent_is_told_beforehand_and_nothing_is_sent() -> None:
    exchange, clock = FakeExchange(RATED), FakeClock()
    asking = Upstream(
        exchange=retrying(exchange, clock), developer_tokens=FakeDeveloperTokens(), clock=clock
    )

    asking.allow(Deadline.after(6, clock))
    with pytest.raises(AppleNotAskedError, match="no time left"):
        asking.allow(Deadline.after(0.4, clock))

    assert exchange.requests == []
