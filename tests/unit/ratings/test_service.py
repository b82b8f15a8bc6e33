from collections.abc import Callable, Mapping, Sequence

import pytest

from functions.ratings.cache_policy import CachePolicy, Generation
from functions.ratings.cache_status import CacheStatus
from functions.ratings.deadline import Deadline
from functions.ratings.errors import (
    AppleAnswerUnusableError,
    AppleNotAskedError,
    AppleThrottlesError,
    AppleTooSlowError,
    AppleUnavailableError,
    AppleUnreachableError,
    AppleUntrustedError,
    DependencyError,
    DeveloperTokenMissingError,
    DeveloperTokenRefusedError,
    IdentityError,
    NotSignedInError,
    RatingsError,
    RequestRefusedError,
    RequestRejectedError,
    UserTokenRefusedError,
)
from functions.ratings.metrics import Metric
from functions.ratings.models import (
    NOT_RATED,
    MusicUserToken,
    QueryOptions,
    Rating,
    RatingKey,
    RatingValue,
    Written,
)
from functions.ratings.read_plan import Reading
from functions.ratings.refused_tokens import RefusedTokens
from functions.ratings.service import RatingsService
from tests.fakes.clock import FakeClock
from tests.fakes.observer import RecordingObserver
from tests.fakes.response_cache import FakeResponseCache

POLICY = CachePolicy(fresh_seconds=60, stale_if_error_seconds=3600, deadline_seconds=6)
SONG = RatingKey(type="library-songs", id="i.a")
ADA, GRACE = MusicUserToken("sample-user-token-ada"), MusicUserToken("sample-user-token-grace")
LIKED, DISLIKED = Rating('{"id":"i.a","value":1}'), Rating('{"id":"i.a","value":-1}')

FAILURES = [
    AppleUnreachableError("x"),
    AppleUntrustedError("x"),
    AppleAnswerUnusableError("x"),
    AppleTooSlowError("x"),
    AppleUnavailableError("x", retry_after=5),
    AppleThrottlesError("x", retry_after=5),
    DeveloperTokenMissingError("x"),
]
REFUSALS = [
    NotSignedInError("x"),
    UserTokenRefusedError("x"),
    DeveloperTokenRefusedError("x"),
    RequestRefusedError("40015"),
    RequestRejectedError("x"),
]


