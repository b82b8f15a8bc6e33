import pytest

from functions.ratings.cache_policy import CachePolicy, Generation
from functions.ratings.cache_status import CacheStatus
from functions.ratings.deadline import Deadline
from functions.ratings.errors import (
    AppleAnswerUnusableError,
    AppleThrottlesError,
    AppleTooSlowError,
    AppleUnavailableError,
    AppleUnreachableError,
    CacheUnavailableError,
    DependencyError,
    DeveloperTokenMissingError,
    DeveloperTokenRefusedError,
    IdentityError,
    NotSignedInError,
    RatingsError,
    RequestRefusedError,
    UserTokenRefusedError,
)
from functions.ratings.models import NOT_RATED, MusicUserToken, QueryOptions, Rating, RatingKey
from functions.ratings.read_plan import Reading
from functions.ratings.service import RatingsService
from tests.fakes.clock import FakeClock
from tests.fakes.response_cache import FakeResponseCache

SONG = RatingKey(type="library-songs", id="i.a")
ADA, GRACE = MusicUserToken("sample-user-token-ada"), MusicUserToken("sample-user-token-grace")
LIKED, DISLIKED = Rating('{"id":"i.a","value":1}'), Rating('{"id":"i.a","value":-1}')

FAILURES = [
    AppleUnreachableError("x"),
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
]


class FakeUpstream:
    """Answers each user with what is laid out, and counts."""

    def __init__(self) -> None:
        self.calls = 0
        self.answers: dict[MusicUserToken, Rating | RatingsError] = {ADA: LIKED, GRACE: DISLIKED}
        self.seconds: list[float] = []

    def get_one(
        self, token: MusicUserToken, key: RatingKey, options: QueryOptions, deadline: Deadline
    ) -> Rating:
        assert (key, options.language) == (SONG, None)
        self.calls += 1
        self.seconds.append(deadline.remaining())
        answer = self.answers[token]
        if isinstance(answer, RatingsError):
            raise answer
        return answer


class Backend:
    """The service, and everything that it was given."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.cache = FakeResponseCache()
        self.upstream = FakeUpstream()
        self.cache_failures: list[CacheUnavailableError] = []
        self.service = RatingsService(
            cache=self.cache,
            upstream=self.upstream,
            policy=CachePolicy(fresh_seconds=60, stale_if_error_seconds=3600),
            clock=self.clock,
            on_cache_failure=self.cache_failures.append,
        )

    def get(self, token: MusicUserToken = ADA, options: QueryOptions | None = None) -> Reading:
        deadline = Deadline.after(6, self.clock)
        return self.service.get_one(token, SONG, options or QueryOptions(), deadline)


@pytest.fixture
def backend() -> Backend:
    return Backend()


def test_a_miss_is_fetched_and_stored(backend: Backend) -> None:
    assert backend.get() == Reading(
        ratings=(LIKED,), cache_status=CacheStatus(fwd="miss", stored=True), age=None
    )
    assert (backend.cache.reads, backend.upstream.calls, backend.cache.stores) == (1, 1, 1)


def test_a_hit_asks_the_cache_once_and_nobody_else(backend: Backend) -> None:
    backend.get()
    backend.clock.advance(18)

    assert backend.get() == Reading(ratings=(LIKED,), cache_status=CacheStatus(ttl=42), age=18)
    assert (backend.cache.reads, backend.upstream.calls, backend.cache.stores) == (2, 1, 1)


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


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
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

    assert backend.upstream.seconds == pytest.approx([5.6, 1.5])


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

    assert backend.cache.stores == 0


def test_without_the_cache_apple_answers_and_nothing_is_stored(backend: Backend) -> None:
    backend.cache.reads_fail = True

    assert backend.get() == Reading(ratings=(LIKED,), cache_status=CacheStatus(fwd="bypass"))
    assert backend.cache.stores == 0
    assert len(backend.cache_failures) == 1


def test_without_the_cache_and_without_apple_the_error_is_apples(backend: Backend) -> None:
    backend.cache.reads_fail = True
    backend.upstream.answers[ADA] = AppleTooSlowError("x")

    with pytest.raises(AppleTooSlowError) as raised:
        backend.get()

    assert raised.value.cache_status == CacheStatus(fwd="bypass")


def test_an_answer_that_could_not_be_stored_is_an_answer(backend: Backend) -> None:
    backend.cache.stores_fail = True

    assert backend.get() == Reading(ratings=(LIKED,), cache_status=CacheStatus(fwd="miss"))
    assert len(backend.cache_failures) == 1


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
    assert backend.cache.stores == 0


@pytest.mark.parametrize(
    "options", [QueryOptions(include="content"), QueryOptions(extend="artistUrl")]
)
def test_more_than_a_bare_rating_passes_the_cache_by(
    backend: Backend, options: QueryOptions
) -> None:
    backend.get()

    assert backend.get(options=options).cache_status == CacheStatus(fwd="bypass")
    assert (backend.cache.reads, backend.cache.stores) == (1, 1)
