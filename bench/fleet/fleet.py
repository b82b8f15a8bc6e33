"""Clients that call a fleet of environments, and Lambda between them."""

from __future__ import annotations

from enum import Enum
from functools import partial
from http import HTTPStatus
from math import inf
from random import Random
from typing import Final, NamedTuple

from bench.fleet.environments import POLICY, Environment, new_environment
from bench.fleet.events import EventLoop
from bench.fleet.services import (
    DYNAMODB_SECONDS,
    AppleMusic,
    DynamoDB,
    SecretsManager,
    developer_token,
)
from functions.ratings.cache import items
from functions.ratings.cache.policy import StoredRating
from functions.ratings.cache.status import CacheStatus
from functions.ratings.errors import RatingsError
from functions.ratings.models import MusicUserToken, RatingKey, ReadRequest, WriteRequest
from functions.shared.deadline import Deadline

WARM_UP_SECONDS: Final = 1.0  # warm environments read the secret in this time
COLD_SECONDS: Final = 0.4  # the start of a new environment takes this long

# A session is one user reading one item: with these figures, four of five reads are hits.
SESSION_READS: Final = 5
READ_SECONDS: Final = 12.0
MAX_POLLS: Final = 5  # after so many failed reads, the user stops
STALE_AGE: Final = 600.0
BROKEN_ID: Final = "500"
LIMIT_SHARE: Final = 2.5  # Lambda's concurrency limit, as a multiple of the warm environments


class Load(NamedTuple):
    """What the clients of a scenario do.

    With `poll_seconds`, they repeat failed reads, at most MAX_POLLS times per session. `share` is
    a share of the fleet's usual load. Of the sessions, `stale_share` begin with a stale copy,
    `broken_share` read the broken item, and `write_share` consist of one write.
    """

    share: float = 1.0
    poll_seconds: float | None = None
    stale_share: float = 0.0
    broken_share: float = 0.0
    write_share: float = 0.0
    is_cold: bool = False  # all environments start with the first requests


class Size(NamedTuple):
    """The size of a fleet. To save time, a simulation divides both numbers by `sample`."""

    environments: int
    requests_per_second: float
    sample: int = 1


class Kind(Enum):
    """A write, or the state of a read's rating in the cache before the request."""

    HIT = "hit"
    STALE = "stale"
    MISS = "miss"
    WRITE = "write"


class Served(NamedTuple):
    """One request; `status` is None if Lambda refused it. `at` is on the monotonic clock."""

    at: float
    kind: Kind
    status: int | None
    seconds: float
    environment: int = -1
    cache_status: CacheStatus | None = None
    is_broken: bool = False

    @property
    def is_success(self) -> bool:
        """Whether the client got 200."""
        return self.status == HTTPStatus.OK


class _Session:
    __slots__ = ("fresh_until", "key", "kind", "polls_left", "reads_left", "token")

    def __init__(self, token: str, key: RatingKey, kind: Kind) -> None:
        self.token, self.key, self.kind = MusicUserToken(token), key, kind
        self.reads_left = 1 if kind is Kind.WRITE else SESSION_READS
        self.polls_left = MAX_POLLS
        self.fresh_until = -inf