class FakeUpstream:
    """Answers each user with what is laid out, and counts."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.calls = 0
        self.answers: dict[MusicUserToken, Rating | RatingsError] = {ADA: LIKED, GRACE: DISLIKED}
        self.seconds: list[float] = []
        self.wanted: list[list[str]] = []
        self.written: Rating | RatingsError | None = DISLIKED
        self.once = True
        self.left_out: set[str] = set()
        self.takes = 0.0
        self.stand_ins: list[bool] = []
        self.allowed: list[float] = []
        self.hindered: AppleNotAskedError | None = None
        self.languages: list[str | None] = []
        self.writes: list[tuple[MusicUserToken, RatingKey, RatingValue | None, QueryOptions]] = []
        self.while_writing: Callable[[], object] = lambda: None

    def allow(self, deadline: Deadline) -> None:
        self.allowed.append(deadline.remaining())
        if self.hindered is not None:
            raise self.hindered

    def get_one(
        self,
        token: MusicUserToken,
        key: RatingKey,
        options: QueryOptions,
        deadline: Deadline,
        *,
        stand_in: bool,
    ) -> Rating:
        self.stand_ins.append(stand_in)
        self.languages.append(options.language)
        assert key == SONG
        self.calls += 1
        self.seconds.append(deadline.remaining())
        answer = self.answers[token]
        self.clock.advance(self.takes)
        if isinstance(answer, RatingsError):
            raise answer
        return answer

    def get_many(
        self,
        token: MusicUserToken,
        keys: Sequence[RatingKey],
        options: QueryOptions,
        deadline: Deadline,
        *,
        stand_in: bool,
    ) -> Mapping[RatingKey, Rating]:
        self.stand_ins.append(stand_in)
        self.languages.append(options.language)
        self.calls += 1
        self.wanted.append([key.id for key in keys])
        self.seconds.append(deadline.remaining())
        answer = self.answers[token]
        if isinstance(answer, RatingsError):
            raise answer
        return {key: answer for key in keys if key.id not in self.left_out}

    def put(
        self,
        token: MusicUserToken,
        key: RatingKey,
        value: RatingValue,
        options: QueryOptions,
        deadline: Deadline,
    ) -> Written:
        self.writes.append((token, key, value, options))
        return self._write(deadline)

    def delete(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> Written:
        self.writes.append((token, key, None, options))
        return self._write(deadline)

    def _write(self, deadline: Deadline) -> Written:
        self.calls += 1
        self.seconds.append(deadline.remaining())
        self.while_writing()
        if isinstance(self.written, RatingsError):
            raise self.written
        return Written(rating=self.written, once=self.once)


class Backend:
    """The service, and everything that it was given."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.cache = FakeResponseCache(POLICY)
        self.upstream = FakeUpstream(self.clock)
        self.observer = RecordingObserver()
        self.service = RatingsService(
            cache=self.cache,
            upstream=self.upstream,
            policy=POLICY,
            clock=self.clock,
            refused_tokens=RefusedTokens(self.clock),
            observer=self.observer,
        )

    def get(self, token: MusicUserToken = ADA, options: QueryOptions | None = None) -> Reading:
        deadline = Deadline.after(6, self.clock)
        return self.service.get_one(token, SONG, options or QueryOptions(), deadline)

    def get_many(
        self, *ids: str, options: QueryOptions | None = None, seconds: float = 6
    ) -> Reading:
        keys = [RatingKey(type="library-songs", id=item_id) for item_id in ids]
        deadline = Deadline.after(seconds, self.clock)
        return self.service.get_many(ADA, keys, options or QueryOptions(), deadline)

    def put(self, key: RatingKey = SONG, options: QueryOptions | None = None) -> Rating:
        deadline = Deadline.after(6, self.clock)
        return self.service.put(ADA, key, -1, options or QueryOptions(), deadline)

    def delete(self, key: RatingKey = SONG, options: QueryOptions | None = None) -> None:
        deadline = Deadline.after(6, self.clock)
        self.service.delete(ADA, key, options or QueryOptions(), deadline)


@pytest.fixture
def backend() -> Backend:
    return Backend()


def test_a_miss_is_fetched_and_stored(backend: Backend) -> None:
    assert backend.get() == Reading(
        ratings=(LIKED,), cache_status=CacheStatus(fwd="miss", stored=True), age=None
    )
    assert (backend.cache.calls, backend.upstream.calls) == (["read", "store"], 1)


def test_a_hit_asks_the_cache_once_and_nobody_else(backend: Backend) -> None:
    backend.get()
    backend.clock.advance(18)

    assert backend.get() == Reading(ratings=(LIKED,), cache_status=CacheStatus(ttl=42), age=18)
    assert (backend.cache.calls, backend.upstream.calls) == (["read", "store", "read"], 1)


def test_that_there_is_no_rating_is_remembered_too(backend: Backend) -> None:
    backend.upstream.answers[ADA] = NOT_RATED
    backend.get()

    assert backend.get() == Reading(ratings=(NOT_RATED,), cache_status=CacheStatus(ttl=60), age=0)


def test_another_users_answer_is_never_seen(backend: Backend) -> None:
    assert backend.get(ADA).ratings == (LIKED,)
    assert backend.get(GRACE).ratings == (DISLIKED,)
    assert backend.get(ADA).ratings == (LIKED,)
    assert backend.upstream.calls == 2


def test_past_its_fresh_time_a_rating_is_asked_for_again(backend: Backend) -> None:
    backend.get()
    backend.upstream.answers[ADA] = DISLIKED
    backend.clock.advance(60)

    assert backend.get() == Reading(
        ratings=(DISLIKED,), cache_status=CacheStatus(fwd="stale", stored=True), age=None
    )
    assert backend.get().cache_status == CacheStatus(ttl=60)


@pytest.mark.parametrize("failure", FAILURES[:-1], ids=lambda failure: type(failure).__name__)
def test_when_apple_fails_a_stale_rating_stands_in_and_says_so(
    backend: Backend, failure: DependencyError
) -> None:
    backend.get()
    backend.upstream.answers[ADA] = failure
    backend.clock.advance(90)

    assert backend.get() == Reading(
        ratings=(LIKED,),
        cache_status=CacheStatus(fwd="stale", ttl=-30, detail="stale-if-error"),
        age=90,
    )


