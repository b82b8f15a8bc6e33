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


def test_apple_is_asked_once_with_both_tokens() -> None:
    exchange = FakeExchange(RATED)

    assert get_one(exchange, options=QueryOptions(language="en-GB", include="content")).is_rated
    assert exchange.requests == [
        AppleRequest(method="GET", path=ITEM, query={"l": "en-GB", "include": "content"})
    ]
    assert exchange.headers == [
        {
            "Authorization": "Bearer developer.token.one",
            "Music-User-Token": "sample-user-token-ada",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }
    ]


def test_a_404_to_a_single_get_means_not_rated() -> None:
    assert get_one(FakeExchange(answer(404))) == NOT_RATED


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


@pytest.mark.parametrize("trouble", [answer(500), answer(404), AppleTooSlowError("late")])
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


@pytest.mark.parametrize("ask", [Asking.put, Asking.delete])
@pytest.mark.parametrize("accepted", [answer(200), answer(204)])
def test_a_write_after_a_lost_try_may_have_been_made_twice(
    ask: Callable[[Asking], Written], accepted: AppleResponse
) -> None:
    lost = AppleUnreachableError("ProtocolError")

    assert ask(Asking(FakeExchange(lost, accepted), retries=True)).once is False
    assert ask(Asking(FakeExchange(accepted))).once is True


def test_a_lost_try_is_not_forgotten_over_a_newer_developer_token() -> None:
    exchange = FakeExchange(AppleUnreachableError("ProtocolError"), REFUSED, answer(204))
    tokens = FakeDeveloperTokens(renewed="developer.token.two")

    assert Asking(exchange, tokens=tokens, retries=True).put().once is False


@pytest.mark.parametrize("none_rated", [answer(404), ok()])
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


@pytest.mark.parametrize(
    "odd",
    [
        answer(200),
        answer(200, "{}"),
        answer(200, ok(rating("i.a", -1)).body, content_type="text/html"),
        ok(),
        answer(204),
        ok(rating("x")),
    ],
)
def test_a_put_that_apple_accepts_without_a_clear_word_is_a_success(odd: AppleResponse) -> None:
    assert Asking(FakeExchange(odd)).put().rating is None


@pytest.mark.parametrize("response", [answer(204), answer(404)])
def test_a_deleted_rating_is_not_rated_and_neither_is_one_that_never_was(
    response: AppleResponse,
) -> None:
    exchange = FakeExchange(response)

    assert Asking(exchange).delete() == Written(rating=NOT_RATED)
    assert exchange.requests == [AppleRequest(method="DELETE", path=ITEM, query={"l": "de"})]
    assert exchange.headers[0]["Music-User-Token"] == "sample-user-token-ada"


def test_a_delete_that_apple_accepts_without_a_clear_word_is_a_success() -> None:
    assert Asking(FakeExchange(answer(200, "<html>"))).delete().rating is None


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
        (answer(206), AppleAnswerUnusableError),
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
    with pytest.raises(ItemNotFoundError):
        Asking(FakeExchange(answer(404))).put()


def test_whether_a_request_would_be_sent_is_told_beforehand_and_nothing_is_sent() -> None:
    exchange, clock = FakeExchange(RATED), FakeClock()
    asking = Upstream(
        exchange=retrying(exchange, clock), developer_tokens=FakeDeveloperTokens(), clock=clock
    )

    asking.allow(Deadline.after(6, clock))
    with pytest.raises(AppleNotAskedError, match="no time left"):
        asking.allow(Deadline.after(0.4, clock))

    assert exchange.requests == []