class Fleet:
    """A fleet and its clients; scenarios set the faults of the services while it runs."""

    def __init__(self, size: Size, load: Load, *, seed: int = 1) -> None:
        self.clock, self.random = EventLoop(), Random(seed)  # noqa: S311 - the same in each run
        self.apple = AppleMusic(clock=self.clock, random=self.random)
        self.secrets = SecretsManager(clock=self.clock, text=developer_token("first"))
        self.dynamodb = DynamoDB(clock=self.clock)
        self.served: list[Served] = []
        self.warm: Final = size.environments // size.sample
        self.limit: Final = int(LIMIT_SHARE * self.warm)
        self._load = load
        self.requests_per_second: Final = size.requests_per_second / size.sample * load.share
        self.session_rate: Final = self.requests_per_second / (
            load.write_share + (1 - load.write_share) * SESSION_READS
        )
        self._environments = 0
        self._idle: list[Environment] = []
        self._sessions = 0
        if not load.is_cold:
            self._idle = [self._new_environment() for _ in range(self.warm)]
            for environment in self._idle:
                self.clock.start(self._warm_up, environment)
            self.clock.run(WARM_UP_SECONDS)
            self._resume_sessions()
        self.clock.at(self._next_arrival(), self._begin_session)

    def _new_environment(self) -> Environment:
        self._environments += 1
        services = self.apple, self.secrets, self.dynamodb
        return new_environment(self._environments, self.clock, self.random, *services)

    def _warm_up(self, environment: Environment) -> None:
        tokens = environment.reads.apple.developer_tokens
        tokens.current(Deadline.after(POLICY.deadline_seconds, self.clock))
        environment.is_started = True

    # Clients

    def _next_arrival(self) -> float:
        return self.clock.monotonic() + self.random.expovariate(self.session_rate)

    def _begin_session(self) -> None:
        self.clock.at(self._next_arrival(), self._begin_session)
        self._request(self._new_session())

    def _new_session(self) -> _Session:
        self._sessions += 1
        item, load = str(self._sessions), self._load
        kind = Kind.MISS
        if self.random.random() < load.write_share:
            kind = Kind.WRITE
        elif self.random.random() < load.stale_share:
            kind = Kind.STALE
        elif self.random.random() < load.broken_share:
            item = BROKEN_ID
        session = _Session(f"user-{self._sessions}", RatingKey(type="songs", id=item), kind)
        if kind is Kind.STALE:
            self._store(session, STALE_AGE)
        return session

    def _resume_sessions(self) -> None:
        """Start the sessions that would already be in progress, each with a fresh copy."""
        length = READ_SECONDS * (SESSION_READS - 1)
        for _ in range(int(self.session_rate * length)):
            session = self._new_session()
            if session.kind is Kind.WRITE or session.key.id == BROKEN_ID:
                continue
            age = self.random.uniform(0, length)
            self._store(session, age)
            began = self.clock.monotonic() - age
            session.fresh_until = began + POLICY.fresh_seconds
            reads_done = 1 + int(age // READ_SECONDS)
            session.reads_left = SESSION_READS - reads_done
            self._later(session, began + reads_done * READ_SECONDS)

    def _store(self, session: _Session, age: float) -> None:
        requested_at = self.clock.time() - age
        item = items.bucket_item(
            session.token.hash,
            items.bucket_sort_key(session.key),
            {session.key.id: StoredRating(1, requested_at)},
            generation=None,
            expires_at=POLICY.expires_at(requested_at),
        )
        self.dynamodb.put(item)

    def _later(self, session: _Session, at: float) -> None:
        self.clock.at(at, partial(self._request, session))

    # Lambda

    def _request(self, session: _Session) -> None:
        """Run a request in an idle environment, or in a new environment within Lambda's limit."""
        is_fresh = self.clock.monotonic() < session.fresh_until
        kind = Kind.HIT if is_fresh else session.kind
        if self._idle and is_fresh and not self.dynamodb.is_silent:
            # Only a silent DynamoDB affects fresh hits. With a working DynamoDB, a fresh hit is not
            # simulated, to save time.
            now = self.clock.monotonic()
            self._answered(session, Served(now, kind, HTTPStatus.OK, DYNAMODB_SECONDS))
            return
        if self._idle:
            index = self.random.randrange(len(self._idle))
            environment, self._idle[index] = self._idle[index], self._idle[-1]
            self._idle.pop()
        elif self._environments < self.limit:
            environment = self._new_environment()
        else:
            self._answered(session, Served(self.clock.monotonic(), kind, None, 0.0))
            return
        self.clock.start(self._serve, environment, session, kind)

    def _serve(self, environment: Environment, session: _Session, kind: Kind) -> None:
        started = self.clock.monotonic()
        if not environment.is_started:
            self.clock.sleep(COLD_SECONDS)
            environment.is_started = True
        deadline = Deadline.after(POLICY.deadline_seconds, self.clock)
        error: RatingsError | None
        cache_status = None
        try:
            if session.kind is Kind.WRITE:
                write = WriteRequest(token=session.token, key=session.key, value=1)
                environment.writes.write(write, deadline)
                error = None
            else:
                read = ReadRequest(token=session.token, keys=(session.key,))
                result = environment.reads.read(read, deadline)
                error, cache_status = result.error, result.cache_status
        except RatingsError as raised:
            error = raised
        self._idle.append(environment)
        if cache_status is not None and cache_status.stored:
            session.fresh_until = started + POLICY.fresh_seconds
        served = Served(
            at=started,
            kind=kind,
            status=HTTPStatus.OK if error is None else error.status,
            seconds=self.clock.monotonic() - started,
            environment=environment.number,
            cache_status=cache_status,
            is_broken=session.key.id == BROKEN_ID,
        )
        self._answered(session, served)

    def _answered(self, session: _Session, served: Served) -> None:
        self.served.append(served)
        poll_seconds = self._load.poll_seconds
        if served.is_success or poll_seconds is None:
            session.reads_left -= 1
            seconds = READ_SECONDS
        else:
            session.polls_left -= 1
            seconds = poll_seconds * self.random.uniform(0.9, 1.1)
        if session.reads_left > 0 and session.polls_left > 0:
            self._later(session, self.clock.monotonic() + seconds)