def test_with_a_stale_rating_at_hand_apple_is_not_waited_for_long(backend: Backend) -> None:
    backend.get()
    backend.clock.advance(90)
    backend.get()

    assert backend.upstream.seconds == pytest.approx([5.4, 1.5])


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_past_the_hard_limit_nothing_stands_in(backend: Backend, failure: DependencyError) -> None:
    backend.get()
    backend.upstream.answers[ADA] = failure
    backend.clock.advance(3660)

    with pytest.raises(type(failure)) as raised:
        backend.get()

    assert raised.value.cache_status == CacheStatus(fwd="miss")


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: type(refusal).__name__)
def test_when_apple_refuses_no_copy_stands_in(backend: Backend, refusal: IdentityError) -> None:
    backend.get()
    backend.upstream.answers[ADA] = refusal
    backend.clock.advance(90)

    with pytest.raises(type(refusal)) as raised:
        backend.get()

    assert raised.value.cache_status == CacheStatus(fwd="stale")


@pytest.mark.parametrize("error", [*FAILURES, *REFUSALS], ids=lambda error: type(error).__name__)
def test_an_error_is_never_stored(backend: Backend, error: RatingsError) -> None:
    backend.upstream.answers[ADA] = error

    with pytest.raises(type(error)):
        backend.get()

    assert "store" not in backend.cache.calls


def test_without_the_cache_apple_answers_and_nothing_is_stored(backend: Backend) -> None:
    backend.cache.failing.add("read")

    assert backend.get() == Reading(ratings=(LIKED,), cache_status=CacheStatus(fwd="bypass"))
    assert "store" not in backend.cache.calls
    assert backend.observer.counted == {Metric.CACHE_READ_FAILED: 1}
    assert backend.observer.reasons == ["told to fail"]


def test_without_the_cache_there_is_no_copy_to_spare_apple_for(backend: Backend) -> None:
    backend.get()
    backend.clock.advance(90)
    backend.cache.failing.add("read")
    backend.get()

    assert backend.upstream.stand_ins == [False, False]
    assert backend.upstream.seconds == pytest.approx([5.4, 5.4])


def test_without_the_cache_and_without_apple_the_error_is_apples(backend: Backend) -> None:
    backend.cache.failing.add("read")
    backend.upstream.answers[ADA] = AppleTooSlowError("x")

    with pytest.raises(AppleTooSlowError) as raised:
        backend.get()

    assert raised.value.cache_status == CacheStatus(fwd="bypass")


def test_an_answer_that_could_not_be_stored_is_an_answer(backend: Backend) -> None:
    backend.cache.failing.add("store")

    assert backend.get() == Reading(ratings=(LIKED,), cache_status=CacheStatus(fwd="miss"))
    assert backend.observer.counted == {Metric.CACHE_STORE_FAILED: 1}
    assert backend.observer.reasons == ["told to fail"]


def test_a_rating_of_an_older_generation_is_a_miss(backend: Backend) -> None:
    backend.get()
    backend.cache.generations[ADA.owner, "songs"] = Generation(number=1)
    backend.upstream.answers[ADA] = DISLIKED

    assert backend.get() == Reading(
        ratings=(DISLIKED,), cache_status=CacheStatus(fwd="miss", stored=True)
    )
    assert backend.get().ratings == (DISLIKED,)


def test_while_a_write_settles_nothing_is_stored(backend: Backend) -> None:
    backend.cache.generations[ADA.owner, "songs"] = Generation(
        number=1, settling_until=backend.clock.time()
    )

    assert backend.get().cache_status == CacheStatus(fwd="miss")
    backend.clock.advance(0.1)
    assert backend.get().cache_status == CacheStatus(fwd="miss", stored=True)


def test_under_an_unknown_generation_nothing_is_stored(backend: Backend) -> None:
    backend.cache.generations[ADA.owner, "songs"] = None

    assert backend.get().cache_status == CacheStatus(fwd="miss")
    assert "store" not in backend.cache.calls


@pytest.mark.parametrize(
    "options", [QueryOptions(include="content"), QueryOptions(extend="artistUrl")]
)
def test_more_than_a_bare_rating_passes_the_cache_by(
    backend: Backend, options: QueryOptions
) -> None:
    backend.get()

    assert backend.get(options=options).cache_status == CacheStatus(fwd="bypass")
    assert backend.get_many("i.b", "i.a", options=options) == Reading(
        ratings=(LIKED, LIKED), cache_status=CacheStatus(fwd="bypass")
    )
    assert backend.cache.calls == ["read", "store"]


def test_the_language_is_asked_for_whatever_is_read(backend: Backend) -> None:
    german = QueryOptions(language="de")
    backend.get(options=german)
    backend.get_many("i.b", options=german)

    assert backend.upstream.languages == ["de", "de"]


def test_of_many_apple_is_asked_only_for_what_the_cache_lacks(backend: Backend) -> None:
    backend.get_many("i.b", "i.d")
    backend.clock.advance(18)

    reading = backend.get_many("i.a", "i.b", "i.c", "i.d")

    assert backend.upstream.wanted == [["i.b", "i.d"], ["i.a", "i.c"]]
    assert reading == Reading(
        ratings=(LIKED,) * 4, cache_status=CacheStatus(fwd="partial", stored=True), age=18
    )


def test_many_that_are_all_cached_are_a_hit(backend: Backend) -> None:
    backend.get_many("i.a")
    backend.clock.advance(10)
    backend.get_many("i.a", "i.b")

    assert backend.get_many("i.b", "i.a") == Reading(
        ratings=(LIKED, LIKED), cache_status=CacheStatus(ttl=50), age=10
    )


def test_what_apple_leaves_out_of_many_is_not_asked_for_again(backend: Backend) -> None:
    backend.upstream.answers[ADA] = NOT_RATED
    backend.get_many("i.a", "i.b")

    assert backend.get_many("i.a", "i.b").cache_status == CacheStatus(ttl=60)
    assert backend.upstream.calls == 1


def test_what_apple_leaves_out_without_proof_is_left_out_and_not_stored(backend: Backend) -> None:
    backend.upstream.left_out = {"i.a", "i.c"}

    assert backend.get_many("i.a", "i.b", "i.c") == Reading(
        ratings=(NOT_RATED, LIKED, NOT_RATED), cache_status=CacheStatus(fwd="miss", stored=True)
    )
    assert backend.get_many("i.a", "i.b", "i.c").cache_status.fwd == "partial"
    assert backend.upstream.wanted == [["i.a", "i.b", "i.c"], ["i.a", "i.c"]]


def test_if_nothing_of_a_response_is_proven_nothing_is_stored(backend: Backend) -> None:
    backend.upstream.left_out = {"i.a", "i.b"}

    assert backend.get_many("i.a", "i.b") == Reading(
        ratings=(NOT_RATED, NOT_RATED), cache_status=CacheStatus(fwd="miss")
    )
    assert "store" not in backend.cache.calls
    past_the_cache = backend.get_many("i.a", "i.b", options=QueryOptions(include="content"))
    assert past_the_cache.ratings == (NOT_RATED, NOT_RATED)


def test_when_apple_fails_many_are_stale_or_an_error_but_never_a_part(backend: Backend) -> None:
    backend.get_many("i.a")
    backend.clock.advance(30)
    backend.get_many("i.b")
    backend.upstream.answers[ADA] = AppleTooSlowError("x")
    backend.clock.advance(60)

    assert backend.get_many("i.a", "i.b") == Reading(
        ratings=(LIKED, LIKED),
        cache_status=CacheStatus(fwd="stale", ttl=-30, detail="stale-if-error"),
        age=90,
    )
    with pytest.raises(AppleTooSlowError) as raised:
        backend.get_many("i.a", "i.b", "i.c")
    assert raised.value.cache_status == CacheStatus(fwd="miss")


def test_fresh_and_stale_together_may_stand_in_too(backend: Backend) -> None:
    backend.get_many("i.a")
    backend.clock.advance(90)
    backend.get_many("i.b")
    backend.upstream.answers[ADA] = AppleTooSlowError("x")

    assert backend.get_many("i.a", "i.b") == Reading(
        ratings=(LIKED, LIKED),
        cache_status=CacheStatus(fwd="partial", ttl=-30, detail="stale-if-error"),
        age=90,
    )


def test_a_hundred_keep_back_the_time_to_store_them(backend: Backend) -> None:
    backend.get_many(*(f"i.{number}" for number in range(100)))

    assert backend.upstream.seconds == pytest.approx([6 - 4 * 0.6])


def test_where_time_is_short_half_of_it_is_apples(backend: Backend) -> None:
    backend.get_many(*(f"i.{number}" for number in range(100)), seconds=3)

    assert backend.upstream.seconds == pytest.approx([1.5])


def test_a_write_is_announced_sent_closed_and_its_answer_stored(backend: Backend) -> None:
    announced: list[list[str]] = []
    backend.upstream.while_writing = lambda: announced.append(backend.cache.calls.copy())

    assert backend.put() == DISLIKED

    assert backend.upstream.writes == [(ADA, SONG, -1, QueryOptions())]
    assert announced == [["open_write"]]
    assert backend.cache.calls == ["open_write", "close_write", "store"]
    assert backend.upstream.seconds == pytest.approx([5])


def test_a_delete_is_sent_as_it_was_asked_for(backend: Backend) -> None:
    backend.delete(options=QueryOptions(language="de"))

    assert backend.upstream.writes == [(ADA, SONG, None, QueryOptions(language="de"))]


def test_a_client_reads_what_it_last_wrote(backend: Backend) -> None:
    backend.get()
    for written in (DISLIKED, LIKED, DISLIKED):
        backend.upstream.written = written
        backend.put()
        assert backend.get() == Reading(ratings=(written,), cache_status=CacheStatus(ttl=60), age=0)
    backend.upstream.written = NOT_RATED
    backend.delete()
    assert backend.get().ratings == (NOT_RATED,)


def test_a_write_to_the_library_form_makes_the_catalog_form_old(backend: Backend) -> None:
    backend.get()
    backend.put(RatingKey(type="songs", id="907242702"))

    assert backend.get().cache_status == CacheStatus(fwd="miss")


def test_after_a_write_apples_answers_are_not_stored_until_they_have_settled(
    backend: Backend,
) -> None:
    backend.put(RatingKey(type="songs", id="907242702"))
    backend.clock.advance(5)
    assert backend.get().cache_status == CacheStatus(fwd="miss")
    backend.clock.advance(0.1)
    assert backend.get().cache_status == CacheStatus(fwd="miss", stored=True)
    assert backend.get().cache_status == CacheStatus(ttl=60)


def test_a_write_without_a_clear_answer_is_answered_from_the_request(backend: Backend) -> None:
    backend.upstream.written = None

    rating = backend.put()

    assert rating.resource == (
        '{"id":"i.a","type":"ratings","href":"/v1/me/ratings/library-songs/i.a",'
        '"attributes":{"value":-1}}'
    )
    assert backend.cache.calls == ["open_write", "close_write"]


@pytest.mark.parametrize(
    "failure",
    [failure for failure in FAILURES if not isinstance(failure, DeveloperTokenMissingError)],
    ids=lambda failure: type(failure).__name__,
)
def test_after_an_unknown_outcome_nothing_is_stored_for_a_minute(
    backend: Backend, failure: DependencyError
) -> None:
    backend.get()
    backend.upstream.written = failure
    with pytest.raises(type(failure)):
        backend.put()

    backend.clock.advance(60)
    assert backend.get().cache_status == CacheStatus(fwd="miss")
    backend.clock.advance(0.1)
    assert backend.get().cache_status == CacheStatus(fwd="miss", stored=True)


def test_after_a_defect_the_outcome_is_unknown_and_the_write_closed(backend: Backend) -> None:
    def defect() -> None:
        raise LookupError

    backend.upstream.while_writing = defect
    with pytest.raises(LookupError):
        backend.put()

    assert backend.cache.calls == ["open_write", "close_write"]
    backend.clock.advance(60)
    assert backend.get().cache_status == CacheStatus(fwd="miss")


def test_a_stale_rating_that_grew_too_old_while_apple_was_asked_is_none(backend: Backend) -> None:
    backend.get()
    backend.clock.advance(3659)
    backend.upstream.answers[ADA] = AppleTooSlowError("x")
    backend.upstream.takes = 1.5

    with pytest.raises(AppleTooSlowError):
        backend.get()


def test_a_stale_rating_is_as_old_as_it_is_when_it_is_served(backend: Backend) -> None:
    backend.get()
    backend.clock.advance(90)
    backend.upstream.answers[ADA] = AppleTooSlowError("x")
    backend.upstream.takes = 1.5

    reading = backend.get()

    assert (reading.age, reading.cache_status.ttl) == (91, -31)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: type(refusal).__name__)
def test_a_refused_write_after_an_attempt_of_unknown_outcome_is_unknown(
    backend: Backend, refusal: IdentityError
) -> None:
    backend.upstream.written = type(refusal)("x")
    backend.upstream.written.outcome_unknown = True
    with pytest.raises(type(refusal)):
        backend.put()

    backend.clock.advance(60)
    assert backend.get().cache_status == CacheStatus(fwd="miss")
    backend.clock.advance(0.1)
    assert backend.get().cache_status == CacheStatus(fwd="miss", stored=True)


def test_a_failed_write_with_a_definite_result_is_not_unknown(backend: Backend) -> None:
    backend.upstream.written = AppleThrottlesError("429")
    backend.upstream.written.outcome_unknown = False
    with pytest.raises(AppleThrottlesError):
        backend.put()

    backend.clock.advance(5.1)
    assert backend.get().cache_status == CacheStatus(fwd="miss", stored=True)


def test_after_an_attempt_of_unknown_outcome_nothing_is_stored_for_a_minute(
    backend: Backend,
) -> None:
    backend.upstream.once = False

    assert backend.put() == DISLIKED

    assert backend.cache.calls == ["open_write", "close_write"]
    backend.clock.advance(60)
    assert backend.get().cache_status == CacheStatus(fwd="miss")
    backend.clock.advance(0.1)
    assert backend.get().cache_status == CacheStatus(fwd="miss", stored=True)


@pytest.mark.parametrize("failure", [AppleNotAskedError("x"), DeveloperTokenMissingError("x")])
def test_a_write_that_was_never_sent_is_no_unknown_outcome(
    backend: Backend, failure: DependencyError
) -> None:
    backend.upstream.written = failure
    with pytest.raises(type(failure)):
        backend.put()

    backend.clock.advance(5.1)
    assert backend.get().cache_status == CacheStatus(fwd="miss", stored=True)


@pytest.mark.parametrize("failure", [AppleNotAskedError("x"), DeveloperTokenMissingError("x")])
def test_when_apple_is_not_asked_a_stale_rating_is_a_hit(
    backend: Backend, failure: DependencyError
) -> None:
    backend.get()
    backend.upstream.answers[ADA] = failure
    backend.clock.advance(90)

    assert backend.get().cache_status == CacheStatus(ttl=-30, detail="stale-if-error")


def test_a_write_that_would_not_be_sent_is_not_announced_either(backend: Backend) -> None:
    backend.upstream.hindered = AppleNotAskedError("no time left to ask", retry_after=1)

    with pytest.raises(AppleNotAskedError):
        backend.put()

    assert (backend.cache.calls, backend.upstream.calls) == ([], 0)
    # What the write would have, once the time to close it is kept back.
    assert backend.upstream.allowed == [5.0]
    assert backend.observer.counted == {Metric.UPSTREAM_NOT_ASKED: 1}


NOTICED = {
    AppleUnreachableError: Metric.UPSTREAM_UNREACHABLE,
    AppleUntrustedError: Metric.UPSTREAM_UNTRUSTED,
    AppleAnswerUnusableError: Metric.UPSTREAM_UNUSABLE,
    RequestRejectedError: Metric.UPSTREAM_UNUSABLE,
    AppleTooSlowError: Metric.UPSTREAM_TOO_SLOW,
    AppleUnavailableError: Metric.UPSTREAM_UNAVAILABLE,
    AppleThrottlesError: Metric.UPSTREAM_THROTTLED,
    DeveloperTokenMissingError: Metric.NO_DEVELOPER_TOKEN,
    DeveloperTokenRefusedError: Metric.NO_DEVELOPER_TOKEN,
}
UNNOTICED = [NotSignedInError, UserTokenRefusedError, RequestRefusedError]


@pytest.mark.parametrize("error", [*FAILURES, *REFUSALS], ids=lambda error: type(error).__name__)
def test_what_fails_is_counted_by_its_kind_and_what_is_the_users_is_not(
    backend: Backend, error: RatingsError
) -> None:
    backend.upstream.answers[ADA] = backend.upstream.written = error
    for ask in (backend.get, lambda: backend.get_many("i.a", "i.b"), backend.put, backend.delete):
        backend.observer.counted.clear()
        backend.clock.advance(20)  # a refused token is not remembered that long
        with pytest.raises(type(error)):
            ask()

        told = {NOTICED[type(error)]: 1} if type(error) in NOTICED else {}
        assert backend.observer.counted == told
    assert (type(error) in NOTICED) != (type(error) in UNNOTICED)


def test_a_failure_is_counted_also_where_a_copy_hides_it(backend: Backend) -> None:
    backend.get()
    backend.upstream.answers[ADA] = AppleTooSlowError("late")
    backend.clock.advance(90)

    backend.get()

    assert backend.observer.counted == {Metric.UPSTREAM_TOO_SLOW: 1}
    assert backend.observer.reasons == ["late"]


def test_a_failure_past_the_cache_is_counted_too(backend: Backend) -> None:
    backend.upstream.answers[ADA] = AppleTooSlowError("late")

    with pytest.raises(AppleTooSlowError):
        backend.get(options=QueryOptions(include="content"))

    assert backend.observer.counted == {Metric.UPSTREAM_TOO_SLOW: 1}


def test_a_rating_from_the_future_is_a_miss_and_counted(backend: Backend) -> None:
    backend.get()
    backend.clock.advance(-2)

    assert backend.get().cache_status == CacheStatus(fwd="miss", stored=True)
    assert backend.observer.counted == {Metric.CACHE_ITEM_REJECTED: 1}


def test_what_the_cache_holds_but_cannot_read_is_counted(backend: Backend) -> None:
    backend.cache.rejected = 2

    backend.get_many("i.a", "i.b")

    assert backend.observer.counted == {Metric.CACHE_ITEM_REJECTED: 2}


def test_a_refusal_that_could_not_be_told_to_the_cache_is_counted(backend: Backend) -> None:
    backend.upstream.answers[ADA] = UserTokenRefusedError("403")
    backend.cache.failing = {"refuse"}

    with pytest.raises(UserTokenRefusedError):
        backend.get()

    assert backend.observer.counted == {Metric.CACHE_INVALIDATION_FAILED: 1}
    assert backend.observer.reasons == ["told to fail"]


def test_apple_is_told_of_a_stand_in(backend: Backend) -> None:
    backend.get()
    backend.clock.advance(90)
    backend.get()

    assert backend.upstream.stand_ins == [False, True]


def test_of_many_apple_is_told_of_a_stand_in_for_all_of_them_alone(backend: Backend) -> None:
    backend.get_many("i.a")
    backend.clock.advance(90)
    backend.get_many("i.a", "i.b")
    backend.clock.advance(90)
    backend.get_many("i.a", "i.b")

    assert backend.upstream.stand_ins == [False, False, True]


class Refused:
    """What Apple's 403 does, and for how long."""

    @staticmethod
    def refuse(backend: Backend) -> None:
        backend.upstream.answers[ADA] = UserTokenRefusedError("x")
        with pytest.raises(UserTokenRefusedError):
            backend.get_many("i.other")


def test_a_token_that_apple_refused_is_refused_from_memory(backend: Backend) -> None:
    backend.get()
    Refused.refuse(backend)
    calls, reads = backend.upstream.calls, backend.cache.calls.copy()

    for ask in (backend.get, backend.put, backend.delete, lambda: backend.get_many("i.a")):
        with pytest.raises(UserTokenRefusedError):
            ask()

    assert (backend.upstream.calls, backend.cache.calls) == (calls, reads)
    assert backend.get(GRACE).ratings == (DISLIKED,)


def test_a_token_that_apple_refused_for_a_write_is_refused_from_memory(backend: Backend) -> None:
    backend.upstream.written = UserTokenRefusedError("x")
    with pytest.raises(UserTokenRefusedError):
        backend.put()

    with pytest.raises(UserTokenRefusedError):
        backend.get()
    assert backend.upstream.calls == 1
    assert backend.get(GRACE).ratings == (DISLIKED,)


def test_a_refusal_past_the_cache_counts_as_any_other(backend: Backend) -> None:
    backend.put()
    number = backend.cache.generations[ADA.owner, "songs"]
    backend.upstream.answers[ADA] = UserTokenRefusedError("x")
    with pytest.raises(UserTokenRefusedError):
        backend.get(options=QueryOptions(include="content"))

    assert backend.cache.generations[ADA.owner, "songs"] != number
    with pytest.raises(UserTokenRefusedError):
        backend.get()
    assert backend.upstream.calls == 2


def test_after_a_moment_apple_is_asked_again(backend: Backend) -> None:
    Refused.refuse(backend)
    backend.upstream.answers[ADA] = LIKED
    backend.clock.advance(10)

    assert backend.get().ratings == (LIKED,)


def test_after_a_refusal_nothing_of_a_family_that_was_written_is_served(backend: Backend) -> None:
    backend.put()
    backend.clock.advance(5.1)
    backend.get()
    Refused.refuse(backend)
    backend.clock.advance(10)

    with pytest.raises(UserTokenRefusedError):
        backend.get()


def test_after_a_refusal_of_a_stale_rating_nothing_of_its_family_is_served(
    backend: Backend,
) -> None:
    backend.get_many("i.a", "i.b")
    backend.clock.advance(50)
    backend.get_many("i.c")
    backend.clock.advance(40)
    backend.upstream.answers[ADA] = UserTokenRefusedError("x")
    with pytest.raises(UserTokenRefusedError):
        backend.get_many("i.a")
    backend.clock.advance(10)

    with pytest.raises(UserTokenRefusedError):
        backend.get_many("i.c")


def test_a_thousand_made_up_tokens_leave_no_rating(backend: Backend) -> None:
    for number in range(1000):
        stranger = MusicUserToken(f"made-up-{number}")
        backend.upstream.answers[stranger] = UserTokenRefusedError("x")
        with pytest.raises(UserTokenRefusedError):
            backend.get(stranger)

    assert (backend.cache.ratings, backend.cache.generations) == ({}, {})


@pytest.mark.parametrize("options", [QueryOptions(), QueryOptions(include="content")])
def test_a_refused_stranger_leaves_nothing_behind(backend: Backend, options: QueryOptions) -> None:
    backend.upstream.answers[ADA] = UserTokenRefusedError("x")
    with pytest.raises(UserTokenRefusedError):
        backend.get(options=options)

    assert "refuse" in backend.cache.calls
    assert (backend.cache.ratings, backend.cache.generations) == ({}, {})


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: type(refusal).__name__)
def test_a_refused_write_leaves_no_rating(backend: Backend, refusal: IdentityError) -> None:
    backend.upstream.written = refusal
    with pytest.raises(type(refusal)):
        backend.delete()

    assert backend.cache.calls == ["open_write", "close_write"]
    backend.clock.advance(10)
    assert backend.get().cache_status == CacheStatus(fwd="miss", stored=True)


@pytest.mark.parametrize(
    ("failing", "told"),
    [
        ({"open_write"}, {Metric.CACHE_INVALIDATION_FAILED: 1}),
        ({"close_write"}, {Metric.CACHE_INVALIDATION_FAILED: 1}),
        ({"store"}, {Metric.CACHE_STORE_FAILED: 1}),
        ({"open_write", "close_write", "store"}, {Metric.CACHE_INVALIDATION_FAILED: 2}),
    ],
)
def test_a_write_succeeds_whatever_the_cache_does(
    backend: Backend, failing: set[str], told: Mapping[Metric, int]
) -> None:
    backend.cache.failing = failing

    assert backend.put() == DISLIKED
    assert backend.observer.counted == told
    assert backend.observer.reasons == ["told to fail"] * sum(told.values())


def test_a_write_whose_announcement_failed_stores_nothing_and_is_closed(backend: Backend) -> None:
    backend.cache.failing = {"open_write"}

    backend.put()

    assert backend.cache.calls == ["open_write", "close_write"]
